//! Certificates, for serving and for calling.

use tonic::transport::{Certificate, ClientTlsConfig, Identity, ServerTlsConfig};

use crate::config::{self, Tls, read_pem};

/// The service's own certificate, if it has one.
fn identity(tls: &Tls) -> Result<Option<Identity>, config::Error> {
    match (&tls.cert_file, &tls.key_file) {
        (Some(cert), Some(key)) => {
            let cert = read_pem("grpc.tls.cert_file", cert)?;
            let key = read_pem("grpc.tls.key_file", key)?;
            Ok(Some(Identity::from_pem(cert, key)))
        }
        (None, None) => Ok(None),
        (Some(_), None) => Err(config::Error::Missing { key: "grpc.tls.key_file" }),
        (None, Some(_)) => Err(config::Error::Missing { key: "grpc.tls.cert_file" }),
    }
}

fn authorities(tls: &Tls) -> Result<Option<Certificate>, config::Error> {
    match &tls.ca_file {
        Some(path) => Ok(Some(Certificate::from_pem(read_pem("grpc.tls.ca_file", path)?))),
        None => Ok(None),
    }
}

/// For serving; `None` serves in clear text.
pub(super) fn server(tls: &Tls) -> Result<Option<ServerTlsConfig>, config::Error> {
    let Some(identity) = identity(tls)? else { return Ok(None) };
    let config = ServerTlsConfig::new().identity(identity);
    let config = match authorities(tls)? {
        Some(ca) => config.client_ca_root(ca).client_auth_optional(!tls.require_client),
        None if tls.require_client => {
            return Err(config::Error::Missing { key: "grpc.tls.ca_file" });
        }
        None => config,
    };
    Ok(Some(config))
}

/// For calling a peer at an `https` address by its name.
pub(super) fn client(tls: &Tls, name: &str) -> Result<ClientTlsConfig, config::Error> {
    let config = ClientTlsConfig::new().domain_name(name);
    let config = match authorities(tls)? {
        Some(ca) => config.ca_certificate(ca),
        None => config.with_native_roots(),
    };
    Ok(match identity(tls)? {
        Some(identity) => config.identity(identity),
        None => config,
    })
}
