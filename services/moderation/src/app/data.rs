//! Data that a release brings are loaded at start; offices choose.

use std::sync::Arc;

use super::App;
use crate::{
    domain::{
        audit::{Action, Entry},
        ground,
        rules::RuleSet,
        standing::Passing,
    },
    error::Error,
    store::{
        audit,
        data::{self, DataSet},
    },
};

/// Who acts where no person does.
const SELF: &str = "moderation";

impl App {
    /// Loads grounds and rules of this release. What was loaded before must be the same.
    ///
    /// # Errors
    /// [`Error::DataChanged`] if a version has changed its content; [`Error::BadData`].
    pub async fn load_data(self: &Arc<Self>, rules: &RuleSet) -> Result<(), Error> {
        let grounds = ground::parse(ground::DATA).map_err(|error| Error::BadData(error.into()))?;
        let sets = [
            DataSet {
                name: "grounds",
                version: ground::VERSION,
                row_count: grounds.len(),
                sha256: ground::fingerprint(&[ground::DATA]),
            },
            DataSet {
                name: "rules",
                version: rules.version,
                row_count: rules.rules.len(),
                sha256: rules.fingerprint,
            },
        ];
        let now = self.clock.now();
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    for set in &sets {
                        let DataSet { name, version, .. } = *set;
                        if !data::insert_set(tx, now, set).await? {
                            if !data::is_same_set(tx, set).await? {
                                return Err(Error::DataChanged { name, version });
                            }
                            continue;
                        }
                        if name == "grounds" {
                            data::insert_grounds(tx, version, &grounds).await?;
                        }
                        let entry = Entry {
                            at: now,
                            actor: SELF.to_owned(),
                            action: Action::DataLoaded,
                            message_id: None,
                            request_id: None,
                            detail: format!("{name}={version}"),
                        };
                        audit::append(tx, &entry).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    /// Sets whose clean messages to an office pass by themselves.
    ///
    /// # Errors
    /// The database's.
    pub async fn set_policy(
        self: &Arc<Self>,
        caller: String,
        office_id: String,
        passing: impl Into<Passing>,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        let passing = passing.into();
        let clean_passes = passing == Passing::Everybody;
        let trusted_passes = passing != Passing::Nobody;
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    data::put_policy(tx, now, &office_id, (clean_passes, trusted_passes), &caller)
                        .await?;
                    let entry = Entry {
                        at: now,
                        actor: caller,
                        action: Action::PolicySet,
                        message_id: None,
                        request_id: None,
                        detail: format!(
                            "office={office_id} clean_passes={clean_passes} trusted_passes={trusted_passes}"
                        ),
                    };
                    Ok(audit::append(tx, &entry).await?)
                })
            })
            .await
    }
}
