//! Asks moderation for public texts.

use std::collections::HashMap;

use liuyan_kit::grpc::Channel;
use liuyan_proto::liuyan::moderation::v1::{
    self as moderation, review_service_client::ReviewServiceClient,
};

use crate::{
    domain::{MessageId, case::Text},
    error::Error,
};

/// The most texts that moderation gives at a time.
pub const MOST_AT_ONCE: usize = 256;

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

fn convert(text: moderation::PublicText) -> Text {
    Text {
        title: text.title,
        body: text.body,
        demand: text.demand,
        details: text.details,
        place: text.place,
    }
}
