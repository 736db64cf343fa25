//! Clients: one for each way of connecting, each with its pool of connections per origin (HTTP/2 where offered).

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use reqwest::{Certificate, Client, ClientBuilder, Identity, NoProxy, Proxy};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use url::Url;

use super::Addresses;
use super::addresses::Resolver;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const IDLE_TIMEOUT: Duration = Duration::from_secs(90);
/// No file of certificates is larger.
const LARGEST_FILE_BYTES: u64 = 4 << 20;

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
pub(super) struct Clients(Mutex<HashMap<[u8; 32], Made>>);

/// A client with the state of the files it was made of.
#[derive(Debug)]
struct Made {
    client: Client,
    files: Files,
}

/// When the files of a connection changed last, and how long they are: certificates are renewed under us.
type Files = [Option<(SystemTime, u64)>; 2];

impl Clients {
    /// The client for that way of connecting; it is made anew when one of its files changed.
    pub(super) fn client(
        &self,
        connection: &Connection,
        addresses: Addresses,
    ) -> Result<Client, ClientError> {
        let key = connection.fingerprint();
        let files = connection.files();
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = clients.get(&key).filter(|made| made.files == files) {
            return Ok(made.client.clone());
        }
        let client = connection.build(addresses)?;
        let made = Made {
            client: client.clone(),
            files,
        };
        clients.insert(key, made);
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

    fn files(&self) -> Files {
        [&self.ca_file, &self.certificate_file].map(|path| {
            // A file that cannot be looked at is told when it is read.
            let file = std::fs::metadata(path.as_ref()?).ok()?;
            Some((file.modified().ok()?, file.len()))
        })
    }

    fn build(&self, addresses: Addresses) -> Result<Client, ClientError> {
        install_crypto();
        match self.builder(addresses)?.build() {
            Ok(client) => Ok(client),
            Err(_) if self.certificate_file.is_some() => Err(unusable(
                "certificateFile",
                "and `certificateKey` do not belong together, or `caFile` holds what is no certificate",
            )),
            Err(_) if self.ca_file.is_some() => Err(not_certificates()),
            // A machine without any authorities' certificates can still speak http://, and https:// that is not verified.
            Err(_) => self
                .builder(addresses)?
                .tls_certs_only(Vec::new())
                .build()
                .map_err(|_| unusable("caFile", "is needed: this machine trusts nobody")),
        }
    }

    fn builder(&self, addresses: Addresses) -> Result<ClientBuilder, ClientError> {
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
                return Err(not_certificates());
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
        let goes_round = self.no_proxy.iter().any(|entry| entry == "*");
        builder = match &self.proxy {
            // The library takes it for names only.
            Some(_) if goes_round => builder.no_proxy(),
            Some(proxy) => builder.proxy(self.through(proxy)?),
            // The plugin's environment is empty or Grafana's own; the command line's is its user's.
            None if addresses == Addresses::Remote => builder.no_proxy(),
            None => builder,
        };
        Ok(builder)
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

fn read(key: &'static str, path: &Path) -> Result<Vec<u8>, ClientError> {
    let failed = |source| ClientError::File { key, source };
    let file = std::fs::metadata(path).map_err(failed)?;
    // A pipe or a device may never end.
    if !file.is_file() || file.len() > LARGEST_FILE_BYTES {
        return Err(unusable(key, "names no file of certificates"));
    }
    std::fs::read(path).map_err(failed)
}

fn not_certificates() -> ClientError {
    unusable("caFile", "holds no certificate in PEM form")
}

fn unusable(key: &'static str, message: &'static str) -> ClientError {
    ClientError::Unusable { key, message }
}

/// Makes ring the process' one source of cryptography.
fn install_crypto() {
    // It fails where one is installed already, which is what we want.
    drop(rustls::crypto::ring::default_provider().install_default());
}
