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

    /// The newest texts of up to [`MOST_AT_ONCE`] messages, as far as intake has them; of approved ones
    /// those that were approved. Never called inside a transaction.
    ///
    /// # Errors
    /// [`Error::TextsUnavailable`].
    pub async fn of(&self, ids: &[Uuid], purpose: &str) -> Result<HashMap<Uuid, Text>, Error> {
        self.ask(ids, Vec::new(), purpose).await
    }

    /// The texts of up to [`MOST_AT_ONCE`] messages, each in this revision, as far as intake has them.
    /// Never called inside a transaction.
    ///
    /// # Errors
    /// [`Error::TextsUnavailable`].
    pub async fn in_revisions(
        &self,
        wanted: &HashMap<Uuid, u32>,
        purpose: &str,
    ) -> Result<HashMap<Uuid, Text>, Error> {
        let (ids, revisions): (Vec<Uuid>, Vec<u32>) = wanted.iter().unzip();
        let mut texts = self.ask(&ids, revisions, purpose).await?;
        // A release of intake that knows no revisions gives the newest.
        texts.retain(|id, text| wanted.get(id) == Some(&text.revision));
        Ok(texts)
    }

    async fn ask(
        &self,
        ids: &[Uuid],
        revisions: Vec<u32>,
        purpose: &str,
    ) -> Result<HashMap<Uuid, Text>, Error> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let request = intake::BatchGetTextRequest {
            message_ids: ids.iter().map(Uuid::to_string).collect(),
            purpose: purpose.to_owned(),
            revisions,
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

    /// The text of one message in this revision, if intake has it.
    ///
    /// # Errors
    /// [`Error::TextsUnavailable`].
    pub async fn of_one(
        &self,
        id: Uuid,
        revision: u32,
        purpose: &str,
    ) -> Result<Option<Text>, Error> {
        let mut texts = self.in_revisions(&HashMap::from([(id, revision)]), purpose).await?;
        Ok(texts.remove(&id))
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
