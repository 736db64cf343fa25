//! Clients: one for each way of connecting, each with its pool of connections per origin (HTTP/2 where offered).

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Certificate, Client, Identity, NoProxy, Proxy};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use url::Url;

use super::Addresses;
use super::addresses::Resolver;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const IDLE_TIMEOUT: Duration = Duration::from_secs(90);

/// How a source is connected to.
#[derive(Clone, Debug, Default)]
pub(super) struct Connection {
    /// A PEM file of certificates that are trusted beside the system's.
    pub(super) ca_file: Option<PathBuf>,
    /// A PEM file of the certificate that we show.
    pub(super) certificate_file: Option<PathBuf>,
    /// Its key, PEM.
    pub(super) certificate_key: Option<SecretString>,
    /// Trusts every certificate.
    pub(super) skips_verification: bool,
    pub(super) proxy: Option<Url>,
    pub(super) proxy_user: Option<String>,
    pub(super) proxy_password: Option<SecretString>,
    /// Hosts that are reached without the proxy, as in `NO_PROXY`.
    pub(super) no_proxy: Vec<String>,
}

/// Why there is no client: the connection's settings or their files.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    #[error("cannot read `{key}`")]
    File {
        key: &'static str,
        #[source]
        source: std::io::Error,
    },
    #[error("`{key}` {message}")]
    Unusable {
        key: &'static str,
        message: &'static str,
    },
}

#[derive(Debug, Default)]
pub(super) struct Clients(Mutex<HashMap<[u8; 32], Client>>);

impl Clients {
    /// The client for that way of connecting; its files are read when it is made.
    pub(super) fn client(
        &self,
        connection: &Connection,
        addresses: Addresses,
    ) -> Result<Client, ClientError> {
        let key = connection.fingerprint();
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&key) {
            return Ok(client.clone());
        }
        let client = connection.build(addresses)?;
        clients.insert(key, client.clone());
        Ok(client)
    }
}

impl Connection {
    fn fingerprint(&self) -> [u8; 32] {
        let secret = |secret: &Option<SecretString>| {
            secret
                .as_ref()
                .map(|secret| secret.expose_secret().to_owned())
        };
        let mut digest = Sha256::new();
        // The digest is all that leaves this function.
        digest.update(format!(
            "{:?}\n{:?}\n{:?}\n{}\n{:?}\n{:?}\n{:?}\n{:?}",
            self.ca_file,
            self.certificate_file,
            secret(&self.certificate_key),
            self.skips_verification,
            self.proxy,
            self.proxy_user,
            secret(&self.proxy_password),
            self.no_proxy,
        ));
        digest.finalize().into()
    }

    fn build(&self, addresses: Addresses) -> Result<Client, ClientError> {
        install_crypto();
        let mut builder = Client::builder()
            .user_agent(concat!("pelorus/", env!("CARGO_PKG_VERSION")))
            // Redirects are followed by `send`, which looks at every hop.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .http2_adaptive_window(true)
            .http2_keep_alive_interval(Duration::from_secs(30))
            .dns_resolver(Resolver(addresses));
        if let Some(path) = &self.ca_file {
            let pem = read("caFile", path)?;
            let certificates = Certificate::from_pem_bundle(&pem).unwrap_or_default(); // None is told below.
            if certificates.is_empty() {
                return Err(unusable("caFile", "holds no certificate in PEM form"));
            }
            builder = builder.tls_certs_merge(certificates);
        }
        if let Some(path) = &self.certificate_file {
            let mut pem = read("certificateFile", path)?;
            if let Some(key) = &self.certificate_key {
                pem.push(b'\n');
                pem.extend_from_slice(key.expose_secret().as_bytes());
            }
            // The error's text may quote the key.
            let identity = Identity::from_pem(&pem).map_err(|_| {
                unusable(
                    "certificateFile",
                    "and `certificateKey` make no certificate with its key, both in PEM form",
                )
            })?;
            builder = builder.identity(identity);
        }
        if self.skips_verification {
            builder = builder.tls_danger_accept_invalid_certs(true);
        }
        builder = match &self.proxy {
            Some(proxy) => builder.proxy(self.through(proxy)?),
            // The plugin's environment is empty or Grafana's own; the command line's is its user's.
            None if addresses == Addresses::Remote => builder.no_proxy(),
            None => builder,
        };
        builder.build().map_err(|_| {
            unusable(
                "caFile",
                "or `certificateFile` are refused by the TLS library",
            )
        })
    }

    fn through(&self, proxy: &Url) -> Result<Proxy, ClientError> {
        let mut through =
            Proxy::all(proxy.clone()).map_err(|_| unusable("proxy", "is no proxy's address"))?;
        if let Some(user) = &self.proxy_user {
            let password = self
                .proxy_password
                .as_ref()
                .map_or("", |password| password.expose_secret());
            through = through.basic_auth(user, password);
        }
        Ok(through.no_proxy(NoProxy::from_string(&self.no_proxy.join(","))))
    }
}

fn read(key: &'static str, path: &PathBuf) -> Result<Vec<u8>, ClientError> {
    std::fs::read(path).map_err(|source| ClientError::File { key, source })
}

fn unusable(key: &'static str, message: &'static str) -> ClientError {
    ClientError::Unusable { key, message }
}

/// Makes ring the process' one source of cryptography.
fn install_crypto() {
    // It fails where one is installed already, which is what we want.
    drop(rustls::crypto::ring::default_provider().install_default());
}
