//! Asking routing for the public views of cases.

use std::{collections::HashMap, time::Duration};

use liuyan_kit::grpc::Channel;
use liuyan_proto::liuyan::routing::v1::{
    BatchGetPublicCaseRequest, case_service_client::CaseServiceClient,
};
use uuid::Uuid;

use crate::{error::Error, payload::View};

/// The most cases that routing gives at a time.
const AT_A_TIME: usize = 256;
/// The largest answer that is taken: 256 cases with long replies.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;

/// Asks routing.
#[derive(Debug, Clone)]
pub struct Views {
    routing: CaseServiceClient<Channel>,
    timeout: Duration,
}

impl Views {
    /// Asks over this channel.
    pub fn new(channel: Channel, timeout: Duration) -> Self {
        let routing = CaseServiceClient::new(channel).max_decoding_message_size(LARGEST_ANSWER);
        Self { routing, timeout }
    }

    /// The views of those cases that are public now.
    ///
    /// # Errors
    /// If routing does not answer.
    pub async fn of(&self, case_ids: &[Uuid]) -> Result<HashMap<Uuid, View>, Error> {
        let mut views = HashMap::with_capacity(case_ids.len());
        for case_ids in case_ids.chunks(AT_A_TIME) {
            let request = BatchGetPublicCaseRequest {
                case_ids: case_ids.iter().map(Uuid::to_string).collect(),
            };
            let mut routing = self.routing.clone();
            let answer = tokio::time::timeout(self.timeout, routing.batch_get_public_case(request))
                .await
                .map_err(|_| Error::ViewsTimeout)?
                .map_err(|status| Error::Views(Box::new(status)))?;
            for case in answer.into_inner().cases {
                let Ok(case_id) = case.case_id.parse() else { continue };
                views.insert(case_id, View::from(case));
            }
        }
        Ok(views)
    }
}
