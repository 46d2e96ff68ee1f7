//! Models: asked for, trained, measured, put in force, and taken back.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::PoisonError,
    time::Duration,
};

use jiff::Timestamp;
use liuyan_kit::db::OnConstraint as _;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{App, suggesting::Published};
use crate::{
    domain::{
        routed::Subject,
        suggestion::{self, Example, FOLDS, Figures, Text, TooFew, Training, groups::groups},
    },
    error::{Error, ModelFault},
    store::models::{self, Decided, Made, Model, ModelState, Publication},
};

/// The most decided cases that a model learns from: the newest.
const MOST_EXAMPLES: i64 = 8_000;
/// Fewer say nothing.
const LEAST_EXAMPLES: usize = 40;
/// The most labels: those with most cases.
const MOST_LABELS: usize = 50;
/// The most pieces that a model of the board keeps; it is some megabytes then.
const MOST_PIECES: usize = 150_000;
/// The most cases by which a model is measured.
const MOST_MEASURED: i64 = 2_000;
/// How long a worker has a model for its training.
const TRAINING: Duration = Duration::from_secs(30 * 60);
/// How often a training is begun until it counts as failed.
const TRIES: i32 = 3;
/// The seed of every training: the same decisions give the same model.
const SEED: u64 = 20_260_501;

/// How well a model does on cases that it does not know.
#[derive(Debug)]
pub struct Evaluated {
    /// The model.
    pub model: Model,
    /// Its figures.
    pub figures: Figures,
    /// Of each label its F1 and how many cases have it.
    pub labels: Vec<(String, f64, usize)>,
}

impl App {
    /// Has a model trained. The same request gives the same model.
    ///
    /// # Errors
    /// [`ModelFault::TooFew`], [`ModelFault::Waits`].
    pub async fn train_model(
        &self,
        subject: Subject,
        by: String,
        request_id: Uuid,
    ) -> Result<Model, Error> {
        let now = self.now();
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    models::lock(tx, subject).await?;
                    let version = match models::asked(tx, &by, request_id).await? {
                        Some((asked, version)) if asked == subject => version,
                        Some(_) => return Err(Error::RequestIdReused),
                        None => {
                            let least = i64::try_from(LEAST_EXAMPLES).unwrap_or(i64::MAX);
                            let has = models::decided(tx, subject, (None, now), least).await?.len();
                            if has < LEAST_EXAMPLES {
                                let least = LEAST_EXAMPLES;
                                return Err(Error::Model(ModelFault::TooFew { has, least }));
                            }
                            models::insert(tx, subject, (&by, request_id), now)
                                .await
                                .on_constraint("models_one_waiting", || {
                                    Error::Model(ModelFault::Waits)
                                })?
                        }
                    };
                    found(tx, subject, version).await
                })
            })
            .await
    }

    /// Trains a model that waits. Gives whether there was one.
    ///
    /// # Errors
    /// The database's; then it is tried again later.
    pub async fn train_waiting(&self) -> Result<bool, Error> {
        let now = self.now();
        let until = now.saturating_add(TRAINING).unwrap_or(now);
        let claimed = self
            .db
            .write(move |tx| Box::pin(async move { models::claim(tx, now, until).await }))
            .await?;
        let Some((subject, version, tries)) = claimed else { return Ok(false) };
        let decided =
            models::decided(&mut *self.db.read().await?, subject, (None, now), MOST_EXAMPLES)
                .await?;
        let examples = decided.len();
        // One processor for as long as it takes; requests go on.
        let result = match tries > TRIES {
            true => Err("failed"),
            false => tokio::task::spawn_blocking(move || made(&decided))
                .await
                .map_err(|_| Error::Stopping)?,
        };
        if let Err(fault) = &result {
            tracing::warn!(subject = subject.code(), version, fault, "no model could be made");
        }
        let (made, now) = (Made { examples, until: now, result }, self.now());
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    Ok::<_, Error>(models::finish(tx, (subject, version), &made, now).await?)
                })
            })
            .await?;
        Ok(true)
    }

    /// Measures a model on cases that were first answered after its training; version 0 is the one in
    /// force.
    ///
    /// # Errors
    /// [`ModelFault::NotFound`], [`ModelFault::NotTrained`], [`ModelFault::TooFew`].
    pub async fn evaluate_model(&self, subject: Subject, version: i32) -> Result<Evaluated, Error> {
        let mut connection = self.db.read().await?;
        let version = match version {
            0 => in_force(&mut connection, subject).await?,
            version => version,
        };
        let model = found(&mut connection, subject, version).await?;
        let Some(until) = model.learnt_until else {
            return Err(Error::Model(ModelFault::NotTrained));
        };
        let span = (Some(until), self.now());
        let decided = models::decided(&mut connection, subject, span, MOST_MEASURED).await?;
        if decided.len() < LEAST_EXAMPLES {
            let fault = ModelFault::TooFew { has: decided.len(), least: LEAST_EXAMPLES };
            return Err(Error::Model(fault));
        }
        let published = loaded(&mut connection, subject, version).await?;
        drop(connection);
        let measuring =
            tokio::task::spawn_blocking(move || measured(&published.model, &decided)).await;
        let (figures, labels) = measuring.map_err(|_| Error::Stopping)?;
        Ok(Evaluated { model, figures, labels })
    }

    /// Puts a trained model in force.
    ///
    /// # Errors
    /// [`ModelFault::NotFound`], [`ModelFault::NotTrained`], [`ModelFault::InForce`].
    pub async fn publish_model(&self, publication: Publication) -> Result<Model, Error> {
        self.put_in_force(publication, false).await?.ok_or(Error::Model(ModelFault::NotFound))
    }

    /// Puts a model in force again that was so before; with version 0 none.
    ///
    /// # Errors
    /// As [`App::publish_model`]; [`ModelFault::NeverInForce`].
    pub async fn roll_back_model(&self, publication: Publication) -> Result<Option<Model>, Error> {
        self.put_in_force(publication, true).await
    }

    async fn put_in_force(
        &self,
        publication: Publication,
        back: bool,
    ) -> Result<Option<Model>, Error> {
        let now = self.now();
        let model = self
            .db
            .write(move |tx| Box::pin(async move { put(tx, &publication, back, now).await }))
            .await?;
        // Other replicas see it within seconds, this one at once.
        self.renew_models().await?;
        Ok(model)
    }

    /// Up to `limit` models with a version up to `most`, the newest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn models(
        &self,
        subject: Subject,
        most: i32,
        limit: i64,
    ) -> Result<Vec<Model>, Error> {
        Ok(models::list(&mut *self.db.read().await?, subject, most, limit).await?)
    }

    /// Takes up the models that are in force. Gives whether there were others before.
    ///
    /// # Errors
    /// The database's, and [`Error::Damaged`]; then the models before stay.
    pub async fn renew_models(&self) -> Result<bool, Error> {
        let mut connection = self.db.read().await?;
        let mut changed = false;
        for (subject, position, version) in models::in_force(&mut connection).await? {
            let at = self.published(subject).map_or(0, |it| it.position);
            if position <= at {
                continue;
            }
            let mut published = match version {
                0 => Published::none(),
                version => loaded(&mut connection, subject, version).await?,
            };
            published.position = position;
            let mut models = self.models.write().unwrap_or_else(PoisonError::into_inner);
            models.insert(subject, published);
            changed = true;
        }
        Ok(changed)
    }
}

async fn put(
    tx: &mut PgConnection,
    publication: &Publication,
    back: bool,
    now: Timestamp,
) -> Result<Option<Model>, Error> {
    let Publication { subject, version, by, request_id, .. } = publication;
    models::lock(tx, *subject).await?;
    match models::published(tx, by, *request_id).await? {
        Some((of, told)) if of == subject.code() && told == *version => {}
        Some(_) => return Err(Error::RequestIdReused),
        None => {
            if *version > 0 {
                let model = found(tx, *subject, *version).await?;
                if model.state != ModelState::Trained {
                    return Err(Error::Model(ModelFault::NotTrained));
                }
                if model.in_force {
                    return Err(Error::Model(ModelFault::InForce));
                }
                if back && !models::was_in_force(tx, *subject, *version).await? {
                    return Err(Error::Model(ModelFault::NeverInForce));
                }
            }
            models::publish(tx, publication, now).await?;
        }
    }
    match version {
        0 => Ok(None),
        version => Ok(Some(found(tx, *subject, *version).await?)),
    }
}

async fn found(
    connection: &mut PgConnection,
    subject: Subject,
    version: i32,
) -> Result<Model, Error> {
    let found = models::find(connection, subject, version).await?;
    found.ok_or(Error::Model(ModelFault::NotFound))
}

async fn in_force(connection: &mut PgConnection, subject: Subject) -> Result<i32, Error> {
    let all = models::in_force(connection).await?;
    let mut of_subject = all.into_iter().filter(|(of, ..)| *of == subject);
    Ok(of_subject.next().map_or(0, |(.., version)| version))
}

/// Reads a model, which takes its time, outside the threads that serve.
async fn loaded(
    connection: &mut PgConnection,
    subject: Subject,
    version: i32,
) -> Result<Published, Error> {
    let bytes = models::bytes(connection, subject, version).await?;
    let bytes = bytes.ok_or(Error::Damaged(suggestion::form::Damaged::Length))?;
    let reading = tokio::task::spawn_blocking(move || suggestion::Model::of_bytes(&bytes));
    let model = reading.await.map_err(|_| Error::Stopping)??;
    Ok(Published::of(version, model))
}

/// Makes a model of what was decided; or tells why it cannot be made.
fn made(decided: &[Decided]) -> Result<(Vec<u8>, Figures), &'static str> {
    let groups = groups(decided.iter().map(|one| one.body.as_str()));
    let mut by_label: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for (one, group) in decided.iter().zip(&groups) {
        by_label.entry(&one.label).or_default().insert(*group);
    }
    // A label of which there is little is left to people.
    let mut labels: Vec<(usize, &str)> =
        by_label.iter().map(|(label, groups)| (groups.len(), *label)).collect();
    labels.sort_by(|a, b| b.cmp(a));
    labels.truncate(MOST_LABELS);
    labels.retain(|(groups, _)| *groups >= 2 * FOLDS);
    let kept: BTreeSet<&str> = labels.iter().map(|(_, label)| *label).collect();
    let examples: Vec<Example<'_>> = decided
        .iter()
        .zip(groups)
        .filter(|(one, _)| kept.contains(one.label.as_str()))
        .map(|(one, group)| Example { text: text_of(one), label: &one.label, group })
        .collect();
    if kept.len() < 2 {
        return Err("too_few_labels");
    }
    if examples.iter().map(|one| one.group).collect::<BTreeSet<_>>().len() < LEAST_EXAMPLES {
        return Err("too_few_examples");
    }
    let training = Training { seed: SEED, most_pieces: MOST_PIECES, ..Training::default() };
    let model = suggestion::Model::train(&examples, &training).map_err(|few| match few {
        TooFew::Labels => "too_few_labels",
        TooFew::Examples => "too_few_examples",
    })?;
    Ok((model.to_bytes(), *model.figures()))
}

fn text_of(decided: &Decided) -> Text<'_> {
    Text { title: &decided.title, body: &decided.body }
}

/// Figures of a model, and of each label its F1.
fn measured(
    model: &suggestion::Model,
    decided: &[Decided],
) -> (Figures, Vec<(String, f64, usize)>) {
    // A label that the model does not know is one that it can't tell.
    let labels: BTreeSet<&str> =
        model.labels().chain(decided.iter().map(|one| one.label.as_str())).collect();
    let labels: Vec<&str> = labels.into_iter().collect();
    let place = |label: &str| labels.binary_search(&label).unwrap_or_default();
    let right: Vec<usize> = decided.iter().map(|one| place(&one.label)).collect();
    let told: Vec<(usize, f64)> = decided
        .iter()
        .map(|one| {
            let ranked = model.suggest(&text_of(one));
            ranked.first().map_or((0, 0.0), |first| (place(first.label), first.probability))
        })
        .collect();
    let share = Training::default().sure_share;
    let figures = suggestion::measured(&right, &told, labels.len(), share);
    let of_label = |(label, name): (usize, &&str)| {
        let has = right.iter().filter(|it| **it == label).count();
        let said = told.iter().filter(|it| it.0 == label).count();
        let hits = right.iter().zip(&told).filter(|(a, b)| **a == label && b.0 == label).count();
        ((*name).to_owned(), 2.0 * hits as f64 / (has + said).max(1) as f64, has)
    };
    (figures, labels.iter().enumerate().map(of_label).collect())
}
