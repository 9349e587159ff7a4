//! Connections over TLS that trust the server's CA certificate alone.

use std::io::{Error, Result};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::crypto::ring::default_provider;
use rustls::pki_types::{pem::PemObject, CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::server::Server;

/// Connect to `host`, a name or address with a port.
pub fn connect(server: &Server, host: &str) -> Result<StreamOwned<ClientConnection, TcpStream>> {
    let (name, _port) = host.rsplit_once(':').unwrap_or((host, ""));
    let name = ServerName::try_from(name.trim_matches(['[', ']']).to_string()).map_err(Error::other)?;
    let client = ClientConnection::new(config(&server.ca_file)?, name).map_err(Error::other)?;
    Ok(StreamOwned::new(client, TcpStream::connect(host)?))
}

/// The settings of clients that trust the CA certificates in a PEM file.
pub fn config(ca_file: &str) -> Result<Arc<ClientConfig>> {
    let unusable = |error: &dyn std::fmt::Display| {
        Error::other(format!("cannot use the CA certificate {ca_file:?} (MOCKKMS_CACERT): {error}"))
    };
    let mut trusted = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca_file).map_err(|error| unusable(&error))? {
        let certificate = certificate.map_err(|error| unusable(&error))?;
        trusted.add(certificate).map_err(|error| unusable(&error))?;
    }
    if trusted.is_empty() {
        return Err(unusable(&"the file has none"));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(Error::other)?;
    Ok(Arc::new(config.with_root_certificates(trusted).with_no_client_auth()))
}
