//! Takes one file. It comes in pieces, and no more of it is read than it may have.

use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use jiff::Timestamp;
use liuyan_kit::id;
use tokio::time::{Instant, timeout, timeout_at};
use uuid::Uuid;

use super::{
    super::App,
    DAY, Files, a_day_before,
    look::{Content, Kept, look},
    spool::{self, Spool, Spooled},
};
use crate::{
    domain::{
        file::{Attachment, HEAD, MediaType},
        rule::Rule,
    },
    error::Error,
    store::attachments::{self as store, Upload, Usage},
};

/// How violations call the bytes of an upload.
pub(super) const FIELD: &str = "chunk";
/// The longest piece.
const MOST_CHUNK: usize = 1 << 20;
/// The constraint that a request meets which was met before.
const REQUEST_MET: &str = "attachments_request_key";

/// What came, and what it is.
struct Came {
    media_type: MediaType,
    spooled: Spooled,
}

impl App {
    /// Takes a file, once for each request id; it waits for its message. Whoever goes away while it
    /// comes leaves nothing.
    ///
    /// # Errors
    /// What is wrong with the file, or why it can't be taken now.
    pub async fn upload(
        &self,
        owner: String,
        request_id: Uuid,
        parts: impl Stream<Item = Result<Bytes, Error>> + Send + Unpin,
    ) -> Result<Attachment, Error> {
        let files = &self.0.files;
        files.objects()?;
        let place = files.enter(&owner)?;
        let mut connection = self.0.db.read().await?;
        let met = store::of_request(&mut connection, &owner, request_id).await?;
        let left = match met {
            // It was counted when it came first.
            Some(_) => u64::MAX,
            None => {
                if store::unused_bytes(&mut connection).await? >= files.config.unused_bytes {
                    return Err(Error::UploadsBusy);
                }
                let since = a_day_before(self.now());
                files.left(
                    &owner,
                    store::usage(&mut connection, &owner, since).await?,
                    self.now(),
                )?
            }
        };
        drop(connection);
        let came = files.receive(parts, left).await?;
        if let Some((attachment, sha256)) = met {
            return same(attachment, &sha256, came.spooled.sha256);
        }
        // From here on nobody can stop it half-way, and whoever asks again gets the answer.
        let app = self.clone();
        let kept = tokio::spawn(async move {
            let _place = place;
            app.keep(owner, request_id, came).await
        });
        kept.await.map_err(|_| Error::WriterDied)?
    }

    async fn keep(&self, owner: String, request_id: Uuid, came: Came) -> Result<Attachment, Error> {
        let files = &self.0.files;
        let (received, received_sha256) = (came.spooled.bytes, came.spooled.sha256);
        let permit = files.workers.acquire().await.map_err(|_| Error::Stopping)?;
        let limits = files.config.limits.clone();
        let looked =
            tokio::task::spawn_blocking(move || look(came.spooled, came.media_type, &limits));
        let kept = looked.await.map_err(|_| Error::WriterDied)??;
        drop(permit);
        let now = self.now();
        let attachment = Attachment {
            attachment_id: id::v7(now),
            media_type: kept.media_type,
            size: kept.size,
            sha256: kept.sha256,
            public: false,
            width: kept.width,
            height: kept.height,
            lost: false,
        };
        let object = attachment.object();
        files.store(&object, kept).await?;
        let upload =
            Upload { owner, request_id, attachment, received, received_sha256, uploaded_at: now };
        let written = self.note(upload.clone()).await;
        match written {
            Ok(()) => Ok(upload.attachment),
            Err(error) => {
                // What can't be removed now, the sweep finds.
                let _ = files.objects()?.delete(&object).await;
                match error {
                    Error::RequestMet => self.met(&upload).await,
                    error => Err(error),
                }
            }
        }
    }

    /// Notes a file whose object is there, if its owner may have one more.
    async fn note(&self, upload: Upload) -> Result<(), Error> {
        let app = self.clone();
        self.0
            .db
            .write(move |tx| {
                Box::pin(async move {
                    // Uploads at the same time are counted one after the other.
                    store::lock_owner(tx, &upload.owner).await?;
                    let now = upload.uploaded_at;
                    let usage = store::usage(tx, &upload.owner, a_day_before(now)).await?;
                    // What is written anew may be longer than what came.
                    let bytes = upload.received.max(upload.attachment.size);
                    match store::of_request(tx, &upload.owner, upload.request_id).await? {
                        Some(_) => return Err(Error::RequestMet),
                        None if app.0.files.left(&upload.owner, usage, now)? < bytes => {
                            return Err(quota(usage, now));
                        }
                        None => {}
                    }
                    store::insert(tx, &upload).await.map_err(request_met)
                })
            })
            .await
    }

    /// The answer to a request that another upload has brought at the same time.
    async fn met(&self, upload: &Upload) -> Result<Attachment, Error> {
        let mut connection = self.0.db.read().await?;
        let met = store::of_request(&mut connection, &upload.owner, upload.request_id).await?;
        let (attachment, sha256) = met.ok_or(Error::Lost("a file that was met before"))?;
        same(attachment, &sha256, upload.received_sha256)
    }
}

fn same(attachment: Attachment, before: &[u8], now: [u8; 32]) -> Result<Attachment, Error> {
    if before == now { Ok(attachment) } else { Err(Error::RequestIdReused) }
}

fn request_met(error: sqlx::Error) -> Error {
    match &error {
        sqlx::Error::Database(cause) if cause.constraint() == Some(REQUEST_MET) => {
            Error::RequestMet
        }
        _ => error.into(),
    }
}

/// The quota is used up until the first file of the day is a day old.
fn quota(usage: Usage, now: Timestamp) -> Error {
    let until = usage.first_at.and_then(|at| at.saturating_add(DAY).ok()).unwrap_or(now);
    let wait = Duration::try_from(until.duration_since(now)).unwrap_or_default();
    Error::UploadQuota(wait.max(Duration::from_secs(1)))
}

impl Files {
    /// How many bytes an owner may still upload.
    ///
    /// # Errors
    /// [`Error::UploadQuota`] if none, or no file.
    fn left(&self, owner: &str, usage: Usage, now: Timestamp) -> Result<u64, Error> {
        let (files, bytes) = self.quota(owner);
        match bytes.checked_sub(usage.bytes) {
            Some(left) if left > 0 && usage.files < files => Ok(left),
            _ => Err(quota(usage, now)),
        }
    }

    /// Reads a file to the disk, and not a byte more than it may have.
    async fn receive(
        &self,
        mut parts: impl Stream<Item = Result<Bytes, Error>> + Send + Unpin,
        left: u64,
    ) -> Result<Came, Error> {
        let config = &self.config;
        let idle = Duration::from_secs(config.idle_seconds.max(1));
        let end = Instant::now() + Duration::from_secs(config.upload_seconds.max(1));
        let mut spool = Spool::open(&config.spool_folder).await?;
        // Its first bytes, until they tell what it is.
        let mut head = Vec::new();
        let mut known: Option<(MediaType, u64)> = None;
        let mut bytes: u64 = 0;
        loop {
            let next = timeout_at(end, timeout(idle, parts.next())).await;
            let part = next.map_err(|_| Error::UploadTooSlow)?.map_err(|_| Error::UploadTooSlow)?;
            let Some(part) = part.transpose()? else { break };
            if part.len() > MOST_CHUNK {
                return Err(Error::field(FIELD, Rule::ChunkTooLarge { max: MOST_CHUNK }));
            }
            if known.is_none() {
                head.extend_from_slice(&part[..part.len().min(HEAD - head.len())]);
                if head.len() == HEAD {
                    known = Some(self.kind(&head)?);
                }
            }
            bytes += part.len() as u64;
            if let Some((_, max)) = known {
                if bytes > max {
                    return Err(Error::field(FIELD, Rule::FileTooLarge { max }));
                }
                if bytes > left {
                    return Err(Error::UploadQuota(Duration::from_secs(60)));
                }
            }
            spool.add(&part).await?;
        }
        if bytes == 0 {
            return Err(Error::field(FIELD, Rule::FileEmpty));
        }
        // Nothing so short is a file of any type.
        let (media_type, _) = known.ok_or(Error::field(FIELD, Rule::FileTypeUnknown))?;
        Ok(Came { media_type, spooled: spool.end().await? })
    }

    fn kind(&self, head: &[u8]) -> Result<(MediaType, u64), Error> {
        let media_type = MediaType::of(head).ok_or(Error::field(FIELD, Rule::FileTypeUnknown))?;
        Ok((media_type, media_type.limit(&self.config.limits)))
    }

    async fn store(&self, name: &str, kept: Kept) -> Result<(), Error> {
        let objects = self.objects()?;
        let size = match kept.content {
            Content::Memory(bytes) => objects.put::<Error>(name, stream::iter([Ok(bytes)])).await?,
            Content::Disk(file) => objects.put::<Error>(name, spool::read(file)?).await?,
        };
        if size == kept.size { Ok(()) } else { Err(Error::Lost("a part of a file")) }
    }
}
