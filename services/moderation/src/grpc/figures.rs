//! How much waits, and the public preview.

use jiff::{SignedDuration, Timestamp};
use liuyan_kit::auth::Caller;
use liuyan_proto::liuyan::moderation::v1 as proto;
use tokio::sync::Mutex;

use super::{Grpc, convert, moderator, parse};
use crate::{domain::figures::Backlog, error::Error};

/// For how long everybody is told the same; in that time the database is asked once.
const FRESH: SignedDuration = SignedDuration::from_secs(30);

/// What everybody was told last, and when.
pub(super) type Told = Mutex<Option<(Timestamp, Backlog)>>;

impl Grpc {
    pub(super) async fn workload(
        &self,
        caller: &Caller,
    ) -> Result<proto::GetWorkloadResponse, Error> {
        let load = self.app.workload(&moderator(caller)).await?;
        let waiting = load.waiting;
        let moderators = load.loads.into_iter().map(|it| proto::ModeratorLoad {
            moderator: it.moderator,
            holding: it.holding,
            decided_today: it.decided_today,
        });
        Ok(proto::GetWorkloadResponse {
            waiting: waiting.waiting,
            appeals: waiting.appeals,
            unclaimed: waiting.unclaimed,
            near: waiting.near,
            overdue: waiting.overdue,
            sampled: waiting.sampled,
            moderators: moderators.collect(),
            sample_decided: load.sample_decided,
            sample_wrong: load.sample_wrong,
        })
    }

    pub(super) async fn backlog(&self) -> Result<proto::GetBacklogResponse, Error> {
        // Whoever asks meanwhile waits for the one who looks, and is told the same.
        let mut told = self.told.lock().await;
        let now = self.app.clock.now();
        let backlog = match *told {
            Some((at, backlog)) if now.duration_since(at) < FRESH => backlog,
            _ => {
                let backlog = self.app.backlog().await?;
                *told = Some((now, backlog));
                backlog
            }
        };
        let Backlog { backlog, expected_hours } = backlog;
        Ok(proto::GetBacklogResponse { backlog, expected_hours })
    }

    pub(super) async fn preview(
        &self,
        caller: &Caller,
        request: proto::PreviewPublicTextRequest,
    ) -> Result<proto::PreviewPublicTextResponse, Error> {
        let (message_id, spans) = parse::preview(&request)?;
        let text = self.app.preview(moderator(caller), message_id, spans).await?;
        Ok(proto::PreviewPublicTextResponse { text: Some(convert::public_text(message_id, text)) })
    }
}
