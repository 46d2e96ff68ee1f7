//! Asks intake for original texts.

use std::collections::HashMap;

use liuyan_kit::grpc::Channel;
use liuyan_proto::liuyan::intake::v1::{
    self as intake, intake_service_client::IntakeServiceClient,
};
use uuid::Uuid;

use crate::{domain::text::Text, error::Error};

/// The most texts that intake gives at a time.
pub(crate) const MOST_AT_ONCE: usize = 256;

/// Intake's texts.
#[derive(Debug, Clone)]
pub struct Texts(IntakeServiceClient<Channel>);

impl Texts {
    /// Texts that come over `channel`.
    pub fn new(channel: Channel) -> Self {
        Self(IntakeServiceClient::new(channel))
    }

    /// The texts of up to [`MOST_AT_ONCE`] messages, as far as intake has them. Never called
    /// inside a transaction.
    ///
    /// # Errors
    /// [`Error::TextsUnavailable`].
    pub async fn of(&self, ids: &[Uuid], purpose: &str) -> Result<HashMap<Uuid, Text>, Error> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let request = intake::BatchGetTextRequest {
            message_ids: ids.iter().map(Uuid::to_string).collect(),
            purpose: purpose.to_owned(),
        };
        let answer = self
            .0
            .clone()
            .batch_get_text(request)
            .await
            .map_err(|status| Error::TextsUnavailable(Box::new(status)))?;
        let texts = answer.into_inner().texts.into_iter();
        Ok(texts.filter_map(|text| Some((text.message_id.parse().ok()?, convert(text)))).collect())
    }

    /// The text of one message, if intake has it in this revision.
    ///
    /// # Errors
    /// [`Error::TextsUnavailable`].
    pub async fn of_one(
        &self,
        id: Uuid,
        revision: u32,
        purpose: &str,
    ) -> Result<Option<Text>, Error> {
        let mut texts = self.of(&[id], purpose).await?;
        Ok(texts.remove(&id).filter(|text| text.revision == revision))
    }
}

fn convert(text: intake::Text) -> Text {
    Text {
        revision: text.revision,
        title: text.title,
        body: text.body,
        demand: text.demand,
        details: text.details,
        place: text.place,
        place_public: text.place_public,
    }
}
