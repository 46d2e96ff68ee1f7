//! Certificates, for serving and for calling. They are read again while the service runs: whoever renews
//! them restarts nothing. A connection keeps the certificate with which it was made until it ends.

use std::{
    io,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use futures::{Stream, StreamExt as _, future::ready};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::WebPkiClientVerifier,
};
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity, server::TcpIncoming};

use crate::config::{self, Tls, read_pem};

/// How often the files are read.
const LOOK: Duration = Duration::from_secs(5);
/// How long a caller may take to agree on encryption, and how many may do so at a time.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
const HANDSHAKES: usize = 1_024;

/// What the files hold.
#[derive(Debug, PartialEq, Eq)]
struct Files {
    /// Certificate chain and private key.
    own: Option<(String, String)>,
    authorities: Option<String>,
}

impl Files {
    fn read(tls: &Tls) -> Result<Self, config::Error> {
        let own = match (&tls.cert_file, &tls.key_file) {
            (Some(cert), Some(key)) => {
                Some((read_pem("grpc.tls.cert_file", cert)?, read_pem("grpc.tls.key_file", key)?))
            }
            (None, None) => None,
            (Some(_), None) => return Err(config::Error::Missing { key: "grpc.tls.key_file" }),
            (None, Some(_)) => return Err(config::Error::Missing { key: "grpc.tls.cert_file" }),
        };
        let read = |path: &std::path::PathBuf| read_pem("grpc.tls.ca_file", path);
        Ok(Self { own, authorities: tls.ca_file.as_ref().map(read).transpose()? })
    }
}

fn unusable(key: &str, why: &dyn std::fmt::Display) -> config::Error {
    config::Error::Layer { layer: key.to_owned(), message: format!("cannot be used: {why}") }
}

/// What this end of a connection is made from, renewed when the files change.
struct Renewed<T> {
    tls: Tls,
    make: fn(&Tls, &Files) -> Result<T, config::Error>,
    present: RwLock<(Files, Arc<T>)>,
}

impl<T> Renewed<T> {
    fn new(
        tls: &Tls,
        make: fn(&Tls, &Files) -> Result<T, config::Error>,
    ) -> Result<Self, config::Error> {
        let files = Files::read(tls)?;
        let made = Arc::new(make(tls, &files)?);
        Ok(Self { tls: tls.clone(), make, present: RwLock::new((files, made)) })
    }

    fn present(&self) -> Arc<T> {
        Arc::clone(&self.present.read().unwrap_or_else(PoisonError::into_inner).1)
    }

    /// Reads the files again; gives whether something has changed. What cannot be used changes nothing:
    /// the files of a pair may be written one after the other.
    fn look(&self) -> bool {
        let renewed = Files::read(&self.tls).and_then(|files| {
            if files == self.present.read().unwrap_or_else(PoisonError::into_inner).0 {
                return Ok(None);
            }
            let made = (self.make)(&self.tls, &files)?;
            Ok(Some((files, Arc::new(made))))
        });
        match renewed {
            Ok(Some(renewed)) => {
                *self.present.write().unwrap_or_else(PoisonError::into_inner) = renewed;
                tracing::info!("the certificates have changed");
                true
            }
            Ok(None) => false,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "certificates cannot be used; the old ones stay");
                false
            }
        }
    }
}

/// Encrypts what callers send.
pub(super) struct Acceptor(Renewed<ServerConfig>);

/// For serving; `None` serves in clear text.
pub(super) fn server(tls: &Tls) -> Result<Option<Arc<Acceptor>>, config::Error> {
    if tls.cert_file.is_none() && tls.key_file.is_none() {
        return Ok(None);
    }
    if tls.require_client && tls.ca_file.is_none() {
        return Err(config::Error::Missing { key: "grpc.tls.ca_file" });
    }
    Ok(Some(Arc::new(Acceptor(Renewed::new(tls, serving)?))))
}

fn serving(tls: &Tls, files: &Files) -> Result<ServerConfig, config::Error> {
    let Some((chain, key)) = &files.own else {
        return Err(config::Error::Missing { key: "grpc.tls.cert_file" });
    };
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable("grpc.tls", &error))?;
    let builder = match &files.authorities {
        Some(authorities) => {
            let mut roots = RootCertStore::empty();
            for root in certificates("grpc.tls.ca_file", authorities)? {
                roots.add(root).map_err(|error| unusable("grpc.tls.ca_file", &error))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier =
                if tls.require_client { verifier } else { verifier.allow_unauthenticated() };
            let verifier =
                verifier.build().map_err(|error| unusable("grpc.tls.ca_file", &error))?;
            builder.with_client_cert_verifier(verifier)
        }
        None => builder.with_no_client_auth(),
    };
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
        .map_err(|error| unusable("grpc.tls.key_file", &error))?;
    let mut config = builder
        .with_single_cert(certificates("grpc.tls.cert_file", chain)?, key)
        .map_err(|error| unusable("grpc.tls.cert_file", &error))?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}

fn certificates(key: &str, pem: &str) -> Result<Vec<CertificateDer<'static>>, config::Error> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match read {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(unusable(key, &"it holds no certificate")),
        Err(error) => Err(unusable(key, &error)),
    }
}

impl Acceptor {
    /// The connections of those who agree on encryption, by the certificate of that moment.
    pub(super) fn accept(
        self: Arc<Self>,
        incoming: TcpIncoming,
    ) -> impl Stream<Item = io::Result<TlsStream<TcpStream>>> {
        incoming
            .map(move |accepted| {
                let acceptor = TlsAcceptor::from(self.0.present());
                async move { timeout(HANDSHAKE_LIMIT, acceptor.accept(accepted?)).await? }
            })
            .buffer_unordered(HANDSHAKES)
            .filter_map(|accepted| {
                // Who does not speak our language is gone; nobody else is concerned.
                if let Err(error) = &accepted {
                    tracing::debug!(%error, "a connection was not made");
                }
                ready(accepted.ok().map(Ok))
            })
    }

    /// Looks at the files for as long as it runs.
    pub(super) async fn keep(&self) {
        loop {
            sleep(LOOK).await;
            self.0.look();
        }
    }
}

/// Encrypts what is sent to a peer.
pub(super) struct Connector(Renewed<ClientTlsConfig>, String);

/// For calling a peer at an `https` address by its name.
pub(super) fn client(tls: &Tls, name: &str) -> Result<Connector, config::Error> {
    Ok(Connector(Renewed::new(tls, calling)?, name.to_owned()))
}

fn calling(_: &Tls, files: &Files) -> Result<ClientTlsConfig, config::Error> {
    let config = ClientTlsConfig::new();
    let config = match &files.authorities {
        Some(authorities) => config.ca_certificate(Certificate::from_pem(authorities)),
        None => config.with_native_roots(),
    };
    let config = match &files.own {
        Some((chain, key)) => config.identity(Identity::from_pem(chain, key)),
        None => config,
    };
    // A connector is made for each address; whether that can be done is known here already.
    Endpoint::from_static("https://localhost")
        .tls_config(config.clone())
        .map_err(|error| unusable("grpc.tls", &error))?;
    Ok(config)
}

impl Connector {
    /// What a connection that is made now goes by.
    pub(super) fn present(&self) -> ClientTlsConfig {
        ClientTlsConfig::clone(&self.0.present()).domain_name(&self.1)
    }

    /// Reads the files again; gives whether something has changed.
    pub(super) fn look(&self) -> bool {
        self.0.look()
    }
}
