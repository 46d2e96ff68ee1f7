//! Data that a release brings are loaded at start.

use std::sync::Arc;

use jiff::Timestamp;
use sqlx::PgConnection;

use super::{App, rules::keep};
use crate::{
    domain::{
        audit::{Action, Entry},
        ground,
        rules::{Files, RuleSet},
    },
    error::Error,
    store::{
        audit,
        data::{self, DataSet},
        rules::{self, NewSet},
    },
};

/// Who acts where no person does.
const SELF: &str = "moderation";

impl App {
    /// Loads grounds and rules of this release. What was loaded before must be the same. The rules
    /// come in force unless an editor's are.
    ///
    /// # Errors
    /// [`Error::DataChanged`] if a version has changed its content; [`Error::BadData`].
    pub async fn load_data(self: &Arc<Self>, files: &Files) -> Result<(), Error> {
        let grounds = ground::parse(ground::DATA).map_err(|error| Error::BadData(error.into()))?;
        let set = RuleSet::parse(files).map_err(|error| Error::BadData(error.into()))?;
        let files = files.clone();
        let now = self.clock.now();
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    load_grounds(tx, now, &grounds).await?;
                    load_rules(tx, now, &set, &files).await
                })
            })
            .await
    }
}

async fn load_grounds(
    tx: &mut PgConnection,
    now: Timestamp,
    grounds: &[ground::Ground],
) -> Result<(), Error> {
    let (name, version) = ("grounds", ground::VERSION);
    let sha256 = ground::fingerprint(&[ground::DATA]);
    let set = DataSet { name, version, row_count: grounds.len(), sha256 };
    if data::insert_set(tx, now, &set).await? {
        data::insert_grounds(tx, version, grounds).await?;
        return loaded(tx, now, name, version).await;
    }
    if data::is_same_set(tx, &set).await? {
        Ok(())
    } else {
        Err(Error::DataChanged { name, version })
    }
}

/// The number of a release's set is its own where no editor has taken it.
async fn load_rules(
    tx: &mut PgConnection,
    now: Timestamp,
    set: &RuleSet,
    files: &Files,
) -> Result<(), Error> {
    rules::lock(tx).await?;
    if let Some(version) = rules::of_release(tx, set.version).await? {
        let known =
            DataSet { name: "rules", version, row_count: set.rules.len(), sha256: set.fingerprint };
        let same = data::is_same_set(tx, &known).await?;
        return if same { Ok(()) } else { Err(Error::DataChanged { name: "rules", version }) };
    }
    let version = rules::next_version(tx, set.version).await?;
    let new = NewSet {
        version,
        release: Some(set.version),
        files,
        rule_count: set.rules.len(),
        made_by: SELF,
    };
    keep(tx, now, &new).await?;
    let editors = rules::in_force(tx).await?.is_some_and(|(_, cause)| cause != "loaded");
    if !editors {
        rules::publish(tx, now, version, "loaded", "", SELF).await?;
    }
    loaded(tx, now, "rules", version).await
}

async fn loaded(
    tx: &mut PgConnection,
    now: Timestamp,
    name: &str,
    version: u32,
) -> Result<(), Error> {
    let entry = Entry {
        at: now,
        actor: SELF.to_owned(),
        action: Action::DataLoaded,
        message_id: None,
        request_id: None,
        detail: format!("{name}={version}"),
    };
    Ok(audit::append(tx, &entry).await?)
}
