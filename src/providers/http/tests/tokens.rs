//! Tokens that run out, are refused, or cannot be carried.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt;
use futures::future::BoxFuture;

use super::*;

/// Has `token-1`, `token-2` … one after the other, each when the one before was refused.
#[derive(Default)]
struct Mint {
    renewals: AtomicUsize,
}

impl Renew for Mint {
    fn identity(&self) -> String {
        "installation 7".to_owned()
    }

    fn token(&self, is_refused: bool) -> BoxFuture<'_, Result<SecretString, HttpError>> {
        if is_refused {
            self.renewals.fetch_add(1, Ordering::SeqCst);
        }
        let number = self.renewals.load(Ordering::SeqCst) + 1;
        async move { Ok(SecretString::from(format!("{CANARY}-{number}"))) }.boxed()
    }
}

fn minting(url: &Url) -> (Arc<Mint>, Api) {
    let mint = Arc::new(Mint::default());
    let credential = Credential::Renewed(Arc::clone(&mint) as Arc<dyn Renew>);
    (mint, api_with(url, PROFILE, credential))
}

#[tokio::test]
async fn a_token_that_ran_out_is_renewed_once() {
    let server = Server::saying(vec![
        answer("401 No", "", ""),
        // What fails after it is no reason for yet another token.
        answer("500 Oops", "", ""),
        answer("500 Oops", "", ""),
        answer("200 OK", "", "{}"),
    ])
    .await;
    let (mint, api) = minting(&server.url);
    api.get(&["things"]).send().await.unwrap();
    let shown: Vec<_> = server
        .asked()
        .iter()
        .map(|asked| asked.header("authorization").unwrap().to_owned())
        .collect();
    let bearer = |number| format!("Bearer {CANARY}-{number}");
    assert_eq!(shown, [bearer(1), bearer(2), bearer(2), bearer(2)]);
    assert_eq!(mint.renewals.load(Ordering::SeqCst), 1);
    assert_eq!(
        outcomes(&api),
        [("ok", 1), ("refused", 1), ("server_failed", 2)]
    );
}

#[tokio::test]
async fn a_token_that_is_refused_twice_is_refused() {
    let server = Server::saying(vec![answer("401 No", "", CANARY)]).await;
    let (mint, api) = minting(&server.url);
    let text = refusal(&api).await;
    assert!(text.contains("refused the credentials"), "{text}");
    assert_eq!(server.count(), 2);
    assert_eq!(mint.renewals.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_token_that_another_origin_refuses_is_not_renewed() {
    let other = Server::saying(vec![answer("401 No", "", "")]).await;
    let server = Server::saying(vec![moved("302 Found", other.url.as_str())]).await;
    let (mint, api) = minting(&server.url);
    let text = refusal(&api).await;
    assert!(text.contains("refused the credentials"), "{text}");
    assert_eq!((server.count(), other.count()), (1, 1));
    assert_eq!(mint.renewals.load(Ordering::SeqCst), 0);
}

/// Never has a token.
struct Stuck;

impl Renew for Stuck {
    fn identity(&self) -> String {
        "stuck".to_owned()
    }

    fn token(&self, _: bool) -> BoxFuture<'_, Result<SecretString, HttpError>> {
        futures::future::pending().boxed()
    }
}

/// Has one that cannot be sent.
struct Broken;

impl Renew for Broken {
    fn identity(&self) -> String {
        "broken".to_owned()
    }

    fn token(&self, _: bool) -> BoxFuture<'_, Result<SecretString, HttpError>> {
        async { Ok(SecretString::from(format!("{CANARY}\r\nx-evil: 1"))) }.boxed()
    }
}

#[tokio::test]
async fn a_token_that_does_not_come_or_cannot_be_sent_is_an_error_in_time() {
    let server = Server::saying(vec![answer("200 OK", "", "{}")]).await;
    let timing = Timing {
        call: Duration::from_millis(100),
        ..QUICK
    };
    let stuck = api_with(&server.url, PROFILE, Credential::Renewed(Arc::new(Stuck)));
    let text = refusal(&patient(stuck, timing)).await;
    assert!(text.contains("token"), "{text}");
    let broken = api_with(&server.url, PROFILE, Credential::Renewed(Arc::new(Broken)));
    let text = refusal(&broken).await;
    assert!(text.contains("no header can carry"), "{text}");
    let with = api(&server.url).with_credential(Credential::Token {
        scheme: "Bearer",
        token: SecretString::from(format!("{CANARY}\n")),
    });
    let text = refusal(&with).await;
    assert!(text.contains("no header can carry"), "{text}");
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn a_secret_that_no_header_can_carry_is_a_fault_of_its_key() {
    let url = Url::parse("https://git.acme.example/api/").unwrap();
    let network = network(Addresses::All, Arc::new(Forgetful));
    for odd in ['\r', '\n', '\0', '\u{7f}', '\u{1}'] {
        for text in [
            format!("{CANARY}{odd}x-evil: 1"),
            format!("{odd}{CANARY}"),
            format!("{CANARY}{odd}"),
        ] {
            let secret = || SecretString::from(text.clone());
            let credentials = [
                Credential::Token {
                    scheme: "Bearer",
                    token: secret(),
                },
                Credential::Header {
                    name: "PRIVATE-TOKEN",
                    token: secret(),
                },
            ];
            for credential in credentials {
                let refused = connected(&network, &settings(&[], &[]), &url, PROFILE, credential);
                let error = refused.map(drop).unwrap_err();
                assert_eq!(error.faults[0].key, "token");
                let all = format!("{error} {error:?}");
                assert!(!all.contains(CANARY), "{all}");
            }
        }
    }
}

#[tokio::test]
async fn users_and_passwords_of_any_letters_are_carried() {
    let server = Server::saying(vec![answer("200 OK", "", "{}")]).await;
    let credential = Credential::Basic {
        user: "ada\r\nx-evil: 1".to_owned(),
        password: SecretString::from("pässword\n"),
    };
    api_with(&server.url, PROFILE, credential)
        .get(&[])
        .send()
        .await
        .unwrap();
    let asked = server.asked().remove(0);
    assert_eq!(asked.header("x-evil"), None);
    assert_eq!(
        asked.header("authorization"),
        Some("Basic YWRhDQp4LWV2aWw6IDE6cMOkc3N3b3JkCg==")
    );
}
