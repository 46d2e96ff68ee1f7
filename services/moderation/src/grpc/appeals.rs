//! Appeals, what becomes of them, and accusations.

use liuyan_kit::auth::Caller;
use liuyan_proto::liuyan::moderation::v1 as proto;
use prost::Message as _;
use uuid::Uuid;

use super::{Grpc, call, convert, decode, moderator, name, parse};
use crate::{
    app::calls::{Call, Write},
    error::Error,
};

impl Grpc {
    /// Only the author of that very message appeals, and learns nothing of others.
    pub(super) async fn appeal(
        &self,
        caller: &Caller,
        request: proto::AppealDecisionRequest,
    ) -> Result<proto::AppealDecisionResponse, Error> {
        let (request_id, message_id) = parse::appeals::appeal(&request)?;
        if !caller.author_of(message_id) {
            return Err(Error::OtherMessage);
        }
        let write = Write {
            caller: name(caller),
            request_id,
            body_hash: self.app.vault.request_index("AppealDecision", &request.encode_to_vec()),
        };
        let call = Call {
            write,
            answer: |review| {
                let appeal = review.appeal.as_ref().map(convert::appeal);
                proto::AppealDecisionResponse { appeal }.encode_to_vec()
            },
        };
        decode(&self.app.appeal(call, message_id, request.reason).await?)
    }

    pub(super) async fn end_appeal(
        &self,
        caller: &Caller,
        request: proto::DecideAppealRequest,
    ) -> Result<proto::DecideAppealResponse, Error> {
        let (request_id, outcome) =
            parse::appeals::outcome(&request, self.app.config.accused_offices)?;
        let call = call(caller, "DecideAppeal", &request, request_id, |review| {
            let review = Some(convert::review(review));
            proto::DecideAppealResponse { review }.encode_to_vec()
        });
        decode(&self.app.decide_appeal(call, moderator(caller), outcome).await?)
    }

    pub(super) async fn accuse(
        &self,
        caller: &Caller,
        request: proto::MarkAccusationRequest,
    ) -> Result<proto::MarkAccusationResponse, Error> {
        let (request_id, accusation) =
            parse::appeals::accusation(&request, self.app.config.accused_offices)?;
        let call = call(caller, "MarkAccusation", &request, request_id, |review| {
            let review = Some(convert::review(review));
            proto::MarkAccusationResponse { review }.encode_to_vec()
        });
        decode(&self.app.mark_accusation(call, moderator(caller), accusation).await?)
    }

    /// Adds the author's words to an appeal; the look at the review is in the audit log by now.
    pub(super) async fn add_reason(
        &self,
        message_id: Uuid,
        review: &mut proto::Review,
    ) -> Result<(), Error> {
        if let Some(appeal) = &mut review.appeal {
            appeal.reason = self.app.reason_of_appeal(message_id).await?;
        }
        Ok(())
    }
}
