//! TLS: whom we trust, whom we refuse and why, and who we say we are.

use std::io::Write;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::*;

/// An authority that nobody knows but by its file.
struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key.
struct Identity {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn signs(&self, params: CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        Identity {
            certificate: params.signed_by(&key, &self.0).unwrap(),
            key,
        }
    }

    fn file(&self) -> NamedTempFile {
        file(&self.0.as_ref().pem())
    }
}

fn of_host(host: &str) -> CertificateParams {
    CertificateParams::new(vec![host.to_owned()]).unwrap()
}

fn file(pem: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(pem.as_bytes()).unwrap();
    file
}

fn path(file: &NamedTempFile) -> FieldValue {
    written(file.path().to_str().unwrap())
}

struct Tls {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl axum::serve::Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = self.listener.accept().await.unwrap();
            // A client that refuses us, or is refused, is no connection.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// A server with that identity that answers the version of HTTP; with an authority, it demands its certificates.
async fn serve(identity: &Identity, clients: Option<&Authority>, protocols: &[&str]) -> Url {
    let router = axum::Router::new().fallback(|request: axum::extract::Request| async move {
        axum::Json(format!("{:?}", request.version()))
    });
    serve_router(router, identity, clients, protocols).await
}

async fn serve_router(
    router: axum::Router,
    identity: &Identity,
    clients: Option<&Authority>,
    protocols: &[&str],
) -> Url {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.0.as_ref().der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let key = PrivateKeyDer::try_from(identity.key.serialize_der()).unwrap();
    let chain = vec![identity.certificate.der().clone()];
    let mut config = builder.with_single_cert(chain, key).unwrap();
    config.alpn_protocols = protocols
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "https://localhost:{}/api/",
        listener.local_addr().unwrap().port()
    );
    let tls = Tls {
        listener,
        acceptor: TlsAcceptor::from(Arc::new(config)),
    };
    tokio::spawn(async move { axum::serve(tls, router).await });
    Url::parse(&url).unwrap()
}

fn asking(
    url: &Url,
    fields: &[(&'static str, FieldValue)],
    secrets: &[(&'static str, &str)],
) -> Api {
    let network = network(Addresses::All, Arc::new(Forgetful));
    connected(&network, &settings(fields, secrets), url, PROFILE, token()).unwrap()
}

async fn version(api: &Api) -> String {
    api.get(&["version"]).send().await.unwrap().json().unwrap()
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_by_its_file_and_http_2_is_spoken_where_offered() {
    let authority = Authority::new();
    let server = authority.signs(of_host("localhost"));
    let ca_file = authority.file();
    for (offered, spoken) in [
        (&["h2", "http/1.1"][..], "HTTP/2.0"),
        (&["http/1.1"], "HTTP/1.1"),
        (&[], "HTTP/1.1"),
    ] {
        let url = serve(&server, None, offered).await;
        let api = asking(&url, &[("caFile", path(&ca_file))], &[]);
        assert_eq!(version(&api).await, spoken);
        assert!(!api.skips_verification());
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_to_be_trusted_is_told_by_its_fault() {
    let authority = Authority::new();
    let mut expired = of_host("localhost");
    expired.not_before = date_time_ymd(2019, 1, 1);
    expired.not_after = date_time_ymd(2020, 1, 1);
    let mut early = of_host("localhost");
    early.not_before = date_time_ymd(2190, 1, 1);
    let own_key = KeyPair::generate().unwrap();
    let self_signed = Identity {
        certificate: of_host("localhost").self_signed(&own_key).unwrap(),
        key: own_key,
    };
    let stranger = Authority::new().signs(of_host("localhost"));
    let ca_file = authority.file();
    for (identity, says) in [
        (authority.signs(expired), "has expired"),
        (authority.signs(early), "is not valid yet"),
        (
            authority.signs(of_host("other.acme.example")),
            "is for another host",
        ),
        (self_signed, "`caFile`"),
        (stranger, "`caFile`"),
    ] {
        let url = serve(&identity, None, &["h2"]).await;
        let api = asking(&url, &[("caFile", path(&ca_file))], &[]);
        let text = refusal(&api).await;
        assert!(
            text.contains("certificate") && text.contains(says),
            "{says}: {text}"
        );
        assert_eq!(
            outcomes(&api),
            [("unanswered", 1)],
            "{says}: no other try helps"
        );
        // Samples that are pushed are told the same.
        let pushed = api.push(http::HeaderMap::new(), Vec::new()).await;
        let text = pushed.expect_err("no answer");
        assert!(
            text.contains("certificate") && text.contains(says),
            "{says}: {text}"
        );
        // Whoever skips verification gets there, and has to be told.
        let skips = ("skipTlsVerify", FieldValue::Boolean(true));
        let api = asking(&url, &[skips], &[]);
        assert_eq!(version(&api).await, "HTTP/2.0");
        assert!(api.skips_verification());
    }
}

#[tokio::test]
async fn the_systems_authorities_do_not_know_ours() {
    let url = serve(&Authority::new().signs(of_host("localhost")), None, &[]).await;
    let text = refusal(&asking(&url, &[], &[])).await;
    assert!(text.contains("`caFile`"), "{text}");
}

#[tokio::test]
async fn a_client_certificate_is_shown_where_it_is_demanded() {
    let authority = Authority::new();
    let url = serve(
        &authority.signs(of_host("localhost")),
        Some(&authority),
        &["h2"],
    )
    .await;
    let client = authority.signs(of_host("pelorus"));
    let ca_file = authority.file();
    let ca = ("caFile", path(&ca_file));
    let (certificate, key) = (client.certificate.pem(), client.key.serialize_pem());
    // In two places, and in one file.
    let alone = file(&certificate);
    let fields = [ca.clone(), ("certificateFile", path(&alone))];
    let api = asking(&url, &fields, &[("certificateKey", &key)]);
    assert_eq!(version(&api).await, "HTTP/2.0");
    let both = file(&format!("{certificate}{key}"));
    let api = asking(&url, &[ca.clone(), ("certificateFile", path(&both))], &[]);
    assert_eq!(version(&api).await, "HTTP/2.0");
    // None, and one of somebody else.
    let text = refusal(&asking(&url, std::slice::from_ref(&ca), &[])).await;
    assert!(text.contains("`certificateFile`"), "{text}");
    let stranger = Authority::new().signs(of_host("pelorus"));
    let theirs = file(&format!(
        "{}{}",
        stranger.certificate.pem(),
        stranger.key.serialize_pem()
    ));
    let text = refusal(&asking(
        &url,
        &[ca, ("certificateFile", path(&theirs))],
        &[],
    ))
    .await;
    assert!(text.contains("`certificateFile`"), "{text}");
}

#[tokio::test]
async fn files_that_are_no_certificates_are_told_by_key_and_never_by_content() {
    let url = Url::parse("https://git.acme.example/api/").unwrap();
    let garbage = file(CANARY);
    let bad = file(&format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        "Y2FuYXJ5LTVmM2E5ZA=="
    ));
    let client = Authority::new().signs(of_host("pelorus"));
    let certificate = file(&client.certificate.pem());
    let other = KeyPair::generate().unwrap().serialize_pem();
    let missing = written("/nowhere/ca.pem");
    let cases: Vec<(&'static str, FieldValue, &str, &str)> = vec![
        ("caFile", missing.clone(), "", "cannot read `caFile`"),
        ("caFile", written("/dev/zero"), "", "`caFile`"),
        ("caFile", written("/"), "", "`caFile`"),
        (
            "caFile",
            path(&garbage),
            "",
            "`caFile` holds no certificate",
        ),
        ("caFile", path(&bad), "", "`caFile`"),
        (
            "certificateFile",
            missing,
            "",
            "cannot read `certificateFile`",
        ),
        ("certificateFile", path(&garbage), "", "`certificateFile`"),
        (
            "certificateFile",
            path(&certificate),
            "",
            "`certificateKey`",
        ),
        (
            "certificateFile",
            path(&certificate),
            CANARY,
            "`certificateKey`",
        ),
        (
            "certificateFile",
            path(&certificate),
            &other,
            "`certificateKey`",
        ),
    ];
    for (key, value, secret, says) in cases {
        let network = network(Addresses::All, Arc::new(Forgetful));
        let settings = settings(&[(key, value.clone())], &[("certificateKey", secret)]);
        let api = connected(&network, &settings, &url, PROFILE, token()).unwrap();
        let error = api.get(&[]).send().await.unwrap_err();
        let text = crate::error::chain(&error);
        assert!(
            text.contains(says) && text.contains("host"),
            "{value:?}: {text}"
        );
        assert!(!format!("{text} {error:?}").contains(CANARY), "{text}");
    }
}

#[tokio::test]
async fn files_that_change_are_read_again() {
    let (old, new) = (Authority::new(), Authority::new());
    let url = serve(&new.signs(of_host("localhost")), None, &["h2"]).await;
    let ca_file = old.file();
    let api = asking(&url, &[("caFile", path(&ca_file))], &[]);
    assert!(refusal(&api).await.contains("`caFile`"));
    // Renewed as tools do it: another file in its place, of another length.
    std::fs::write(ca_file.path(), format!("\n{}", new.0.as_ref().pem())).unwrap();
    assert_eq!(version(&api).await, "HTTP/2.0");
}

#[tokio::test]
async fn what_speaks_no_tls_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let bytes = answer("400 Bad Request", "", "this is http");
            stream.write_all(&bytes).await.unwrap();
            // What the client says is read until it goes, so that nothing resets the connection.
            drop(stream.read_to_end(&mut Vec::new()).await);
        }
    });
    let url = Url::parse(&format!("https://localhost:{port}/api/")).unwrap();
    let text = refusal(&api(&url)).await;
    assert!(text.contains("http://"), "{text}");
}

#[tokio::test]
async fn nothing_goes_from_https_back_to_http() {
    let plain = Server::saying(vec![answer("200 OK", "", "{}")]).await;
    let target = plain.url.to_string();
    let authority = Authority::new();
    let identity = authority.signs(of_host("localhost"));
    let router = axum::Router::new()
        .fallback(move || async move { axum::response::Redirect::temporary(&target) });
    let url = serve_router(router, &identity, None, &[]).await;
    let ca_file = authority.file();
    let text = refusal(&asking(&url, &[("caFile", path(&ca_file))], &[])).await;
    assert!(text.contains("from https:// to http://"), "{text}");
    assert_eq!(plain.count(), 0);
}
