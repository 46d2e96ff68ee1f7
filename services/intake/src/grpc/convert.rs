//! Between the generated types and the domain's.

use liuyan_kit::clock;
use liuyan_proto::{
    google::r#type::LatLng,
    liuyan::{common::v1 as common, intake::v1 as proto},
};
use prost::Message as _;
use tonic::Status;
use tonic_types::pb;

use crate::{
    app::{Accepted, Opened},
    domain::{
        draft::{Channel, Contact, Entrance, Place, Raw, Visibility, Words},
        file::{Attachment, Claimed, Lost, MediaType, Named},
        message::{Message, Receipt, Text},
        rule::Rule,
        state::State,
    },
    error::Error,
};

/// More files than any configuration lets a message have.
const MOST_CLAIMED: usize = 50;

/// A message as it came.
pub(super) fn raw(
    request: proto::SubmitMessageRequest,
    entrance: Entrance,
    uploader: impl FnOnce(&str) -> Result<String, Rule>,
) -> Result<Raw, Error> {
    let message = request.message.ok_or_else(|| Error::field("message", Rule::Required))?;
    let (visibility, channel) = (visibility(message.visibility), channel(message.channel));
    Ok(Raw {
        office_id: message.office_id,
        kind: message.kind,
        domain: message.domain,
        topic: message.topic,
        words: Words {
            title: message.title,
            body: message.body,
            demand: message.demand,
            details: message.details,
        },
        place: message.place.map(|place| Place {
            text: place.text,
            location: place.location.map(|LatLng { latitude, longitude }| (latitude, longitude)),
            public: place.public,
        }),
        remark: message.remark,
        visibility,
        contact: message.author.map(|author| Contact { name: author.name, phone: author.phone }),
        channel,
        entrance,
        consultation_id: message.consultation_id,
        locale: message.locale,
        occurred_at: request
            .historical
            .map(|historical| historical.occurred_at.as_ref().and_then(clock::from_proto)),
        uploader: uploader(&message.upload_token),
        files: message
            .attachments
            .into_iter()
            .map(|it| Named { attachment_id: it.attachment_id, public: it.public })
            .collect(),
    })
}

fn visibility(value: i32) -> Option<Visibility> {
    match common::Visibility::try_from(value).ok()? {
        common::Visibility::Unspecified | common::Visibility::Public => Some(Visibility::Public),
        common::Visibility::Private => Some(Visibility::Private),
    }
}

fn channel(value: i32) -> Option<Channel> {
    Some(match common::Channel::try_from(value).ok()? {
        common::Channel::Web => Channel::Web,
        common::Channel::App => Channel::App,
        common::Channel::Wechat => Channel::Wechat,
        common::Channel::MiniProgram => Channel::MiniProgram,
        common::Channel::Hotline => Channel::Hotline,
        common::Channel::Column => Channel::Column,
        common::Channel::Unspecified | common::Channel::Api => Channel::Api,
    })
}

pub(super) fn accepted(accepted: Accepted) -> proto::SubmitMessageResponse {
    proto::SubmitMessageResponse {
        access_code: accepted.access_code.to_string(),
        receipt: Some(receipt(accepted.receipt)),
    }
}

pub(super) fn receipt(receipt: Receipt) -> proto::Receipt {
    proto::Receipt {
        leaf_hash: receipt.leaf_hash().map(Vec::from).unwrap_or_default().into(),
        message_id: receipt.message_id.to_string(),
        number: receipt.number,
        office_id: receipt.office_id,
        submitted_at: Some(clock::to_proto(receipt.submitted_at)),
        occurred_at: receipt.occurred_at.map(clock::to_proto),
        content_hash: receipt.content_hash.to_vec().into(),
        salt: receipt.salt.map(Vec::from).unwrap_or_default().into(),
        statement: receipt.statement.into(),
        key_id: receipt.key_id,
        signature: receipt.signature.to_vec().into(),
    }
}

pub(super) fn text(text: Text) -> proto::Text {
    proto::Text {
        message_id: text.message_id.to_string(),
        revision: text.revision,
        title: text.words.title,
        body: text.words.body,
        demand: text.words.demand,
        details: text.words.details,
        place: text.place,
        place_public: text.place_public,
        attachments: text.attachments.iter().map(attachment).collect(),
    }
}

pub(super) fn attachment(file: &Attachment) -> proto::Attachment {
    proto::Attachment {
        attachment_id: file.attachment_id.to_string(),
        media_type: file.media_type.word().to_owned(),
        size: file.size,
        sha256: file.sha256.to_vec().into(),
        public: file.public,
        width: file.width,
        height: file.height,
        lost: file.lost,
    }
}

/// Files as somebody says that they were.
pub(super) fn claimed(files: &[proto::Attachment]) -> Result<Vec<Claimed>, Rule> {
    if files.len() > MOST_CLAIMED {
        return Err(Rule::TooMany { max: MOST_CLAIMED });
    }
    let file = |it: &proto::Attachment| {
        let media_type = MediaType::named(&it.media_type).ok_or(Rule::FileTypeUnknown)?;
        Ok(Claimed {
            sha256: it.sha256.as_ref().try_into().map_err(|_| Rule::HashMalformed)?,
            public: it.public,
            lost: Lost { media_type, size: it.size },
        })
    };
    files.iter().map(file).collect()
}

pub(super) fn message(message: &Message) -> proto::Message {
    let visibility =
        if message.public { common::Visibility::Public } else { common::Visibility::Private };
    proto::Message {
        message_id: message.message_id.to_string(),
        number: message.number.clone(),
        office_id: message.office_id.clone(),
        kind: message.kind.clone(),
        domain: message.domain.clone(),
        topic: message.topic.clone(),
        visibility: visibility.into(),
        state: state(message.state).into(),
        ground: message.ground.clone(),
        submitted_at: Some(clock::to_proto(message.submitted_at)),
        occurred_at: message.occurred_at.map(clock::to_proto),
        text: Some(text(message.text.clone())),
        case_id: message.case_id.map(|id| id.to_string()).unwrap_or_default(),
        deadline_at: message.deadline_at.map(clock::to_proto),
        column_id: message.column_id.clone(),
    }
}

pub(super) fn state(state: State) -> proto::MessageState {
    match state {
        State::InReview => proto::MessageState::InReview,
        State::Approved => proto::MessageState::Approved,
        State::Returned => proto::MessageState::Returned,
        State::Declined => proto::MessageState::Declined,
        State::Withdrawn => proto::MessageState::Withdrawn,
        State::Erased => proto::MessageState::Erased,
    }
}

pub(super) fn looked_up(opened: Opened) -> proto::LookUpMessageResponse {
    proto::LookUpMessageResponse {
        message: Some(message(&opened.message)),
        author_token: opened.author_token,
        expires_at: Some(clock::to_proto(opened.expires_at)),
    }
}

pub(super) fn issued(opened: Opened) -> proto::IssueAuthorTokenResponse {
    proto::IssueAuthorTokenResponse {
        message: Some(message(&opened.message)),
        author_token: opened.author_token,
        expires_at: Some(clock::to_proto(opened.expires_at)),
    }
}

/// The encoded answer to a withdrawal.
pub(super) fn withdrawn(stands: &Message) -> Vec<u8> {
    proto::WithdrawMessageResponse { message: Some(message(stands)) }.encode_to_vec()
}

/// The encoded answer to a resubmission.
pub(super) fn resubmitted(stands: &Message) -> Vec<u8> {
    proto::ResubmitMessageResponse { message: Some(message(stands)) }.encode_to_vec()
}

/// A status as a field of an answer. The details hold the whole status, encoded.
pub(super) fn status(status: &Status) -> pb::Status {
    pb::Status::decode(status.details()).unwrap_or_else(|_| pb::Status {
        code: status.code().into(),
        message: status.message().to_owned(),
        details: Vec::new(),
    })
}
