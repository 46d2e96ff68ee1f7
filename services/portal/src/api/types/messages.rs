//! Messages, as their authors write and see them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use liuyan_proto::{
    google::r#type::LatLng,
    liuyan::{common::v1 as common, intake::v1 as intake},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Time, Word,
    attachments::{AttachedFile, Attachment},
    cases::Visibility,
    some, words,
};

words! {
    /// The entrance by which a message came.
    Channel of common::Channel {
        /// The board's own pages.
        Web,
        /// A phone application.
        App,
        /// A WeChat account.
        Wechat,
        /// A mini program.
        MiniProgram,
        /// A hotline's operator.
        Hotline,
        /// A partner's own column.
        Column,
        /// Another program.
        Api,
    }
}

words! {
    /// Where a message stands.
    MessageState of intake::MessageState {
        /// It is being reviewed.
        InReview,
        /// Approved; an office has it or will have it.
        Approved,
        /// Sent back to its author with what to change.
        Returned,
        /// Not published, with a ground.
        Declined,
        /// Withdrawn by its author.
        Withdrawn,
        /// Erased at its author's wish; its text is gone.
        Erased,
    }
}

/// Where the matter is.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::api) struct NewPlace {
    /// In words, up to 100 characters.
    text: String,
    /// On the map (WGS 84).
    latitude: Option<f64>,
    /// On the map (WGS 84).
    longitude: Option<f64>,
    /// Whether the public may see it.
    public: bool,
}

/// Who writes; for the office alone.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::api) struct Author {
    /// The author's name, up to 50 characters.
    name: String,
    /// A mainland mobile number.
    phone: String,
}

/// A message to be left.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::api) struct NewMessage {
    /// The office it is for.
    #[schema(required = true)]
    office_id: String,
    /// Code of the kind.
    #[schema(required = true)]
    kind: String,
    /// Code of the domain.
    domain: String,
    /// Topic inside the domain.
    topic: String,
    /// 5 to 50 characters.
    #[schema(required = true)]
    title: String,
    /// 10 to 1,000 characters; empty for a complaint in two parts.
    body: String,
    /// A complaint's demand, up to 200 characters.
    demand: String,
    /// A complaint's details, up to 800 characters.
    details: String,
    /// Where the matter is.
    place: Option<NewPlace>,
    /// A remark for the office alone, up to 200 characters.
    remark: String,
    /// Who may read it; public if left out.
    visibility: Option<Visibility>,
    /// Who writes.
    author: Option<Author>,
    /// The entrance; `api` if left out.
    channel: Option<Channel>,
    /// The author's language as a BCP 47 tag; that of the request if left out.
    locale: String,
    /// Files that were uploaded before, up to 5.
    attachments: Vec<AttachedFile>,
    /// The token with which they were uploaded; left out by whoever brought a bearer token.
    upload_token: String,
    /// The consultation to which it belongs: then it is a suggestion to the office that asks.
    consultation_id: String,
}

impl NewMessage {
    /// The message as intake takes it.
    pub(in crate::api) fn into_proto(self, locale: &str) -> intake::NewMessage {
        let place = self.place.map(|it| intake::Place {
            location: (it.latitude.is_some() || it.longitude.is_some()).then(|| LatLng {
                latitude: it.latitude.unwrap_or_default(),
                longitude: it.longitude.unwrap_or_default(),
            }),
            text: it.text,
            public: it.public,
        });
        intake::NewMessage {
            office_id: self.office_id,
            kind: self.kind,
            domain: self.domain,
            topic: self.topic,
            title: self.title,
            body: self.body,
            demand: self.demand,
            details: self.details,
            place,
            remark: self.remark,
            visibility: self.visibility.unwrap_or(Visibility::Public).into(),
            author: self.author.map(|it| intake::Author { name: it.name, phone: it.phone }),
            channel: self.channel.unwrap_or(Channel::Api).into(),
            locale: if self.locale.is_empty() { locale.to_owned() } else { self.locale },
            attachments: self.attachments.into_iter().map(Into::into).collect(),
            upload_token: self.upload_token,
            consultation_id: self.consultation_id,
            ..intake::NewMessage::default()
        }
    }
}

/// The signed proof that a message was received.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Receipt {
    /// The message's id, a UUID.
    message_id: String,
    /// The public number.
    number: String,
    /// The office it is for.
    office_id: String,
    /// When it became durable.
    #[serde(skip_serializing_if = "Option::is_none")]
    submitted_at: Option<Time>,
    /// When it was written, if it came from another system.
    #[serde(skip_serializing_if = "Option::is_none")]
    occurred_at: Option<Time>,
    /// SHA-256 of salt and canonical text, in hexadecimal digits.
    content_hash: String,
    /// The salt of that hash, in hexadecimal digits.
    salt: String,
    /// The bytes that are signed, in base64 (RFC 4648, 4).
    statement: String,
    /// Names the board's key.
    key_id: String,
    /// Ed25519 over `statement`, in base64 (RFC 4648, 4).
    signature: String,
    /// The hash under which the transparency log has it, within 60 seconds, in hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    leaf_hash: Option<String>,
}

impl From<intake::Receipt> for Receipt {
    fn from(it: intake::Receipt) -> Self {
        Self {
            submitted_at: Time::of(it.submitted_at.as_ref()),
            occurred_at: Time::of(it.occurred_at.as_ref()),
            message_id: it.message_id,
            number: it.number,
            office_id: it.office_id,
            content_hash: hex::encode(it.content_hash),
            salt: hex::encode(it.salt),
            statement: STANDARD.encode(it.statement),
            key_id: it.key_id,
            signature: STANDARD.encode(it.signature),
            leaf_hash: some(hex::encode(it.leaf_hash)),
        }
    }
}

/// Says that a message is safe.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct Submitted {
    receipt: Receipt,
    /// The secret that, with the number, gives access. It is told only here.
    access_code: String,
}

impl From<intake::SubmitMessageResponse> for Submitted {
    fn from(it: intake::SubmitMessageResponse) -> Self {
        Self { receipt: it.receipt.unwrap_or_default().into(), access_code: it.access_code }
    }
}

/// The text of a message, as its author wrote it.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Text {
    /// Which revision it is, from 1.
    revision: u32,
    /// The title.
    title: String,
    /// The body.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// A complaint's demand.
    #[serde(skip_serializing_if = "Option::is_none")]
    demand: Option<String>,
    /// A complaint's details.
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<String>,
    /// The place in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    /// Whether the public may see the place.
    place_public: bool,
    /// The files that go with it, in the author's order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<Attachment>,
}

/// A message as its author sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Message {
    /// The message's id, a UUID.
    message_id: String,
    /// The public number.
    number: String,
    /// The office it was written to.
    office_id: String,
    /// Code of the kind.
    kind: String,
    /// Code of the domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
    /// The topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    visibility: Option<Visibility>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<MessageState>,
    /// Why it was returned or declined, a code of the list of grounds.
    #[serde(skip_serializing_if = "Option::is_none")]
    ground: Option<String>,
    /// When it was submitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    submitted_at: Option<Time>,
    /// When it was written, if it came from another system.
    #[serde(skip_serializing_if = "Option::is_none")]
    occurred_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Text>,
    /// The case that was opened for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    case_id: Option<String>,
    /// By when an answer is due; absent before the case is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline_at: Option<Time>,
}

impl From<intake::Message> for Message {
    fn from(it: intake::Message) -> Self {
        let text = |it: intake::Text| Text {
            revision: it.revision,
            title: it.title,
            body: some(it.body),
            demand: some(it.demand),
            details: some(it.details),
            place: some(it.place),
            place_public: it.place_public,
            attachments: it.attachments.into_iter().map(Into::into).collect(),
        };
        Self {
            visibility: Visibility::of(it.visibility),
            state: MessageState::of(it.state),
            submitted_at: Time::of(it.submitted_at.as_ref()),
            occurred_at: Time::of(it.occurred_at.as_ref()),
            deadline_at: Time::of(it.deadline_at.as_ref()),
            text: it.text.map(text),
            message_id: it.message_id,
            number: it.number,
            office_id: it.office_id,
            kind: it.kind,
            domain: some(it.domain),
            topic: some(it.topic),
            ground: some(it.ground),
            case_id: some(it.case_id),
        }
    }
}

/// What an author holds.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::api) struct LookUp {
    /// The public number.
    #[schema(required = true)]
    pub(in crate::api) number: String,
    /// The access code.
    #[schema(required = true)]
    pub(in crate::api) access_code: String,
}

/// A message, and a token to act for its author.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct LookedUp {
    message: Message,
    /// Goes as `Authorization: Bearer` with what the author does.
    author_token: String,
    /// When the token ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Time>,
}

impl From<intake::LookUpMessageResponse> for LookedUp {
    fn from(it: intake::LookUpMessageResponse) -> Self {
        Self {
            expires_at: Time::of(it.expires_at.as_ref()),
            message: it.message.unwrap_or_default().into(),
            author_token: it.author_token,
        }
    }
}

/// A mended text.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::api) struct Mended {
    /// The new title.
    #[schema(required = true)]
    pub(in crate::api) title: String,
    /// The new body.
    pub(in crate::api) body: String,
    /// The new demand, for a complaint.
    pub(in crate::api) demand: String,
    /// The new details, for a complaint.
    pub(in crate::api) details: String,
}
