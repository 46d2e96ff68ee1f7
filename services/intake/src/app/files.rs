//! Files that go with messages: who may upload how much, and who sees what.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use liuyan_kit::objects::{Object, Objects};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use super::App;
use crate::{
    config::AttachmentsConfig,
    domain::{
        draft::{Draft, Raw},
        file::{self, Attachment},
        rule::{Breach, Rule},
    },
    error::Error,
    store::attachments as store,
};

mod look;
mod spool;
mod sweep;
mod token;
mod upload;

pub use sweep::Swept;
pub use token::UploadToken;

/// The field of a message that names files.
const FIELD: &str = "message.attachments";
/// A day: for that long quotas remember.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What uploads need.
#[derive(Debug)]
pub(super) struct Files {
    config: AttachmentsConfig,
    /// `None` if no place is configured.
    objects: Option<Objects>,
    uploads: Arc<Semaphore>,
    /// Uploads that each owner has under way.
    each: Arc<Mutex<HashMap<String, usize>>>,
    workers: Arc<Semaphore>,
    /// The minute, and how many tokens were given in it.
    given: Mutex<(i64, u32)>,
}

/// A place among the uploads that are under way.
#[derive(Debug)]
struct Place {
    owner: String,
    each: Arc<Mutex<HashMap<String, usize>>>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut each = self.each.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = each.get_mut(&self.owner) {
            *count -= 1;
            if *count == 0 {
                each.remove(&self.owner);
            }
        }
    }
}

impl Files {
    pub(super) fn new(config: AttachmentsConfig, objects: Option<Objects>) -> Self {
        let semaphore =
            |places: usize| Arc::new(Semaphore::new(places.clamp(1, Semaphore::MAX_PERMITS)));
        Self {
            uploads: semaphore(config.concurrent),
            each: Arc::default(),
            workers: semaphore(config.workers),
            given: Mutex::default(),
            config,
            objects,
        }
    }

    fn objects(&self) -> Result<&Objects, Error> {
        self.objects.as_ref().ok_or(Error::NoPlaceForFiles)
    }

    /// Counts an upload that begins.
    ///
    /// # Errors
    /// [`Error::UploadsBusy`].
    fn enter(&self, owner: &str) -> Result<Place, Error> {
        let permit =
            Arc::clone(&self.uploads).try_acquire_owned().map_err(|_| Error::UploadsBusy)?;
        let mut each = self.each.lock().unwrap_or_else(PoisonError::into_inner);
        let count = each.entry(owner.to_owned()).or_default();
        if *count >= self.config.concurrent_each.max(1) {
            return Err(Error::UploadsBusy);
        }
        *count += 1;
        Ok(Place { owner: owner.to_owned(), each: Arc::clone(&self.each), _permit: permit })
    }

    /// Files and bytes that an owner may upload within a day.
    fn quota(&self, owner: &str) -> (u64, u64) {
        let config = &self.config;
        if token::is_token(owner) {
            (config.token_files.into(), config.token_bytes)
        } else {
            (config.account_files.into(), config.account_bytes)
        }
    }
}

impl App {
    /// The files of a message; only those that everybody may see, if `public`.
    ///
    /// # Errors
    /// [`Error::MessageNotFound`].
    pub async fn attachments(
        &self,
        message_id: Uuid,
        public: bool,
    ) -> Result<Vec<Attachment>, Error> {
        let mut connection = self.0.db.read().await?;
        if public && !store::is_public(&mut connection, message_id).await? {
            return Err(Error::MessageNotFound);
        }
        let found = store::of_messages(&mut connection, &[message_id]).await?;
        Ok(found.into_iter().map(|(_, file)| file).filter(|it| it.public || !public).collect())
    }

    /// A file of a message, and its bytes.
    ///
    /// # Errors
    /// [`Error::AttachmentNotFound`], also if its bytes are lost; [`Error::NoPlaceForFiles`],
    /// [`Error::Objects`].
    pub async fn open_attachment(
        &self,
        message_id: Uuid,
        attachment_id: Uuid,
        public: bool,
    ) -> Result<(Attachment, Object), Error> {
        let files = match self.attachments(message_id, public).await {
            Err(Error::MessageNotFound) => Vec::new(),
            files => files?,
        };
        let file = files.into_iter().find(|it| it.attachment_id == attachment_id);
        let file = file.filter(|it| !it.lost).ok_or(Error::AttachmentNotFound)?;
        let object = self.0.files.objects()?.get(&file.object()).await?;
        if object.bytes != file.size {
            return Err(Error::Lost("a part of a file"));
        }
        Ok((file, object))
    }

    /// Looks for the files that a message names, and tells everything that is wrong with them beside
    /// what is wrong with the rest.
    ///
    /// # Errors
    /// What `checked` has, and every rule that the files break.
    pub(super) async fn with_files(
        &self,
        checked: Result<Draft, Error>,
        raw: &Raw,
    ) -> Result<Draft, Error> {
        if raw.files.is_empty() {
            return checked;
        }
        let found = Box::pin(self.find_files(raw)).await?;
        match (checked, found) {
            (Ok(draft), Ok(files)) => Ok(Draft { files, ..draft }),
            (Ok(_), Err(breaches)) => Err(Error::Fields(breaches)),
            (Err(Error::Fields(mut all)), Err(breaches)) => {
                all.extend(breaches);
                Err(Error::Fields(all))
            }
            (Err(error), _) => Err(error),
        }
    }

    pub(super) async fn find_files(
        &self,
        raw: &Raw,
    ) -> Result<Result<file::Files, Vec<Breach>>, Error> {
        let most = self.0.files.config.limits.per_message;
        if raw.files.len() > most {
            return Ok(Err(vec![Breach::of(FIELD, Rule::TooMany { max: most })]));
        }
        let owner = match &raw.uploader {
            Ok(owner) => owner.clone(),
            Err(rule) => return Ok(Err(vec![Breach::of("message.upload_token", rule.clone())])),
        };
        let mut breaches = Vec::new();
        let mut breach = |rule: Rule| {
            let breach = Breach::of(FIELD, rule);
            if !breaches.contains(&breach) {
                breaches.push(breach);
            }
        };
        let mut ids: Vec<Uuid> = Vec::new();
        for named in &raw.files {
            match named.attachment_id.parse() {
                Ok(id) if ids.contains(&id) => breach(Rule::FileRepeated),
                Ok(id) => ids.push(id),
                Err(_) => breach(Rule::UuidMalformed),
            }
        }
        let free: HashMap<Uuid, [u8; 32]> =
            store::free(&mut *self.0.db.read().await?, &owner, &ids).await?.into_iter().collect();
        let mut list = Vec::new();
        for (id, named) in ids.iter().zip(&raw.files) {
            match free.get(id) {
                Some(sha256) => list.push(file::File {
                    attachment_id: *id,
                    public: named.public,
                    sha256: *sha256,
                    lost: None,
                }),
                None => breach(Rule::FileUnknown),
            }
        }
        Ok(if breaches.is_empty() { Ok(file::Files { owner, list }) } else { Err(breaches) })
    }
}

/// A day before `now`.
fn a_day_before(now: Timestamp) -> Timestamp {
    now.saturating_sub(DAY).unwrap_or(now)
}
