//! The files of a message that is being written. They go to intake as soon as the form is sent, whatever
//! button was pressed, and wait there; the form keeps which they are.

use axum::{
    body::Bytes,
    extract::{Multipart, Request, multipart::Field},
};
use futures::{Stream, stream};
use liuyan_proto::liuyan::intake::v1::{AttachedFile, AttachmentHeader};
use tokio::sync::SemaphorePermit;
use url::form_urlencoded;

use crate::{
    error::Error,
    files::{self, Upload},
    pages,
    visit::Visit,
    web::{self, Patience},
};

/// The element that faults of files stand at.
pub(crate) const ELEMENT: &str = "files";
/// The fields of the form.
const CHOSEN: &str = "files";
const KEPT: &str = "file";
const PUBLIC: &str = "file_public";
const TOKEN: &str = "upload_token";
/// What a button begins with that removes a file.
const REMOVE: &str = "remove:";
/// How much of a file's own name is shown.
const LONGEST_NAME: usize = 80;
/// How many files a form is asked about, whatever it says.
const MOST: usize = 20;

/// Whether a field is about files, of which there may be several.
pub(crate) fn is_of_files(name: &str) -> bool {
    matches!(name, CHOSEN | KEPT | PUBLIC)
}

/// A file that waits at intake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) id: String,
    pub(crate) media_type: String,
    pub(crate) size: u64,
    /// As its owner calls it; only they see it.
    pub(crate) name: String,
    pub(crate) public: bool,
}

impl Kept {
    /// All that the form has to keep of it, in one field.
    pub(crate) fn value(&self) -> String {
        format!("{}|{}|{}|{}", self.id, self.media_type, self.size, self.name)
    }

    fn parse(value: &str) -> Option<Self> {
        let mut parts = value.splitn(4, '|');
        let id = parts.next()?.parse::<uuid::Uuid>().ok()?.to_string();
        let media_type = parts.next()?.to_owned();
        let size = parts.next()?.parse().ok()?;
        let name = short(parts.next()?);
        Some(Self { id, media_type, size, name, public: false })
    }

    /// How large it is, in words.
    pub(crate) fn size(&self, v: &Visit) -> String {
        pages::files::size(v, self.size)
    }
}

/// The files of a message that is being written.
#[derive(Debug, Default)]
pub(crate) struct Files {
    /// By what they were uploaded.
    pub(crate) token: String,
    pub(crate) kept: Vec<Kept>,
    /// What is wrong with others, in the visitor's words.
    pub(crate) faults: Vec<String>,
}

impl Files {
    /// The files that the fields of a form tell of.
    fn of(pairs: &[(String, String)]) -> Self {
        let mut files = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                TOKEN => files.token.clone_from(value),
                KEPT if files.kept.len() < MOST => files.kept.extend(Kept::parse(value)),
                _ => {}
            }
        }
        for file in &mut files.kept {
            file.public = pairs.iter().any(|(name, value)| name == PUBLIC && *value == file.id);
        }
        files
    }

    /// What may be attached, as the form tells it.
    pub(crate) fn hint(&self, v: &Visit) -> String {
        let files = &v.app().config.files;
        let mebi = |bytes: u64| (bytes >> 20).to_string();
        let arguments = [
            ("max", files.per_message.to_string()),
            ("image", mebi(files.image_bytes)),
            ("pdf", mebi(files.pdf_bytes)),
            ("video", mebi(files.video_bytes)),
        ];
        v.tn("new-files-hint", &arguments)
    }

    /// What the chooser of files offers.
    pub(crate) fn types(&self) -> &'static str {
        TYPES
    }

    /// Removes the file of which the pressed button speaks.
    pub(crate) fn remove(&mut self, action: &str) {
        if let Some(id) = action.strip_prefix(REMOVE) {
            self.kept.retain(|file| file.id != id);
        }
    }

    /// What is said by them, as far as it makes one message another.
    pub(crate) fn said(&self) -> Vec<String> {
        self.kept.iter().map(|file| format!("{} {}", file.id, file.public)).collect()
    }

    /// The files as intake takes them.
    pub(crate) fn attached(&self) -> Vec<AttachedFile> {
        let file = |it: &Kept| AttachedFile { attachment_id: it.id.clone(), public: it.public };
        self.kept.iter().map(file).collect()
    }

    /// Uploads one more, and notes what is wrong with it.
    async fn add(
        &mut self,
        v: &Visit,
        name: String,
        media_type: String,
        pieces: impl Stream<Item = Result<Bytes, Error>> + Send + Unpin,
    ) -> Result<(), Error> {
        let app = v.app();
        let most = app.config.files.per_message;
        if self.kept.len() >= most {
            self.faults.push(v.t2("new-files-too-many", "name", name, "max", most));
            return Ok(());
        }
        if self.token.is_empty() {
            match files::token(app, v.client(), v.locale()).await {
                Ok(issued) => self.token = issued.upload_token,
                Err(error) => {
                    self.fault(v, &name, &error);
                    return Ok(());
                }
            }
        }
        let header = AttachmentHeader {
            request_id: v.new_id(),
            upload_token: self.token.clone(),
            media_type,
        };
        let upload = Upload { app, locale: v.locale(), bearer: None, header };
        match upload.send(pieces).await {
            Ok(file) => self.kept.push(Kept {
                id: file.attachment_id,
                media_type: file.media_type,
                size: file.size,
                name,
                public: false,
            }),
            // Nothing more can be read of this form.
            Err(error @ (Error::Unreadable | Error::TooLong)) => return Err(error),
            Err(error) => {
                if error.fields().iter().any(|it| it.reason == "UPLOAD_TOKEN_INVALID") {
                    // Its time is over, and what was uploaded by it can't be sent with another one.
                    self.token.clear();
                    self.kept.clear();
                    self.faults.push(v.t("new-files-expired"));
                }
                self.fault(v, &name, &error);
            }
        }
        Ok(())
    }

    fn fault(&mut self, v: &Visit, name: &str, error: &Error) {
        let texts: Vec<&str> = error.fields().iter().map(|it| it.text.as_str()).collect();
        let text = if texts.is_empty() { error.text(v.locale()) } else { texts.join(" ") };
        self.faults.push(v.t2("new-files-fault", "name", name, "text", text));
    }
}

/// A form as it came: its fields, and its files, which are at intake by now.
pub(crate) async fn read(
    v: &Visit,
    request: Request,
) -> Result<(Vec<(String, String)>, Files), Error> {
    let limits = &v.app().config.limits;
    if !web::is_multipart(request.headers()) {
        let body = axum::body::to_bytes(request.into_body(), limits.form_bytes);
        let body = body.await.map_err(|_| Error::TooLong)?;
        let pairs: Vec<_> = form_urlencoded::parse(&body).into_owned().collect();
        let files = Files::of(&pairs);
        return Ok((pairs, files));
    }
    let from_here = web::is_surely_from_here(request.headers());
    let form = web::multipart(request).await?;
    let mut reading = Reading {
        v,
        from_here,
        patience: Patience::new(&v.app().config.limits),
        pairs: Vec::new(),
        bytes: 0,
        left: v.app().config.files.form_bytes,
        files: None,
        refused: None,
    };
    reading.read(form).await?;
    let Reading { pairs, files, mut refused, .. } = reading;
    if pairs.is_empty() {
        refused = Some("there is no token");
    }
    let files = files.unwrap_or_else(|| Files::of(&pairs));
    if refused.is_none() || from_here {
        v.keep_typed(&typed(&pairs, &files));
    }
    match refused {
        Some(why) => Err(Error::FormRefused(why)),
        None => Ok((pairs, files)),
    }
}

/// A form with files in it, as far as it was read.
struct Reading<'v> {
    v: &'v Visit,
    /// Whether the browser itself says that the form is ours.
    from_here: bool,
    patience: Patience,
    pairs: Vec<(String, String)>,
    /// How long the fields are.
    bytes: usize,
    /// How long all files may still be.
    left: u64,
    files: Option<Files>,
    /// Why the form is none of ours. It is known before anything else is read: the token stands at the
    /// beginning.
    refused: Option<&'static str>,
}

impl Reading<'_> {
    async fn read(&mut self, mut form: Multipart) -> Result<(), Error> {
        while let Some(mut field) = self.patience.with(form.next_field(), unreadable).await? {
            let name = field.name().unwrap_or_default().to_owned();
            if name != CHOSEN || field.file_name().is_none() {
                let most = self.v.app().config.limits.form_bytes.saturating_sub(self.bytes);
                let value = self.patience.with(text(&mut field, most), |error| error).await?;
                self.bytes += name.len() + value.len();
                if self.pairs.is_empty() {
                    let token = (name == web::TOKEN).then_some(value.as_str());
                    self.refused = web::foreign(self.v, token);
                    if self.refused.is_some() && !self.from_here {
                        return Ok(());
                    }
                }
                self.pairs.push((name, value));
                continue;
            }
            let file_name = short(field.file_name().unwrap_or_default());
            let wanted = !self.pairs.is_empty() && self.refused.is_none();
            // Without a name, nothing was chosen.
            if !wanted || file_name.is_empty() {
                let drained = drain(&mut field, &mut self.left);
                self.patience.with(drained, |error| error).await?;
                continue;
            }
            // Each of them holds a connection for long, and there are to be some left for pages.
            let place = self.v.app().uploads.try_acquire().ok();
            if !self.file(field, file_name, place).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Reads a file. Gives whether anything more can be read of the form.
    async fn file(
        &mut self,
        mut field: Field<'_>,
        name: String,
        place: Option<SemaphorePermit<'_>>,
    ) -> Result<bool, Error> {
        let files = self.files.get_or_insert_with(|| Files::of(&self.pairs));
        if place.is_none() {
            files.faults.push(self.v.t1("new-files-no-place", "name", name));
            // What was typed stands before the files, so that it is not lost with a slow one.
            let drained = drain(&mut field, &mut self.left);
            return Ok(self.patience.with(drained, |error| error).await.is_ok());
        }
        let media_type = field.content_type().unwrap_or_default().to_owned();
        files.add(self.v, name, media_type, pieces(&mut field, &mut self.left)).await?;
        // What intake did not want any more.
        drain(&mut field, &mut self.left).await?;
        Ok(true)
    }
}

/// The form as one without files in it, which waits with its page if something else goes wrong.
fn typed(pairs: &[(String, String)], files: &Files) -> Bytes {
    let mut form = form_urlencoded::Serializer::new(String::new());
    let others = pairs.iter().filter(|(name, _)| name != KEPT && name != TOKEN);
    form.extend_pairs(others);
    form.append_pair(TOKEN, &files.token);
    form.extend_pairs(files.kept.iter().map(|file| (KEPT, file.value())));
    form.finish().into()
}

fn unreadable(_: axum::extract::multipart::MultipartError) -> Error {
    Error::Unreadable
}

/// Only what can be shown, and not too much of it.
fn short(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    name.chars().filter(|it| !it.is_control() && *it != '|').take(LONGEST_NAME).collect()
}

async fn text(field: &mut Field<'_>, most: usize) -> Result<String, Error> {
    let mut bytes = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(unreadable)? {
        if bytes.len() + piece.len() > most {
            return Err(Error::TooLong);
        }
        bytes.extend_from_slice(&piece);
    }
    String::from_utf8(bytes).map_err(|_| Error::Unreadable)
}

/// The pieces of a file, as long as the whole form is not too long.
fn pieces<'f, 'm>(
    field: &'f mut Field<'m>,
    left: &'f mut u64,
) -> impl Stream<Item = Result<Bytes, Error>> + Send + Unpin + use<'f, 'm> {
    Box::pin(stream::try_unfold((field, left), |(field, left)| async move {
        let Some(piece) = field.chunk().await.map_err(unreadable)? else { return Ok(None) };
        *left = left.checked_sub(piece.len() as u64).ok_or(Error::TooLong)?;
        Ok(Some((piece, (field, left))))
    }))
}

async fn drain(field: &mut Field<'_>, left: &mut u64) -> Result<(), Error> {
    while let Some(piece) = field.chunk().await.map_err(unreadable)? {
        *left = left.checked_sub(piece.len() as u64).ok_or(Error::TooLong)?;
    }
    Ok(())
}

/// What the chooser of files offers.
const TYPES: &str =
    "image/jpeg,image/png,image/webp,application/pdf,video/mp4,.jpg,.jpeg,.png,.webp,.pdf,.mp4";
