//! Large things: archives, attachments. They are kept in a folder on one machine, or in an S3, under
//! names that begin with the service's own.
//!
//! An object is there as a whole or not at all, and it is durable once [`Objects::put`] has said so.
//! Nothing here remembers which objects there are: whoever keeps one writes its name, size and digest
//! into its own database, and checks them when it reads.

use std::{fs, ops::Range, pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream::BoxStream};
use jiff::Timestamp;
use object_store::{
    Certificate, ClientOptions, MultipartUpload, ObjectStore, ObjectStoreExt as _, PutPayload,
    RetryConfig, aws::AmazonS3Builder, local::LocalFileSystem, path::Path,
};
use tokio::runtime::Handle;

use crate::config;

/// What is sent at a time. S3 wants at least 5 MiB, and allows 10,000 parts.
const PART: usize = 8 << 20;
/// How long one request may take.
const REQUEST: Duration = Duration::from_secs(60);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a request is tried again.
const RETRY: Duration = Duration::from_secs(60);
/// How often.
const RETRIES: usize = 5;

/// What goes wrong with objects.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No place is configured.
    #[error("neither `objects.folder` nor `objects.endpoint` is set")]
    Nowhere,
    /// Two are.
    #[error("both `objects.folder` and `objects.endpoint` are set")]
    Twice,
    /// The settings cannot be used.
    #[error("the settings of [objects] cannot be used: {0}")]
    Settings(String),
    /// A name that cannot be one.
    #[error("{0} can be no object's name")]
    Name(String),
    /// There is no object of this name.
    #[error("there is no object {0}")]
    NotFound(String),
    /// The place is away, or refuses us.
    #[error("the objects cannot be reached")]
    Away(#[source] object_store::Error),
}

/// The room of one service. Cheap to clone.
#[derive(Clone)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    root: String,
}

impl std::fmt::Debug for Objects {
    // The store knows a key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Objects").field("root", &self.root).finish_non_exhaustive()
    }
}

/// An object that is read.
pub struct Object {
    /// Its size.
    pub bytes: u64,
    /// What it holds, as it comes.
    pub content: BoxStream<'static, Result<Bytes, Error>>,
}

impl std::fmt::Debug for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Object").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

/// An object in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// When it was written.
    pub at: Timestamp,
}

impl Objects {
    /// The room of `service`. Nothing is asked yet; a folder is made.
    ///
    /// # Errors
    /// If the settings cannot be used.
    pub fn open(settings: &config::Objects, service: &str) -> Result<Self, Error> {
        let folder = &settings.folder;
        let store: Arc<dyn ObjectStore> =
            match (folder.as_os_str().is_empty(), settings.endpoint.is_empty()) {
                (true, true) => return Err(Error::Nowhere),
                (false, false) => return Err(Error::Twice),
                (true, false) => Arc::new(s3(settings)?),
                (false, true) => {
                    fs::create_dir_all(folder)
                        .map_err(|error| wrong(format_args!("{}: {error}", folder.display())))?;
                    let store = LocalFileSystem::new_with_prefix(folder).map_err(wrong)?;
                    Arc::new(store.with_fsync(true))
                }
            };
        let prefix = settings.prefix.trim_matches('/');
        let root =
            if prefix.is_empty() { service.to_owned() } else { format!("{prefix}/{service}") };
        parse(&root)?;
        Ok(Self { store, root })
    }

    /// Keeps `content` under `name`, in place of what was there. Gives its size, once it is durable.
    /// If the content fails, the store fails, or the caller goes away, nothing is kept.
    ///
    /// # Errors
    /// The content's own, or the store's.
    pub async fn put<E: From<Error>>(
        &self,
        name: &str,
        content: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<u64, E> {
        let mut writer = self.writer(name)?;
        let mut content = pin!(content);
        while let Some(chunk) = content.try_next().await? {
            writer.write(chunk).await?;
        }
        Ok(writer.finish().await?)
    }

    /// Writes an object piece by piece; it is there only after [`Writer::finish`].
    ///
    /// # Errors
    /// [`Error::Name`].
    pub fn writer(&self, name: &str) -> Result<Writer, Error> {
        Ok(Writer {
            store: Arc::clone(&self.store),
            path: self.path(name)?,
            name: name.to_owned(),
            part: Vec::new(),
            filled: 0,
            bytes: 0,
            upload: None,
        })
    }

    /// The object of this name.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Away`]; the content has errors of its own as it comes.
    pub async fn get(&self, name: &str) -> Result<Object, Error> {
        let path = self.path(name)?;
        let found = self.store.get(&path).await.map_err(|error| away(name, error))?;
        let (bytes, name) = (found.meta.size, name.to_owned());
        let content = found.into_stream().map_err(move |error| away(&name, error)).boxed();
        Ok(Object { bytes, content })
    }

    /// Some bytes of the object of this name.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Away`]; the latter also if the object ends before `bytes` do.
    pub async fn get_part(&self, name: &str, bytes: Range<u64>) -> Result<Bytes, Error> {
        let path = self.path(name)?;
        self.store.get_range(&path, bytes).await.map_err(|error| away(name, error))
    }

    /// Removes an object; one that is not there is removed already.
    ///
    /// # Errors
    /// [`Error::Away`].
    pub async fn delete(&self, name: &str) -> Result<(), Error> {
        let path = self.path(name)?;
        match self.store.delete(&path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(away(name, error)),
        }
    }

    /// The objects whose names begin with the words of `prefix` (whole ones, separated by `/`), in no
    /// order; all of this room if it is empty.
    ///
    /// # Errors
    /// [`Error::Name`]; the list has errors of its own as it comes.
    pub fn list(
        &self,
        prefix: &str,
    ) -> Result<impl Stream<Item = Result<Listed, Error>> + Send + use<>, Error> {
        let path = if prefix.is_empty() { parse(&self.root) } else { self.path(prefix) }?;
        let (root, name) = (format!("{}/", self.root), prefix.to_owned());
        let listed = self.store.list(Some(&path));
        Ok(listed.map(move |found| {
            let found = found.map_err(|error| away(&name, error))?;
            let full = found.location.as_ref();
            Ok(Listed {
                name: full.strip_prefix(&root).unwrap_or(full).to_owned(),
                bytes: found.size,
                at: Timestamp::from_millisecond(found.last_modified.timestamp_millis())
                    .unwrap_or_default(),
            })
        }))
    }

    fn path(&self, name: &str) -> Result<Path, Error> {
        if name.is_empty() {
            return Err(Error::Name(name.to_owned()));
        }
        parse(&format!("{}/{name}", self.root))
    }
}

fn parse(full: &str) -> Result<Path, Error> {
    Path::parse(full).map_err(|_| Error::Name(full.to_owned()))
}

/// An object that is being written. What is not finished is taken back, also when it is only dropped.
pub struct Writer {
    store: Arc<dyn ObjectStore>,
    path: Path,
    name: String,
    part: Vec<Bytes>,
    filled: usize,
    bytes: u64,
    upload: Option<Box<dyn MultipartUpload>>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Writer {
    /// Adds to it. Waits when a part is full, so that little is in memory.
    ///
    /// # Errors
    /// [`Error::Away`]; there is nothing to be added then, only to be dropped.
    pub async fn write(&mut self, mut chunk: Bytes) -> Result<(), Error> {
        self.bytes += chunk.len() as u64;
        while self.filled + chunk.len() >= PART {
            self.part.push(chunk.split_to(PART - self.filled));
            self.send().await?;
        }
        self.filled += chunk.len();
        self.part.push(chunk);
        Ok(())
    }

    /// Makes it whole and durable. Gives its size.
    ///
    /// # Errors
    /// [`Error::Away`]; nothing is kept then.
    pub async fn finish(mut self) -> Result<u64, Error> {
        if self.upload.is_none() {
            // All of it fits into one request.
            let payload = std::mem::take(&mut self.part).into_iter().collect::<PutPayload>();
            let put = self.store.put(&self.path, payload).await;
            put.map_err(|error| away(&self.name, error))?;
            return Ok(self.bytes);
        }
        if self.filled > 0 {
            self.send().await?;
        }
        if let Some(upload) = &mut self.upload {
            upload.complete().await.map_err(|error| away(&self.name, error))?;
            self.upload = None;
        }
        Ok(self.bytes)
    }

    async fn send(&mut self) -> Result<(), Error> {
        let upload = match &mut self.upload {
            Some(upload) => upload,
            none => {
                let begun = self.store.put_multipart(&self.path).await;
                none.insert(begun.map_err(|error| away(&self.name, error))?)
            }
        };
        self.filled = 0;
        let payload = std::mem::take(&mut self.part).into_iter().collect::<PutPayload>();
        upload.put_part(payload).await.map_err(|error| away(&self.name, error))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let Some(mut upload) = self.upload.take() else { return };
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = upload.abort().await {
                    tracing::debug!(%error, "parts of an upload could not be taken back");
                }
            });
        }
    }
}

fn s3(settings: &config::Objects) -> Result<object_store::aws::AmazonS3, Error> {
    for (key, missing) in [
        ("bucket", settings.bucket.is_empty()),
        ("access_key", settings.access_key.is_empty()),
        ("secret_key", settings.secret_key.is_empty()),
    ] {
        if missing {
            return Err(wrong(format_args!("`objects.{key}` is not set")));
        }
    }
    // reqwest takes the process's provider; if there is one already, it is the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut client = ClientOptions::new()
        .with_allow_http(settings.allow_http)
        .with_timeout(REQUEST)
        .with_connect_timeout(CONNECT);
    if let Some(path) = &settings.ca_file {
        let pem = config::read_pem("objects.ca_file", path).map_err(wrong)?;
        for certificate in Certificate::from_pem_bundle(pem.as_bytes()).map_err(wrong)? {
            client = client.with_root_certificate(certificate);
        }
    }
    let retry =
        RetryConfig { max_retries: RETRIES, retry_timeout: RETRY, ..RetryConfig::default() };
    AmazonS3Builder::new()
        .with_endpoint(settings.endpoint.trim_end_matches('/'))
        .with_bucket_name(&settings.bucket)
        .with_region(&settings.region)
        .with_access_key_id(settings.access_key.expose())
        .with_secret_access_key(settings.secret_key.expose())
        .with_virtual_hosted_style_request(settings.virtual_host)
        // One request for each object: not every S3 knows the other way.
        .with_disable_bulk_delete(true)
        .with_client_options(client)
        .with_retry(retry)
        .build()
        .map_err(wrong)
}

fn wrong(error: impl std::fmt::Display) -> Error {
    Error::Settings(error.to_string())
}

fn away(name: &str, error: object_store::Error) -> Error {
    match error {
        object_store::Error::NotFound { .. } => Error::NotFound(name.to_owned()),
        error => Error::Away(error),
    }
}
