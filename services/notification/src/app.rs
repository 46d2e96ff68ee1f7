//! The verbs: one use case, one function, one visible transaction.

pub(crate) mod delivering;
pub(crate) mod endpoints;
pub(crate) mod erasing;
pub(crate) mod hearing;
pub(crate) mod looking;
pub(crate) mod preferring;
pub(crate) mod preparing;
pub(crate) mod reading;
pub(crate) mod recording;
pub(crate) mod redelivering;
pub(crate) mod telling;
pub(crate) mod verifying;

use std::sync::Arc;

use liuyan_kit::{clock::SharedClock, db::Db};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::{
    channels::{email::Mailer, webhook::Caller},
    config::Config,
    domain::address::Channel,
    letters::Letters,
    peers::Peers,
    vault::Vault,
};

/// Everything that the use cases need.
pub struct App {
    /// The service's database.
    pub db: Db,
    /// The time.
    pub clock: SharedClock,
    /// What seals.
    pub vault: Vault,
    /// The others.
    pub peers: Peers,
    /// The way out for mail; `None` if it is off.
    pub mailer: Option<Mailer>,
    /// The way out for calls.
    pub caller: Caller,
    /// What people read.
    pub letters: Letters,
    /// Wakes the workers.
    pub wakes: Wakes,
    /// The settings.
    pub config: Config,
}

/// Wakes the workers that send, each by its own signal.
#[derive(Debug, Clone, Default)]
pub struct Wakes {
    email: Arc<Notify>,
    webhook: Arc<Notify>,
}

impl Wakes {
    /// The signal of one worker.
    pub fn of(&self, channel: Channel) -> Arc<Notify> {
        match channel {
            Channel::Email => Arc::clone(&self.email),
            Channel::Webhook => Arc::clone(&self.webhook),
        }
    }
}

/// A write that its caller may repeat.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// Who calls: issuer and subject of the token.
    pub(crate) caller: String,
    /// The id that the caller gave to the request.
    pub(crate) request_id: Uuid,
    /// The keyed fingerprint of the request.
    pub(crate) body_index: [u8; 32],
}
