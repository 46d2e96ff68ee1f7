//! One request of one visitor: what every page asks and tells.

use std::{
    net::IpAddr,
    sync::{Arc, OnceLock},
};

use axum::{body::Bytes, extract::FromRequestParts};
use http::request::Parts;
use jiff::Timestamp;
use liuyan_kit::id;
use liuyan_proto::liuyan::identity::v1::Role;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use url::form_urlencoded;
use uuid::Uuid;

use crate::{
    app::App,
    assets,
    cookies::{Jar, Life},
    error::Error,
    format::{self, When},
    mixed::Mixed,
    pages::RECEIPT,
    session::{self, Proof, Proofs, Session},
    words::WORDS,
};

/// The cookie by which forms are known to be ours.
const FORM: &str = "form";
/// The cookie that keeps the chosen language.
pub(crate) const LANGUAGE: &str = "lang";
/// The cookie of a notice that the next page shows.
const NOTICE: &str = "notice";
/// How long a notice waits for its page, in seconds.
const NOTICE_SECONDS: i64 = 60;

/// One request of one visitor. Cheap to clone; every page's template has it as `v`.
#[derive(Debug, Clone)]
pub(crate) struct Visit(Arc<Inner>);

/// What a visit is made of; see `web::visiting`.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) app: Arc<App>,
    pub(crate) locale: &'static str,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) is_get: bool,
    pub(crate) now: Timestamp,
    pub(crate) client: IpAddr,
    pub(crate) request_id: Uuid,
    pub(crate) session: Option<Session>,
    /// The session that began with this very request.
    pub(crate) begun: OnceLock<Session>,
    /// How many notices wait for them.
    pub(crate) unread: u32,
    /// The form that was sent, so that nothing of it is lost if its session has ended.
    pub(crate) typed: OnceLock<Bytes>,
    pub(crate) jar: Jar,
}

/// What a form is known by.
#[derive(Serialize, Deserialize)]
struct FormSecret(String);

impl<S: Sync> FromRequestParts<S> for Visit {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let found = parts.extensions.get::<Self>().cloned();
        found.ok_or_else(|| Error::Broken("a page stands outside of web::visiting".into()))
    }
}

impl From<Inner> for Visit {
    fn from(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }
}

impl Visit {
    /// What every page works with.
    pub(crate) fn app(&self) -> &Arc<App> {
        &self.0.app
    }

    /// The day in China, as YYYY-MM-DD.
    pub(crate) fn today(&self) -> String {
        format::day_of(self.now()).to_string()
    }

    /// The present, as this visit began.
    pub(crate) fn now(&self) -> Timestamp {
        self.0.now
    }

    /// The visitor's language.
    pub(crate) fn locale(&self) -> &'static str {
        self.0.locale
    }

    /// The visitor's address.
    pub(crate) fn client(&self) -> IpAddr {
        self.0.client
    }

    /// The request's id, for whoever reports a fault.
    pub(crate) fn request_id(&self) -> Uuid {
        self.0.request_id
    }

    /// The path of the page.
    pub(crate) fn path(&self) -> &str {
        &self.0.path
    }

    /// The same as an address that surely leads here: two slashes at its beginning would lead to
    /// another site.
    pub(crate) fn own_path(&self) -> String {
        format!("/{}", self.0.path.trim_start_matches(['/', '\\']))
    }

    /// Whether the page was asked for, and no form sent.
    pub(crate) fn is_get(&self) -> bool {
        self.0.is_get
    }

    /// Where the stylesheet is.
    pub(crate) fn style(&self) -> String {
        assets::style_path()
    }

    /// Until when what happened is counted in the figures that were shown last.
    pub(crate) fn figures_until(&self) -> Option<When> {
        self.0.app.lists.counted_until().map(|time| self.moment_of(time))
    }

    /// Path and query, to come back to.
    pub(crate) fn here(&self) -> String {
        if self.0.query.is_empty() || !self.0.is_get {
            return self.0.path.clone();
        }
        format!("{}?{}", self.0.path, self.0.query)
    }

    pub(crate) fn jar(&self) -> &Jar {
        &self.0.jar
    }

    /// A new id for a request that is to be done once.
    pub(crate) fn new_id(&self) -> String {
        id::v7(self.0.now).to_string()
    }

    // Words.

    /// A text.
    pub(crate) fn t(&self, name: &str) -> String {
        WORDS.text(self.0.locale, name, &[])
    }

    /// A text with one value.
    pub(crate) fn t1(&self, name: &str, key: &str, value: impl ToString) -> String {
        WORDS.text(self.0.locale, name, &[(key, value.to_string())])
    }

    /// A text with several values.
    pub(crate) fn tn(&self, name: &str, arguments: &[(&str, String)]) -> String {
        WORDS.text(self.0.locale, name, arguments)
    }

    /// A text with two values.
    pub(crate) fn t2(
        &self,
        name: &str,
        key: &str,
        value: impl ToString,
        key2: &str,
        value2: impl ToString,
    ) -> String {
        let arguments = [(key, value.to_string()), (key2, value2.to_string())];
        WORDS.text(self.0.locale, name, &arguments)
    }

    /// A text of the page in which names, titles or whole sentences may be Chinese: there, they are
    /// marked as such on a page in another language.
    pub(crate) fn mixed(&self, text: impl ToString) -> Mixed {
        Mixed::new(text.to_string(), !self.is_chinese())
    }

    /// The board's name.
    pub(crate) fn board(&self) -> &str {
        self.0.app.config.name(self.0.locale)
    }

    /// Whether the page is read in Chinese.
    pub(crate) fn is_chinese(&self) -> bool {
        self.0.locale == liuyan_kit::locale::FIRST
    }

    /// This page in the other language; `None` where something typed would be lost.
    pub(crate) fn other_language(&self) -> Option<String> {
        if !self.0.is_get {
            return None;
        }
        let other = if self.is_chinese() { "en" } else { liuyan_kit::locale::FIRST };
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form_urlencoded::parse(self.0.query.as_bytes()) {
            if name != "lang" {
                query.append_pair(&name, &value);
            }
        }
        query.append_pair("lang", other);
        Some(format!("{}?{}", self.own_path(), query.finish()))
    }

    /// Whether the page belongs to the part of the site that begins with `path`.
    pub(crate) fn at(&self, path: &str) -> bool {
        let rest = self.0.path.strip_prefix(path);
        self.0.path == path || (path != "/" && rest.is_some_and(|rest| rest.starts_with('/')))
    }

    /// The form that was sent, as the browser encoded it.
    pub(crate) fn typed(&self) -> Option<&Bytes> {
        self.0.typed.get()
    }

    /// Keeps the form that was sent.
    pub(crate) fn keep_typed(&self, form: &Bytes) {
        // There is one form in one request.
        let _ = self.0.typed.set(form.clone());
    }

    // The person.

    /// How many notices wait for whoever is signed in.
    pub(crate) fn unread(&self) -> u32 {
        self.0.unread
    }

    /// Who is signed in.
    pub(crate) fn session(&self) -> Option<&Session> {
        self.0.begun.get().or(self.0.session.as_ref())
    }

    /// Who is signed in.
    ///
    /// # Errors
    /// [`Error::SignIn`], which leads to the sign-in and back.
    pub(crate) fn signed_in(&self) -> Result<&Session, Error> {
        self.session().ok_or(Error::SignIn)
    }

    /// Whether the signed-in person has one of the roles.
    ///
    /// # Errors
    /// [`Error::SignIn`] for nobody, [`Error::NotFound`] for somebody else: what is behind a door is
    /// not told to those who may not pass it.
    pub(crate) fn with_role(&self, roles: &[Role]) -> Result<&Session, Error> {
        let session = self.signed_in()?;
        if roles.iter().any(|role| session.has(*role)) { Ok(session) } else { Err(Error::NotFound) }
    }

    /// Signs somebody in: the browser keeps the session. Forms that were open before are no longer
    /// good.
    pub(crate) fn sign_in(&self, session: &Session) {
        let life = Life::Seconds(session.seconds_left(self.0.now));
        self.seal(session::COOKIE, session, life);
        self.forget(FORM);
        // Nobody signs in twice in one request.
        let _ = self.0.begun.set(session.clone());
    }

    /// Forgets who is signed in, and with it everything else that this browser has shown.
    pub(crate) fn sign_out(&self) {
        for name in [session::COOKIE, session::PROOFS, RECEIPT, FORM] {
            self.forget(name);
        }
    }

    // Calls.

    /// A request in the name of the signed-in person; in the portal's own if nobody is.
    pub(crate) fn call<M>(&self, message: M) -> tonic::Request<M> {
        let token = self.session().map(|session| session.access.as_str());
        self.0.app.backend.request(message, self.0.locale, token)
    }

    /// The same for what is limited by the address where nobody is signed in.
    pub(crate) fn call_from<M>(&self, message: M) -> tonic::Request<M> {
        let token = self.session().map(|session| session.access.as_str());
        self.0.app.backend.request_from(self.0.client, message, self.0.locale, token)
    }

    /// The same in the portal's own name, whoever is signed in.
    pub(crate) fn call_own_from<M>(&self, message: M) -> tonic::Request<M> {
        self.0.app.backend.request_from(self.0.client, message, self.0.locale, None)
    }

    /// A request for what everybody may see: never in the name of a person.
    pub(crate) fn call_public<M>(&self, message: M) -> tonic::Request<M> {
        self.0.app.backend.request(message, self.0.locale, None)
    }

    /// A request with another token, such as an author's.
    pub(crate) fn call_as<M>(&self, token: &str, message: M) -> tonic::Request<M> {
        self.0.app.backend.request(message, self.0.locale, Some(token))
    }

    // Cookies.

    /// A sealed cookie.
    pub(crate) fn sealed<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.0.jar.sealed(&self.0.app.cookies, name)
    }

    /// Sets a sealed cookie.
    pub(crate) fn seal<T: Serialize>(&self, name: &str, value: &T, life: Life) {
        self.0.jar.set_sealed(&self.0.app.cookies, name, value, life);
    }

    /// Removes a cookie.
    pub(crate) fn forget(&self, name: &str) {
        self.0.jar.remove(&self.0.app.cookies, name);
    }

    /// Which messages this visitor is known to be the author of.
    pub(crate) fn proofs(&self) -> Proofs {
        self.sealed(session::PROOFS).unwrap_or_default()
    }

    /// Remembers that this visitor is the author of a message.
    pub(crate) fn prove(&self, number: &str, proof: Proof) {
        let mut proofs = self.proofs();
        proofs.add(number, proof, self.0.now);
        self.seal(session::PROOFS, &proofs, Life::Browser);
    }

    /// Forgets it.
    pub(crate) fn disprove(&self, number: &str) {
        let mut proofs = self.proofs();
        proofs.remove(number);
        self.seal(session::PROOFS, &proofs, Life::Browser);
    }

    /// What a form on this page is known by; goes into its hidden field `_token`.
    pub(crate) fn form_token(&self) -> String {
        let secret = self.sealed::<FormSecret>(FORM).unwrap_or_else(|| {
            let secret = FormSecret(hex::encode(id::secret()));
            self.seal(FORM, &secret, Life::Browser);
            secret
        });
        self.mark(&secret)
    }

    /// What a form of this browser must bring; `None` if it has never seen one.
    pub(crate) fn expected_token(&self) -> Option<String> {
        self.sealed::<FormSecret>(FORM).map(|secret| self.mark(&secret))
    }

    /// The id of a request that this browser makes once with these words, however often, and from
    /// however many copies of its page, they are sent. It is bound to the secret of the browser's
    /// forms: nobody else can tell which words an id stands for.
    pub(crate) fn id_of(&self, what: &str, words: &[&str]) -> String {
        let Some(secret) = self.sealed::<FormSecret>(FORM) else { return self.new_id() };
        let said = serde_json::json!([what, secret.0, words]).to_string();
        id::of_name("form", &self.0.app.cookies.mark(said.as_bytes())).to_string()
    }

    fn mark(&self, secret: &FormSecret) -> String {
        self.0.app.cookies.mark(format!("form {}", secret.0).as_bytes())
    }

    /// Leaves a notice for the next page, the name of a text.
    pub(crate) fn notify(&self, text: &str) {
        self.seal(NOTICE, &text, Life::Seconds(NOTICE_SECONDS));
    }

    /// The notice that was left for this page; it is shown once.
    pub(crate) fn notice(&self) -> Option<String> {
        let name = self.sealed::<String>(NOTICE)?;
        self.forget(NOTICE);
        Some(self.t(&name))
    }
}
