//! Which rules are in force, and how others come to be.

use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use liuyan_kit::{id, telemetry};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    App,
    calls::{Done, Write},
    comparing::KEPT,
};
use crate::{
    domain::{
        audit::Action,
        rules::{BadRules, Fault, Files, RuleSet, faults},
        screen::Screener,
        trial::{self, Tally, Trial},
    },
    error::Error,
    store::{
        data::{self, DataSet},
        rules::{self, Listed, NewSet},
        trials,
    },
};

/// The set of rules that is in force, as far as this replica knows.
#[derive(Debug)]
pub struct InForce(RwLock<Arc<Screener>>);

impl InForce {
    /// Begins with a set; [`App::follow_rules`] finds out whether another one is in force.
    pub fn new(screener: Screener) -> Self {
        Self(RwLock::new(Arc::new(screener)))
    }

    /// The set.
    pub fn screener(&self) -> Arc<Screener> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace(&self, screener: Screener) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(screener);
    }
}

/// Makes a set ready under its number.
pub(crate) fn ready(files: &Files, version: u32) -> Result<Screener, BadRules> {
    Screener::new(RuleSet { version, ..RuleSet::parse(files)? })
}

impl App {
    /// Takes up the set that is in force.
    ///
    /// # Errors
    /// The database's; [`Error::BadData`] if this release can't read the set, which leaves the one
    /// before in force here.
    pub async fn follow_rules(&self) -> Result<(), Error> {
        let mut connection = self.db.read().await?;
        let Some((version, _)) = rules::in_force(&mut connection).await? else { return Ok(()) };
        if version == self.rules.screener().version() {
            return Ok(());
        }
        let files = rules::files(&mut connection, version).await?.ok_or(Error::RulesNotFound)?;
        drop(connection);
        let ready = tokio::task::spawn_blocking(move || ready(&files, version)).await?;
        self.rules.replace(ready.map_err(|error| Error::BadData(error.into()))?);
        tracing::info!(version, "another set of rules is in force");
        Ok(())
    }

    /// Everything that is wrong with files; an empty one is that of the set in force. Gives them
    /// whole.
    ///
    /// # Errors
    /// [`Error::RulesFaulty`] with each fault; the database's.
    pub(crate) async fn check_rules(&self, mut files: Files) -> Result<Files, Error> {
        let (_, current) = self.rules_files(0).await?;
        for (given, current) in [
            (&mut files.rules, current.rules),
            (&mut files.lexicon, current.lexicon),
            (&mut files.everyday, current.everyday),
        ] {
            if given.is_empty() {
                *given = current;
            }
        }
        let checked = tokio::task::spawn_blocking(move || (faults(&files), files)).await?;
        let (faults, files): (Vec<Fault>, Files) = checked;
        if faults.is_empty() { Ok(files) } else { Err(Error::RulesFaulty(faults)) }
    }

    /// Keeps a set as a draft and begins a trial of it.
    ///
    /// # Errors
    /// [`Error::RulesFaulty`], [`Error::RequestIdReused`].
    pub(crate) async fn try_rules(
        &self,
        call: Write,
        files: Files,
        answer: fn(&Trial) -> Vec<u8>,
    ) -> Result<Vec<u8>, Error> {
        let files = self.check_rules(files).await?;
        let now = self.clock.now();
        let read = {
            let files = files.clone();
            tokio::task::spawn_blocking(move || {
                let set = RuleSet::parse(&files)?;
                let count = set.rules.len();
                Ok::<_, BadRules>((count, trial::ordinary(&Screener::new(set)?)))
            })
        };
        let read = read.await?.map_err(|error| Error::BadData(error.into()))?;
        let (rule_count, (ordinary, ordinary_held)) = read;
        let wanted = self.config.trial_messages;
        let compares = self.config.compare_messages;
        let traceparent = telemetry::current_traceparent();
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    if let Some(answer) = call.begin(tx).await? {
                        return Ok(answer);
                    }
                    rules::lock(tx).await?;
                    let (base_version, _) =
                        rules::in_force(tx).await?.ok_or(Error::RulesNotFound)?;
                    let version = rules::next_version(tx, 1).await?;
                    let set = NewSet {
                        version,
                        release: None,
                        files: &files,
                        rule_count,
                        made_by: &call.caller,
                    };
                    keep(tx, now, &set).await?;
                    let trial = Trial {
                        trial_id: id::v7(now),
                        version,
                        base_version,
                        done: false,
                        wanted,
                        tally: Tally::default(),
                        ordinary,
                        ordinary_held,
                        started_by: call.caller.clone(),
                        started_at: now,
                        ended_at: None,
                        compared_since: compares.then_some(now - KEPT),
                    };
                    trials::insert(tx, &trial, traceparent.as_deref()).await?;
                    let detail = format!("rules={version} trial={}", trial.trial_id);
                    call.end(tx, done(now, Action::RulesTried, detail), answer(&trial)).await
                })
            })
            .await
    }

    /// A trial with its counts and examples.
    ///
    /// # Errors
    /// [`Error::TrialNotFound`].
    pub(crate) async fn rule_trial(&self, trial_id: Uuid) -> Result<Trial, Error> {
        let mut connection = self.db.read().await?;
        let mut trial = one(&mut connection, trial_id).await?;
        trials::details(&mut connection, &mut trial).await?;
        Ok(self.compared(trial))
    }

    /// Tells since when a trial compares messages.
    fn compared(&self, trial: Trial) -> Trial {
        let compares = self.config.compare_messages;
        Trial { compared_since: compares.then_some(trial.started_at - KEPT), ..trial }
    }

    /// Puts a set in force that was tried.
    ///
    /// # Errors
    /// [`Error::TrialNotFound`], [`Error::TrialRunning`], [`Error::RulesChanged`],
    /// [`Error::HoldsTooMuch`], [`Error::RequestIdReused`].
    pub(crate) async fn publish_rules(
        &self,
        call: Write,
        trial_id: Uuid,
        note: String,
        answer: fn(&Listed, u32, Option<&Trial>) -> Vec<u8>,
    ) -> Result<Vec<u8>, Error> {
        let now = self.clock.now();
        let most = self.config.trial_hold_share;
        let answered = self.db.write(move |tx| {
            Box::pin(async move {
                if let Some(answer) = call.begin(tx).await? {
                    return Ok(answer);
                }
                rules::lock(tx).await?;
                let trial = one(tx, trial_id).await?;
                if !trial.done {
                    return Err(Error::TrialRunning { read: trial.tally.read });
                }
                let (in_force, _) = rules::in_force(tx).await?.ok_or(Error::RulesNotFound)?;
                if in_force != trial.base_version {
                    return Err(Error::RulesChanged { in_force });
                }
                if let Some(share) = trial.holds_too_much(most) {
                    return Err(Error::HoldsTooMuch { share, most });
                }
                let version = trial.version;
                rules::publish(tx, now, version, "published", &note, &call.caller).await?;
                let answer = answer(&listed(tx, version).await?, version, Some(&trial));
                let detail = format!("rules={version} trial={trial_id} before={in_force}");
                call.end(tx, done(now, Action::RulesPublished, detail), answer).await
            })
        });
        let answer = answered.await?;
        self.follow_rules().await?;
        Ok(answer)
    }

    /// Puts a set in force again.
    ///
    /// # Errors
    /// [`Error::RulesNotFound`], [`Error::NeverInForce`], [`Error::RequestIdReused`].
    pub(crate) async fn roll_back_rules(
        &self,
        call: Write,
        version: u32,
        note: String,
        answer: fn(&Listed, u32, Option<&Trial>) -> Vec<u8>,
    ) -> Result<Vec<u8>, Error> {
        let now = self.clock.now();
        let answered = self.db.write(move |tx| {
            Box::pin(async move {
                if let Some(answer) = call.begin(tx).await? {
                    return Ok(answer);
                }
                rules::lock(tx).await?;
                let set = listed(tx, version).await?;
                let (in_force, _) = rules::in_force(tx).await?.ok_or(Error::RulesNotFound)?;
                if set.published.is_none() || !rules::was_in_force(tx, version).await? {
                    return Err(Error::NeverInForce);
                }
                rules::publish(tx, now, version, "rolled-back", &note, &call.caller).await?;
                let answer = answer(&listed(tx, version).await?, version, None);
                let detail = format!("rules={version} before={in_force}");
                call.end(tx, done(now, Action::RulesRolledBack, detail), answer).await
            })
        });
        let answer = answered.await?;
        self.follow_rules().await?;
        Ok(answer)
    }

    /// Sets of rules below a number, the set in force, and their last trials.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn list_rules(
        &self,
        below: u32,
        limit: u32,
    ) -> Result<(Vec<Listed>, u32, Vec<Trial>), Error> {
        let mut connection = self.db.read().await?;
        let listed = rules::list(&mut connection, below, limit).await?;
        let in_force = rules::in_force(&mut connection).await?.map_or(0, |(version, _)| version);
        let versions: Vec<u32> = listed.iter().map(|one| one.version).collect();
        let trials = trials::last_of(&mut connection, &versions).await?;
        let trials = trials.into_iter().map(|trial| self.compared(trial)).collect();
        Ok((listed, in_force, trials))
    }

    /// The files of a set; 0 is the one in force.
    ///
    /// # Errors
    /// [`Error::RulesNotFound`].
    pub(crate) async fn rules_files(&self, version: u32) -> Result<(u32, Files), Error> {
        let mut connection = self.db.read().await?;
        let version = match version {
            0 => rules::in_force(&mut connection).await?.ok_or(Error::RulesNotFound)?.0,
            version => version,
        };
        let files = rules::files(&mut connection, version).await?.ok_or(Error::RulesNotFound)?;
        Ok((version, files))
    }
}

/// Keeps a set and notes its number.
pub(crate) async fn keep(
    tx: &mut PgConnection,
    now: Timestamp,
    set: &NewSet<'_>,
) -> Result<(), Error> {
    rules::insert(tx, now, set).await?;
    let noted = DataSet {
        name: "rules",
        version: set.version,
        row_count: set.rule_count,
        sha256: set.files.fingerprint(),
    };
    data::insert_set(tx, now, &noted).await?;
    Ok(())
}

/// What was done to sets of rules, and to no message.
fn done(at: Timestamp, action: Action, detail: String) -> Done {
    Done { at, action, message_id: None, detail }
}

async fn one(connection: &mut PgConnection, trial_id: Uuid) -> Result<Trial, Error> {
    trials::fetch(connection, &[trial_id]).await?.pop().ok_or(Error::TrialNotFound)
}

async fn listed(connection: &mut PgConnection, version: u32) -> Result<Listed, Error> {
    let below = version.saturating_add(1);
    let found = rules::list(connection, below, 1).await?.pop();
    found.filter(|set| set.version == version).ok_or(Error::RulesNotFound)
}
