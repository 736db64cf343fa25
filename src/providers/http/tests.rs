//! Requests to servers on loopback that do what servers do on bad days.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use url::Url;

use super::*;
use crate::config::{FieldValue, SourceSettings};

const CANARY: &str = "canary-5f3a9d";

const PROFILE: Profile = Profile {
    accept: "application/json",
    headers: &[],
    limits: Limits {
        concurrency: 4,
        per_minute: None,
        per_hour: None,
    },
};

/// A server that gives each connection the next answer as written, then closes; it takes down what it was asked.
struct Scripted {
    url: Url,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    async fn start(answers: Vec<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/api/", listener.local_addr().unwrap())).unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut head = Vec::new();
                let mut buffer = [0; 4096];
                while !head.windows(4).any(|window| window == b"\r\n\r\n") {
                    let read = stream.read(&mut buffer).await.unwrap_or(0);
                    if read == 0 {
                        break;
                    }
                    head.extend_from_slice(&buffer[..read]);
                }
                seen.lock()
                    .unwrap()
                    .push(String::from_utf8_lossy(&head).into_owned());
                // A client that gave up closes first.
                drop(stream.write_all(&answer).await);
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn settings(fields: &[(&'static str, FieldValue)]) -> SourceSettings {
    SourceSettings {
        name: "host".into(),
        kind: "gitea",
        environment: None,
        cluster: None,
        fields: fields.iter().cloned().collect(),
        secrets: BTreeMap::new(),
    }
}

fn token() -> Credential {
    Credential::Token {
        scheme: "Bearer",
        token: SecretString::from(CANARY),
    }
}

fn api(url: &Url) -> Api {
    Api::connect(
        &Network::unused(),
        &settings(&[]),
        url.clone(),
        PROFILE,
        token(),
    )
    .unwrap()
}

fn outcomes(api: &Api) -> Vec<(&'static str, u64)> {
    api.network
        .requests()
        .into_iter()
        .map(|count| (count.outcome.as_str(), count.requests))
        .collect()
}

#[tokio::test]
async fn a_request_says_who_asks_and_what_for() {
    let server = Scripted::start(vec![answer("200 OK", "", "[1,2]")]).await;
    let api = api(&server.url);
    let got = api
        .get(&["repos", "a/b c"])
        .query("since", "2026-01-01T00:00:00Z")
        .send()
        .await
        .unwrap();
    assert_eq!(got.json::<Vec<u8>>().unwrap(), [1, 2]);
    let head = server.asked().remove(0).to_lowercase();
    assert!(
        head.starts_with("get /api/repos/a%2fb%20c?since=2026-01-01t00%3a00%3a00z http/1.1"),
        "{head}"
    );
    assert!(
        head.contains(concat!("user-agent: pelorus/", env!("CARGO_PKG_VERSION"))),
        "{head}"
    );
    assert!(
        head.contains("accept: application/json")
            && head.contains(&format!("authorization: bearer {CANARY}")),
        "{head}"
    );
}

#[tokio::test]
async fn an_answer_that_asks_to_slow_down_is_taken_and_heeded() {
    let answers = vec![
        answer("200 OK", "retry-after: 300\r\n", "[1]"),
        answer("200 OK", "", "[2]"),
    ];
    let server = Scripted::start(answers).await;
    let api = api(&server.url);
    let first = api.get(&["items"]).send().await.unwrap();
    assert_eq!(first.json::<Vec<u8>>().unwrap(), [1]);
    let second = api.get(&["items"]).send().await;
    assert!(
        matches!(second, Err(HttpError::RateLimited { .. })),
        "{second:?}"
    );
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_server_that_fails_is_asked_again() {
    let server = Scripted::start(vec![
        answer("500 Oops", "", ""),
        answer("502 Bad", "", "<html>"),
        answer("200 OK", "", "{}"),
    ])
    .await;
    let api = api(&server.url);
    assert!(api.get(&[]).send().await.is_ok());
    assert_eq!(outcomes(&api), [("ok", 1), ("server_failed", 2)]);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_asked_for_again() {
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"a\":".to_vec();
    let server = Scripted::start(vec![cut, answer("200 OK", "", "{\"a\":1}")]).await;
    let api = api(&server.url);
    let got = api.get(&[]).send().await.unwrap();
    assert_eq!(got.json::<BTreeMap<String, u8>>().unwrap()["a"], 1);
    assert_eq!(outcomes(&api), [("ok", 1), ("unanswered", 1)]);
}

#[tokio::test]
async fn what_did_not_change_is_not_sent_again() {
    let server = Scripted::start(vec![
        answer(
            "200 OK",
            "etag: \"one\"\r\nlink: <https://x.example/?page=2>; rel=\"next\"\r\n",
            "[1]",
        ),
        answer("304 Not Modified", "", ""),
    ])
    .await;
    struct Kept(Mutex<BTreeMap<String, Vec<u8>>>);
    impl Memory for Kept {
        fn recall(&self, key: &str) -> Option<Vec<u8>> {
            self.0.lock().unwrap().get(key).cloned()
        }
        fn remember(&self, key: &str, value: &[u8]) {
            self.0
                .lock()
                .unwrap()
                .insert(key.to_owned(), value.to_vec());
        }
    }
    let memory = Arc::new(Kept(Mutex::default()));
    let ask = || async {
        // A network of its own each time: as after a restart.
        let network = Network::new(
            Addresses::All,
            Clock::System,
            Arc::clone(&memory) as Arc<dyn Memory>,
        );
        let api = Api::connect(
            &network,
            &settings(&[]),
            server.url.clone(),
            PROFILE,
            token(),
        )
        .unwrap();
        api.get(&["x"]).conditional().send().await.unwrap()
    };
    let first = ask().await;
    let second = ask().await;
    assert!(!first.is_unchanged() && second.is_unchanged());
    assert_eq!(second.body(), b"[1]");
    assert_eq!(second.next(), first.next());
    assert!(
        server.asked()[1]
            .to_lowercase()
            .contains("if-none-match: \"one\"")
    );
}

#[tokio::test]
async fn a_redirect_to_another_origin_gets_no_credential() {
    let other = Scripted::start(vec![answer("200 OK", "", "[]")]).await;
    let location = format!("location: {}moved\r\n", other.url);
    let server = Scripted::start(vec![answer("301 Moved", &location, "")]).await;
    let api = api(&server.url);
    let got = api.get(&["x"]).send().await.unwrap();
    assert_eq!(got.url().as_str(), format!("{}moved", other.url));
    assert!(server.asked()[0].contains(CANARY));
    assert!(!other.asked()[0].contains(CANARY), "{}", other.asked()[0]);
}

#[tokio::test]
async fn errors_name_the_thing_and_never_the_secret_or_the_query() {
    let cases = [
        ("401 No", "", "canary-5f3a9d", "refused the credentials"),
        (
            "403 No",
            "x-accepted-github-permissions: contents=read\r\n",
            "",
            "it needs the permission contents=read",
        ),
        ("404 No", "", "", "is not there, or hidden"),
        ("422 No", "", "", "status 422"),
        ("429 No", "retry-after: 3600\r\n", "", "asks to wait until"),
        ("200 OK", "", "<html>canary-5f3a9d", "web page"),
        ("200 OK", "", "[1,2", "cut off"),
        ("200 OK", "", "{\"a\": \"canary-5f3a9d\"}", "another shape"),
    ];
    for (status, headers, body, says) in cases {
        let server = Scripted::start(vec![answer(status, headers, body)]).await;
        let api = api(&server.url);
        let result = api
            .get(&["things"])
            .query("q", "confidential")
            .send()
            .await
            .and_then(|answer| answer.json::<Vec<u8>>());
        let error = result.unwrap_err();
        let text = crate::error::chain(&error);
        assert!(
            text.contains("/api/things") && text.contains(says),
            "{status}: {text}"
        );
        let all = format!("{text} {error:?} {api:?}");
        assert!(
            !all.contains(CANARY) && !all.contains("confidential"),
            "{all}"
        );
    }
}
