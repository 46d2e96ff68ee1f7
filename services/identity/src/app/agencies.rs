//! Agencies, their secrets and their tokens.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use liuyan_kit::{auth::Claims, db::OnConstraint as _};

use super::{App, Call, secrets};
use crate::{
    domain::{
        agency::{Agency, is_client_id},
        audit::{Action, Entry},
    },
    error::Error,
    store::{
        agencies::{self, Stored},
        audit,
    },
};

/// What the pages of this list are sealed for.
const LIST: &str = "agencies";

/// An agency's token.
pub struct Issued {
    /// For calls.
    pub access_token: String,
    /// For how long it is valid.
    pub lifetime: Duration,
    /// The scopes that were granted.
    pub scopes: Vec<String>,
}

impl App {
    /// Adds an agency. Its secret is told in the answer and nowhere else.
    ///
    /// # Errors
    /// [`Error::ClientIdTaken`], [`Error::RequestIdReused`].
    pub async fn create_agency(
        self: &Arc<Self>,
        call: Call,
        agency: Agency,
        answer: fn(&Agency, &str) -> Vec<u8>,
    ) -> Result<Vec<u8>, Error> {
        let now = self.clock.now();
        let app = Arc::clone(self);
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    if let Some(answer) = call.begin(tx, &app.vault).await? {
                        return Ok(answer);
                    }
                    let secret = secrets::fresh();
                    let agency = Agency { created_at: now, ..agency };
                    agencies::insert(tx, &agency, &secret.hash)
                        .await
                        .on_constraint("agencies_pkey", || Error::ClientIdTaken)?;
                    let answer = answer(&agency, &secret.text);
                    call.end(tx, &app.vault, now, None, &answer).await?;
                    let entry =
                        Entry::new(now, &call.caller, Action::AgencyCreated, &agency.client_id)
                            .by_request(call.request_id)
                            .with(format!("scopes={}", agency.scopes.join(",")));
                    audit::append(tx, &entry).await?;
                    Ok::<_, Error>(answer)
                })
            })
            .await
    }

    /// Gives an agency a new secret; the present one is valid for a while longer, the one before it
    /// no more.
    ///
    /// # Errors
    /// [`Error::AgencyNotFound`], [`Error::RequestIdReused`].
    pub async fn rotate_secret(
        self: &Arc<Self>,
        call: Call,
        client_id: String,
        answer: fn(&str, Timestamp) -> Vec<u8>,
    ) -> Result<Vec<u8>, Error> {
        let now = self.clock.now();
        let app = Arc::clone(self);
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    if let Some(answer) = call.begin(tx, &app.vault).await? {
                        return Ok(answer);
                    }
                    let secret = secrets::fresh();
                    let until = now.saturating_add(app.config.secret_overlap()).unwrap_or(now);
                    if !agencies::rotate(tx, &client_id, &secret.hash, until).await? {
                        return Err(Error::AgencyNotFound);
                    }
                    let answer = answer(&secret.text, until);
                    call.end(tx, &app.vault, now, None, &answer).await?;
                    let entry = Entry::new(now, &call.caller, Action::SecretRotated, &client_id)
                        .by_request(call.request_id);
                    audit::append(tx, &entry).await?;
                    Ok(answer)
                })
            })
            .await
    }

    /// A page of agencies by client id, and the token of the next page.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the token is none of this list.
    pub async fn list_agencies(
        &self,
        size: u32,
        token: &str,
    ) -> Result<(Vec<Agency>, String), Error> {
        let after = self.vault.open_page(LIST, size, token)?;
        let mut connection = self.db.read().await?;
        let found = agencies::fetch(&mut connection, None, &after, i64::from(size) + 1).await?;
        let more = found.len() > size as usize;
        let agencies: Vec<Agency> =
            found.into_iter().take(size as usize).map(|stored| stored.agency).collect();
        let next = agencies.last().filter(|_| more);
        let next = next.map(|last| self.vault.seal_page(LIST, size, &last.client_id));
        Ok((agencies, next.unwrap_or_default()))
    }

    /// Gives an agency a token (client credentials, RFC 6749, 4.4). The right secret is never
    /// refused for the wrong ones before it: nobody guesses 256 bits, and client ids are known, so
    /// that such a limit would only let others lock an agency out. Wrong ones are limited for the
    /// sake of the log.
    ///
    /// # Errors
    /// [`Error::ClientRefused`], [`Error::TriesExhausted`], [`Error::Invalid`] for a scope that the
    /// agency does not have.
    pub async fn issue_token(
        &self,
        client_id: &str,
        secret: &str,
        wanted: &str,
    ) -> Result<Issued, Error> {
        let now = self.clock.now();
        let known = match is_client_id(client_id) {
            true => agencies::one(&mut *self.db.read().await?, client_id).await?,
            false => None,
        };
        let presented = secrets::hash(secret);
        let agency = match known {
            Some(known) if known.opens(&presented, now) => known.agency,
            known => {
                let subject = known.map(|known| known.agency.client_id).unwrap_or_default();
                // What is no client id at all is counted together.
                let counted = if is_client_id(client_id) { client_id } else { "" };
                self.count_wrong_secret(counted).await?;
                self.note(Entry::new(now, "", Action::TokenRefused, subject)).await?;
                return Err(Error::ClientRefused);
            }
        };
        let scopes = agency.grant(wanted);
        let scopes = scopes.ok_or_else(|| Error::invalid("scope", "SCOPE_NOT_ALLOWED"))?;
        let who = format!("{}/{}", self.signer.issuer(), agency.client_id);
        let entry = Entry::new(now, &who, Action::TokenIssued, &agency.client_id);
        self.note(entry.with(format!("scopes={}", scopes.join(",")))).await?;
        let lifetime = Duration::try_from(self.config.access_lifetime()).unwrap_or_default();
        let access_token = self.signer.sign(&Claims {
            sub: agency.client_id,
            scopes: scopes.clone(),
            offices: agency.places.offices,
            divisions: agency.places.divisions,
            lifetime,
        });
        Ok(Issued { access_token, lifetime, scopes })
    }
}

impl Stored {
    /// Whether a secret's hash is that of the present one, or of the one before it while that is
    /// valid, and the agency gets tokens.
    fn opens(&self, presented: &[u8; 32], now: Timestamp) -> bool {
        let present = secrets::same(presented, &self.secret_hash);
        let old = self
            .old_secret
            .as_ref()
            .is_some_and(|(hash, until)| secrets::same(presented, hash) && now < *until);
        self.agency.active && (present || old)
    }
}
