//! Bells between the replicas of a service.

use std::{sync::Arc, time::Duration};

use futures::StreamExt as _;
use tokio::{sync::Notify, time::sleep};

use crate::messaging::Bus;

/// How often a bus that is away is looked for.
const LOOK: Duration = Duration::from_millis(500);

/// A bell that all replicas of a service hear. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Bell {
    pub(super) bus: Bus,
    pub(super) name: String,
}

impl Bell {
    /// Rings it. Nobody hears it while the bus is away.
    pub async fn ring(&self) {
        self.bus.wake(&self.name).await;
    }

    /// Notifies `heard` each time that somebody rings, for as long as the bus lets us listen.
    pub(super) async fn listen(self, heard: Arc<Notify>) {
        while !self.bus.connected() {
            sleep(LOOK).await;
        }
        let Ok(rings) = self.bus.wakes(&self.name).await else { return };
        let mut rings = std::pin::pin!(rings);
        // What was rung before we listened was not heard.
        heard.notify_one();
        while rings.next().await.is_some() {
            heard.notify_one();
        }
    }
}
