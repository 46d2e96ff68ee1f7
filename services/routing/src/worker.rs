//! What is done in the background: opening cases, keeping their texts, settling withdrawals.

use std::{collections::HashMap, error::Error as _, sync::Arc, time::Duration};

use liuyan_kit::{
    class::{Class, Classify as _},
    db::Db,
    host::{Host, WorkPace, Worked},
    telemetry,
};
use tokio::sync::{Mutex, Notify};
use tracing::Instrument as _;

use crate::{
    app::{App, Snapshot, editing, loading, opening::Opened, parting::Progress},
    domain::{
        MessageId,
        case::{Opening, Text},
        lists,
    },
    error::Error,
    texts::Texts,
};

/// How long the worker waits that gives words to old cases; there are none after its first rounds.
const INDEX_IDLE: Duration = Duration::from_secs(24 * 60 * 60);

/// Brings the directory up to date before anything else begins.
///
/// # Errors
/// If there is no directory that fits together, or the database fails.
pub async fn load_directory(host: &Host, db: &Db) -> Result<Snapshot, Error> {
    let loaded = match loading::load(db, lists::embedded()?, host.clock().now()).await {
        Ok(loaded) => loaded,
        // An editor's rows do not fit under a newer list: with those that are there it goes on.
        Err(Error::Directory(broken)) => {
            let there = editing::snapshot(db).await?;
            if there.marks.is_empty() {
                return Err(Error::Directory(broken));
            }
            let broken = &broken as &dyn std::error::Error;
            tracing::error!(broken, "the newer lists do not fit what editors have put");
            return Ok(there);
        }
        Err(error) => return Err(error),
    };
    if loaded.said > 0 {
        tracing::info!(events = loaded.said, "the directory was brought up to date");
    }
    for list in &loaded.damaged {
        tracing::error!(list, "rows of this list were lost or changed by hand");
    }
    Ok(loaded.snapshot)
}

/// Sees what other replicas change in the directory.
pub fn renew_directory(host: &Host, app: &App) {
    let pace = WorkPace { idle: app.config().directory_idle(), wake: None };
    let app = app.clone();
    host.work("directory", pace, move || {
        let app = app.clone();
        async move {
            if app.renew_directory().await? {
                tracing::info!("the directory was changed elsewhere and is read anew");
            }
            Ok::<_, Error>(Worked::Idle)
        }
    });
}

/// Takes up the models that other replicas put in force.
pub fn renew_models(host: &Host, app: &App) {
    let pace = WorkPace { idle: app.config().directory_idle(), wake: None };
    let app = app.clone();
    host.work("models", pace, move || {
        let app = app.clone();
        async move {
            if app.renew_models().await? {
                tracing::info!("another model is in force");
            }
            Ok::<_, Error>(Worked::Idle)
        }
    });
}

/// Trains the models that were asked for.
pub fn train_models(host: &Host, app: &App) {
    let pace = WorkPace { idle: app.config().idle(), wake: None };
    let app = app.clone();
    host.work("training", pace, move || {
        let app = app.clone();
        async move {
            let trained = app.train_waiting().await?;
            Ok::<_, Error>(if trained { Worked::More } else { Worked::Idle })
        }
    });
}

/// Gives words to public cases that have none: those of a database that is older than search.
pub fn index_cases(host: &Host, app: &App) {
    let pace = WorkPace { idle: INDEX_IDLE, wake: None };
    let app = app.clone();
    host.work("indexing", pace, move || {
        let app = app.clone();
        async move {
            let looked_at = app.index_cases().await?;
            Ok::<_, Error>(if looked_at > 0 { Worked::More } else { Worked::Idle })
        }
    });
}

/// Forgets the answers to requests that nobody will ask for again.
pub fn forget_answers(host: &Host, app: &App) {
    let pace = WorkPace { idle: app.config().idle(), wake: None };
    let app = app.clone();
    host.work("answers", pace, move || {
        let app = app.clone();
        async move {
            let more = app.forget_answers().await?;
            Ok::<_, Error>(if more { Worked::More } else { Worked::Idle })
        }
    });
}

/// Makes ratings final when their time to be changed is over.
pub fn finalise_ratings(host: &Host, app: &App) {
    let pace = WorkPace { idle: app.config().idle(), wake: None };
    let app = app.clone();
    host.work("ratings", pace, move || {
        let app = app.clone();
        async move {
            let looked_at = app.finalise_ratings().await?;
            Ok::<_, Error>(if looked_at > 0 { Worked::More } else { Worked::Idle })
        }
    });
}

/// Takes the steps of cases' clocks: reminders, missed deadlines, and telling those above.
pub fn escalate(host: &Host, app: &App) {
    let pace = WorkPace { idle: app.config().idle(), wake: None };
    let app = app.clone();
    host.work("escalation", pace, move || {
        let app = app.clone();
        async move {
            let looked_at = app.escalate().await?;
            Ok::<_, Error>(if looked_at > 0 { Worked::More } else { Worked::Idle })
        }
    });
}

/// Takes from the accused what they have, once it is known that they are accused.
pub fn part(host: &Host, app: &App) {
    let pace = WorkPace { idle: app.config().idle(), wake: None };
    let (app, progress) = (app.clone(), Arc::new(Mutex::new(Progress::default())));
    host.work("parting", pace, move || {
        let (app, progress) = (app.clone(), Arc::clone(&progress));
        async move {
            let mut progress = progress.lock().await;
            let (next, more) = app.keep_apart(*progress).await?;
            *progress = next;
            Ok::<_, Error>(if more { Worked::More } else { Worked::Idle })
        }
    });
}

/// Breaks promises whose day has passed.
pub fn break_promises(host: &Host, app: &App) {
    let pace = WorkPace { idle: app.config().idle(), wake: None };
    let app = app.clone();
    host.work("promises", pace, move || {
        let app = app.clone();
        async move {
            let looked_at = app.break_promises().await?;
            Ok::<_, Error>(if looked_at > 0 { Worked::More } else { Worked::Idle })
        }
    });
}

/// Tells authors what the results of consultations make of their messages.
pub fn tell_results(host: &Host, app: &App) {
    let pace = WorkPace { idle: app.config().idle(), wake: None };
    let app = app.clone();
    host.work("results", pace, move || {
        let app = app.clone();
        async move {
            let looked_at = app.tell_results().await?;
            Ok::<_, Error>(if looked_at > 0 { Worked::More } else { Worked::Idle })
        }
    });
}

/// Opens the cases of approved messages.
pub fn open_cases(host: &Host, app: &App, texts: &Texts, wake: Arc<Notify>) {
    let pace = WorkPace { idle: app.config().idle(), wake: Some(wake) };
    let (app, texts) = (app.clone(), texts.clone());
    host.work("opening", pace, move || {
        let (app, texts) = (app.clone(), texts.clone());
        async move {
            let due = app.due_openings().await?;
            let full = due.len() >= usize::from(app.config().opening_batch);
            let span = tracing::info_span!("cases.open", cases = due.len());
            for opening in &due {
                telemetry::link(&span, opening.traceparent.as_deref());
            }
            open_round(&app, &texts, due).instrument(span).await?;
            Ok::<_, Error>(if full { Worked::More } else { Worked::Idle })
        }
    });
}

/// Opens the cases of these messages: the texts are fetched first, outside any transaction. While
/// moderation is away, messages that need no text do not wait for those that do.
///
/// # Errors
/// The database's, or moderation's after what could be done is done.
pub async fn open_round(app: &App, texts: &Texts, due: Vec<Opening>) -> Result<Opened, Error> {
    if due.is_empty() {
        return Ok(Opened::default());
    }
    let (needing, others): (Vec<Opening>, Vec<Opening>) =
        due.into_iter().partition(Opening::keeps_text);
    let ids: Vec<MessageId> = needing.iter().map(|opening| opening.message_id).collect();
    match texts.of(&ids).await {
        Ok(found) => open_apart(app, [needing, others].concat(), Arc::new(found)).await,
        Err(away) => {
            open_apart(app, others, Arc::default()).await?;
            Err(away)
        }
    }
}

/// Opens cases together; if one of them cannot be opened, in halves, until that one is found and
/// put off. It stops nobody.
async fn open_apart(
    app: &App,
    due: Vec<Opening>,
    texts: Arc<HashMap<MessageId, Text>>,
) -> Result<Opened, Error> {
    let mut all = Opened::default();
    let mut parts = vec![due];
    while let Some(mut part) = parts.pop() {
        match app.open_cases(part.clone(), Arc::clone(&texts)).await {
            Ok(opened) => {
                all.opened += opened.opened;
                all.put_off += opened.put_off;
            }
            Err(error) if error.class() != Class::Internal => return Err(error),
            Err(error) => match part.as_slice() {
                [] => return Err(error),
                [one] => {
                    let message_id = one.message_id;
                    // Not the error's details: those of a constraint show the row.
                    let cause = error.source().map(ToString::to_string);
                    tracing::error!(%message_id, cause, "a case could not be opened");
                    app.put_off_opening(message_id).await?;
                    all.put_off += 1;
                }
                _ => {
                    parts.push(part.split_off(part.len() / 2));
                    parts.push(part);
                }
            },
        }
    }
    Ok(all)
}

/// Fetches anew the texts that were redacted.
pub fn change_texts(host: &Host, app: &App, texts: &Texts) {
    let pace = WorkPace { idle: app.config().idle(), wake: None };
    let (app, texts) = (app.clone(), texts.clone());
    host.work("texts", pace, move || {
        let (app, texts) = (app.clone(), texts.clone());
        async move {
            change_round(&app, &texts).await?;
            Ok::<_, Error>(Worked::Idle)
        }
    });
}

/// Fetches anew the texts that were redacted since; gives how many views changed.
///
/// # Errors
/// The database's, or moderation's.
pub async fn change_round(app: &App, texts: &Texts) -> Result<usize, Error> {
    let redacted = app.redacted().await?;
    if redacted.is_empty() {
        return Ok(0);
    }
    let kept = redacted.iter().filter(|one| one.has_text).map(|one| one.message_id);
    let found: HashMap<MessageId, Text> = texts.of(&kept.collect::<Vec<_>>()).await?;
    app.change_texts(redacted, found).await
}

/// Settles wishes to withdraw as soon as their message has a case.
pub fn settle_withdrawals(host: &Host, app: &App, wake: Arc<Notify>) {
    let pace = WorkPace { idle: app.config().idle(), wake: Some(wake) };
    let app = app.clone();
    host.work("withdrawals", pace, move || {
        let app = app.clone();
        async move {
            let more = app.settle_withdrawals().await?;
            Ok::<_, Error>(if more { Worked::More } else { Worked::Idle })
        }
    });
}

/// Takes the texts of erased messages out of their cases.
pub fn settle_erasures(host: &Host, app: &App, wake: Arc<Notify>) {
    let pace = WorkPace { idle: app.config().idle(), wake: Some(wake) };
    let app = app.clone();
    host.work("erasures", pace, move || {
        let app = app.clone();
        async move {
            let more = app.settle_erasures().await?;
            Ok::<_, Error>(if more { Worked::More } else { Worked::Idle })
        }
    });
}
