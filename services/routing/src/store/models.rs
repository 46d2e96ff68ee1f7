//! Models, and which of them was in force when.

use jiff::Timestamp;
use liuyan_kit::{
    clock::{from_db, to_db},
    db,
};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::corrupt;
use crate::domain::{routed::Subject, suggestion::Figures};

/// How far a model is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelState {
    /// It waits for its training.
    Waiting,
    /// It can be put in force.
    Trained,
    /// It could not be trained, for this reason.
    Failed(String),
}

/// A model, without its bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// What it tells.
    pub subject: Subject,
    /// Its version.
    pub version: i32,
    /// How far it is.
    pub state: ModelState,
    /// Whether it is in force.
    pub in_force: bool,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// By whom.
    pub requested_by: String,
    /// When it was trained.
    pub trained_at: Option<Timestamp>,
    /// Up to which moment decisions were learnt from.
    pub learnt_until: Option<Timestamp>,
    /// How many examples there were.
    pub examples: usize,
    /// What was measured.
    pub figures: Option<Figures>,
    /// The hash of its bytes.
    pub sha256: Vec<u8>,
}

struct Row {
    version: i32,
    state: String,
    fault: Option<String>,
    in_force: bool,
    requested_at: OffsetDateTime,
    requested_by: String,
    trained_at: Option<OffsetDateTime>,
    learnt_until: Option<OffsetDateTime>,
    examples: i32,
    macro_f1: Option<f64>,
    accuracy: Option<f64>,
    ece: Option<f64>,
    sure_from: Option<f64>,
    sure: Option<f64>,
    sha256: Option<Vec<u8>>,
}

impl Row {
    fn model(self, subject: Subject) -> Result<Model, sqlx::Error> {
        let state = match (self.state.as_str(), self.fault) {
            ("waiting", None) => ModelState::Waiting,
            ("trained", None) => ModelState::Trained,
            ("failed", Some(fault)) => ModelState::Failed(fault),
            (state, _) => return Err(corrupt("state of a model", state)),
        };
        let examples = usize::try_from(self.examples).unwrap_or_default();
        let measured = (self.macro_f1, self.accuracy, self.ece, self.sure_from, self.sure);
        let figures = match measured {
            (Some(macro_f1), Some(accuracy), Some(ece), Some(sure_from), Some(sure)) => {
                Some(Figures { examples, macro_f1, accuracy, ece, sure_from, sure })
            }
            _ => None,
        };
        Ok(Model {
            subject,
            version: self.version,
            state,
            in_force: self.in_force,
            requested_at: from_db(self.requested_at),
            requested_by: self.requested_by,
            trained_at: self.trained_at.map(from_db),
            learnt_until: self.learnt_until.map(from_db),
            examples,
            figures,
            sha256: self.sha256.unwrap_or_default(),
        })
    }
}

/// Up to `limit` models of a subject with a version up to `most`, the newest first.
pub async fn list(
    connection: &mut PgConnection,
    subject: Subject,
    most: i32,
    limit: i64,
) -> Result<Vec<Model>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select version, state, fault, requested_at, requested_by, trained_at, learnt_until, examples,
                  macro_f1, accuracy, ece, sure_from, sure, sha256,
                  version = coalesce((select p.version from model_publications p
                                      where p.subject = models.subject
                                      order by position desc limit 1), 0) as "in_force!"
           from models where subject = $1 and version <= $2 order by version desc limit $3"#,
        subject.code(),
        most,
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(|row| row.model(subject)).collect()
}

/// One model.
pub async fn find(
    connection: &mut PgConnection,
    subject: Subject,
    version: i32,
) -> Result<Option<Model>, sqlx::Error> {
    let found = list(connection, subject, version, 1).await?;
    Ok(found.into_iter().find(|model| model.version == version))
}

/// The version of each subject that is in force, with the number of its publication.
pub async fn in_force(
    connection: &mut PgConnection,
) -> Result<Vec<(Subject, i32, i32)>, sqlx::Error> {
    let rows = sqlx::query!(
        "select distinct on (subject) subject, position, version from model_publications
         order by subject, position desc"
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let subject = Subject::of(&row.subject);
            let subject = subject.ok_or_else(|| corrupt("subject", &row.subject))?;
            Ok((subject, row.position, row.version))
        })
        .collect()
}

/// The bytes of a model, if they are whole.
pub async fn bytes(
    connection: &mut PgConnection,
    subject: Subject,
    version: i32,
) -> Result<Option<Vec<u8>>, sqlx::Error> {
    let bytes = sqlx::query_scalar!(
        r#"select bytes as "bytes!" from models
           where subject = $1 and version = $2 and bytes is not null and sha256(bytes) = sha256"#,
        subject.code(),
        version,
    );
    bytes.fetch_optional(connection).await
}

/// Locks a subject; who else would add to it waits.
pub async fn lock(tx: &mut PgConnection, subject: Subject) -> Result<(), sqlx::Error> {
    sqlx::query!("select from model_subjects where subject = $1 for update", subject.code())
        .fetch_one(tx)
        .await?;
    Ok(())
}

/// The model that somebody asked for by this id, if they did.
pub async fn asked(
    tx: &mut PgConnection,
    by: &str,
    request_id: Uuid,
) -> Result<Option<(Subject, i32)>, sqlx::Error> {
    let row = sqlx::query!(
        "select subject, version from models where requested_by = $1 and request_id = $2",
        by,
        request_id
    )
    .fetch_optional(tx)
    .await?;
    row.map(|row| {
        let subject = Subject::of(&row.subject);
        Ok((subject.ok_or_else(|| corrupt("subject", &row.subject))?, row.version))
    })
    .transpose()
}

/// Adds a model that waits; the subject is locked. Fails on `models_one_waiting` if one waits already.
pub async fn insert(
    tx: &mut PgConnection,
    subject: Subject,
    (by, request_id): (&str, Uuid),
    now: Timestamp,
) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar!(
        r#"with counted as (
               update model_subjects set model_count = model_count + 1 where subject = $1
               returning model_count
           )
           insert into models (subject, version, requested_at, requested_by, request_id)
           select $1, model_count, $2, $3, $4 from counted
           returning version"#,
        subject.code(),
        to_db(now),
        by,
        request_id,
    )
    .fetch_one(tx)
    .await
}

/// Takes a model that waits, for as long as `until`; another worker takes it afterwards. Gives how
/// often it was taken.
pub async fn claim(
    tx: &mut PgConnection,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<(Subject, i32, i32)>, sqlx::Error> {
    let row = sqlx::query!(
        "update models set claimed_until = $2, tries = tries + 1
         where (subject, version) = (
             select subject, version from models
             where state = 'waiting' and (claimed_until is null or claimed_until <= $1)
             order by requested_at limit 1 for update skip locked
         )
         returning subject, version, tries",
        to_db(now),
        to_db(until),
    )
    .fetch_optional(tx)
    .await?;
    row.map(|row| {
        let subject = Subject::of(&row.subject);
        Ok((subject.ok_or_else(|| corrupt("subject", &row.subject))?, row.version, row.tries))
    })
    .transpose()
}

/// A text whose label was decided.
#[derive(Debug, Clone)]
pub struct Decided {
    /// The title.
    pub title: String,
    /// What it says.
    pub body: String,
    /// What was decided.
    pub label: String,
}

/// Up to `most` public cases that were first answered after one moment and no later than another, the
/// newest first. Erased ones have no text and are not among them.
pub async fn decided(
    connection: &mut PgConnection,
    subject: Subject,
    (after, until): (Option<Timestamp>, Timestamp),
    most: i64,
) -> Result<Vec<Decided>, sqlx::Error> {
    sqlx::query_file_as!(
        Decided,
        "src/queries/decided_cases.sql",
        subject.code(),
        after.map(to_db),
        to_db(until),
        most,
    )
    .fetch_all(connection)
    .await
}

/// What became of a training.
#[derive(Debug)]
pub struct Made {
    /// How many examples there were.
    pub examples: usize,
    /// Up to which moment.
    pub until: Timestamp,
    /// Its bytes and what was measured; or why there are none.
    pub result: Result<(Vec<u8>, Figures), &'static str>,
}

/// Writes down what became of a training, unless another worker has done so. Gives whether it did.
pub async fn finish(
    tx: &mut PgConnection,
    (subject, version): (Subject, i32),
    made: &Made,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let (bytes, figures) = made.result.as_ref().ok().map(|(b, f)| (b.as_slice(), f)).unzip();
    let done = sqlx::query!(
        "update models
         set state = case when $3::text is null then 'trained' else 'failed' end, fault = $3,
             bytes = $4, sha256 = sha256($4::bytea), examples = $5, learnt_until = $6,
             trained_at = $7, macro_f1 = $8, accuracy = $9, ece = $10, sure_from = $11, sure = $12
         where subject = $1 and version = $2 and state = 'waiting'",
        subject.code(),
        version,
        made.result.as_ref().err().copied(),
        bytes,
        i32::try_from(made.examples).unwrap_or(i32::MAX),
        figures.map(|_| to_db(made.until)),
        figures.map(|_| to_db(now)),
        figures.map(|it| it.macro_f1),
        figures.map(|it| it.accuracy),
        figures.map(|it| it.ece),
        figures.map(|it| it.sure_from),
        figures.map(|it| it.sure),
    )
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A publication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// Of what.
    pub subject: Subject,
    /// The model; 0 for none.
    pub version: i32,
    /// Who publishes.
    pub by: String,
    /// By which request.
    pub request_id: Uuid,
    /// Why.
    pub note: String,
}

/// What somebody published by this id, if they did.
pub async fn published(
    tx: &mut PgConnection,
    by: &str,
    request_id: Uuid,
) -> Result<Option<(String, i32)>, sqlx::Error> {
    let row = sqlx::query!(
        "select subject, version from model_publications
         where published_by = $1 and request_id = $2",
        by,
        request_id
    )
    .fetch_optional(tx)
    .await?;
    Ok(row.map(|row| (row.subject, row.version)))
}

/// Whether a model was ever in force.
pub async fn was_in_force(
    tx: &mut PgConnection,
    subject: Subject,
    version: i32,
) -> Result<bool, sqlx::Error> {
    let found = sqlx::query_scalar!(
        "select position from model_publications where subject = $1 and version = $2 limit 1",
        subject.code(),
        version,
    );
    Ok(found.fetch_optional(tx).await?.is_some())
}

/// Puts a model in force; the subject is locked.
pub async fn publish(
    tx: &mut PgConnection,
    publication: &Publication,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let put = sqlx::query!(
        "with counted as (
             update model_subjects set publication_count = publication_count + 1 where subject = $1
             returning publication_count
         )
         insert into model_publications (subject, position, version, published_at, published_by,
                                         request_id, note)
         select $1, publication_count, $2, $3, $4, $5, $6 from counted",
        publication.subject.code(),
        publication.version,
        to_db(now),
        publication.by,
        publication.request_id,
        publication.note,
    )
    .execute(tx)
    .await?;
    db::expect_one(&put)
}
