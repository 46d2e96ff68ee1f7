//! Asks moderation for public texts, and intake for original ones.

use std::{collections::HashMap, time::Duration};

use liuyan_kit::grpc::Channel;
use liuyan_proto::liuyan::{
    intake::v1::{self as intake, intake_service_client::IntakeServiceClient},
    moderation::v1::{self as moderation, review_service_client::ReviewServiceClient},
};
use tonic::Request;

use crate::{
    domain::{MessageId, case::Text},
    error::Error,
};

/// The most texts that moderation gives at a time.
pub const MOST_AT_ONCE: usize = 256;
/// How long somebody who looks at a case waits for its text.
const LOOK_LIMIT: Duration = Duration::from_secs(2);

/// Moderation's public texts.
#[derive(Debug, Clone)]
pub struct Texts(ReviewServiceClient<Channel>);

impl Texts {
    /// Texts that come over `channel`.
    pub fn new(channel: Channel) -> Self {
        Self(ReviewServiceClient::new(channel))
    }

    /// The public texts of messages, as far as moderation has them. Never called inside a
    /// transaction.
    ///
    /// # Errors
    /// [`Error::TextsUnavailable`].
    pub async fn of(&self, ids: &[MessageId]) -> Result<HashMap<MessageId, Text>, Error> {
        let mut texts = HashMap::with_capacity(ids.len());
        for ids in ids.chunks(MOST_AT_ONCE) {
            let message_ids = ids.iter().map(MessageId::to_string).collect();
            let answer = self
                .0
                .clone()
                .batch_get_public_text(moderation::BatchGetPublicTextRequest { message_ids })
                .await
                .map_err(|status| Error::TextsUnavailable(Box::new(status)))?;
            texts.extend(
                answer
                    .into_inner()
                    .texts
                    .into_iter()
                    .filter_map(|text| Some((text.message_id.parse().ok()?, convert(text)))),
            );
        }
        Ok(texts)
    }
}

/// Intake's original texts.
#[derive(Debug, Clone)]
pub struct Originals(IntakeServiceClient<Channel>);

impl Originals {
    /// Texts that come over `channel`.
    pub fn new(channel: Channel) -> Self {
        Self(IntakeServiceClient::new(channel))
    }

    /// The original text of a message in the revision that moderation judged, with its place, if intake
    /// has it; no other one, which nobody has read for the office. Never called inside a transaction;
    /// what it gives is never stored.
    ///
    /// # Errors
    /// [`Error::OriginalUnavailable`].
    pub async fn of(
        &self,
        id: MessageId,
        revision: u32,
        purpose: String,
    ) -> Result<Option<Text>, Error> {
        let (message_ids, revisions) = (vec![id.to_string()], vec![revision]);
        let mut request =
            Request::new(intake::BatchGetTextRequest { message_ids, purpose, revisions });
        request.set_timeout(LOOK_LIMIT);
        let answer = self.0.clone().batch_get_text(request).await;
        let answer = answer.map_err(|status| Error::OriginalUnavailable(Box::new(status)))?;
        let mut texts = answer.into_inner().texts.into_iter();
        let text = texts.find(|text| {
            text.revision == revision && text.message_id.parse().is_ok_and(|it: MessageId| it == id)
        });
        Ok(text.map(|text| Text {
            title: text.title,
            body: text.body,
            demand: text.demand,
            details: text.details,
            place: text.place,
        }))
    }
}

fn convert(text: moderation::PublicText) -> Text {
    Text {
        title: text.title,
        body: text.body,
        demand: text.demand,
        details: text.details,
        place: text.place,
    }
}
