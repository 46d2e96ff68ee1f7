//! Which subscriptions have a stream in this process, and what those streams have to know: one look
//! at the database serves all of them.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use liuyan_kit::db::Db;
use tokio::sync::watch;

use crate::{domain::subscription::Signs, error::Error, store};

/// What a stream of a subscription is told. `None` once the subscription is gone.
pub type Told = watch::Receiver<Option<Signs>>;

/// The streams of subscriptions.
#[derive(Debug, Default)]
pub struct Streams(Mutex<HashMap<i64, watch::Sender<Option<Signs>>>>);

impl Streams {
    /// Begins to tell a stream of its subscription. Older streams of it here are told the same.
    pub fn enter(&self, key: i64, signs: Signs) -> Told {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = open.entry(key).or_insert_with(|| watch::Sender::new(None));
        sender.send_replace(Some(signs));
        sender.subscribe()
    }

    /// Looks what has become of all subscriptions that have a stream here, and tells the streams.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn look(&self, db: &Db) -> Result<(), Error> {
        let keys: Vec<i64> = {
            let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            open.retain(|_, sender| sender.receiver_count() > 0);
            open.keys().copied().collect()
        };
        if keys.is_empty() {
            return Ok(());
        }
        let mut connection = db.read().await?;
        let signs = store::subscriptions::signs(&mut connection, &keys).await?;
        let signs: HashMap<i64, Signs> = signs.into_iter().collect();
        let open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for key in keys {
            let now = signs.get(&key).copied();
            if let Some(sender) = open.get(&key) {
                sender.send_if_modified(|was| {
                    // Of two looks the later one may be told first.
                    let newer = match (&was, now) {
                        (Some(was), Some(now)) => {
                            now.generation >= was.generation && now.bells >= was.bells
                        }
                        _ => true,
                    };
                    let changes = newer && *was != now;
                    if changes {
                        *was = now;
                    }
                    changes
                });
            }
        }
        Ok(())
    }
}
