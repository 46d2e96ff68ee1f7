//! Keys that change while the service runs: its own, and those of whom it believes.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use crate::{
    auth::{Signer, Verifier},
    config::{self, Auth},
};

/// How often the files are read.
const LOOK: Duration = Duration::from_secs(5);

/// Reads the files of keys again and again, and takes up what has changed. A file that cannot be read, or
/// holds no key, changes nothing.
pub(super) async fn keep(
    service: &'static str,
    auth: Arc<Auth>,
    signer: Signer,
    verifier: Verifier,
) {
    loop {
        sleep(LOOK).await;
        let (auth, signer, verifier) = (Arc::clone(&auth), signer.clone(), verifier.clone());
        let looked = tokio::task::spawn_blocking(move || look(service, &auth, &signer, &verifier));
        if let Err(error) = looked.await {
            tracing::error!(service, %error, "keys could not be looked at");
        }
    }
}

fn look(service: &'static str, auth: &Auth, signer: &Signer, verifier: &Verifier) {
    match verifier.renew(auth) {
        Ok(true) => tracing::info!(service, "the public keys of issuers have changed"),
        Ok(false) => {}
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(
                service,
                error,
                "public keys of issuers cannot be read; the old ones stay"
            );
        }
    }
    let Some(path) = &auth.key_file else { return };
    let renewed = config::read_pem("auth.key_file", path)
        .map_err(anyhow::Error::from)
        .and_then(|pem| Ok(signer.renew(&pem)?));
    match renewed {
        Ok(true) => tracing::info!(service, "tokens are signed with a new key"),
        Ok(false) => {}
        Err(error) => {
            let error = format!("{error:#}");
            tracing::warn!(service, error, "`auth.key_file` cannot be used; the old key stays");
        }
    }
}
