//! No secret in anything that can be shown.

use std::fmt::Debug;

use super::*;

#[tokio::test]
async fn nothing_that_is_shown_for_debugging_shows_a_secret() {
    let headers = format!("set-cookie: session={CANARY}\r\netag: \"{CANARY}\"\r\n");
    let body = format!("{{\"token\": \"{CANARY}\"}}");
    let server = Server::saying(vec![answer("200 OK", &headers, body)]).await;
    let memory: Arc<dyn Memory> = Arc::new(Notebook::default());
    let network = network(Addresses::All, memory);
    let secrets = [("certificateKey", CANARY), ("proxyPassword", CANARY)];
    let settings = settings(&[("proxyUser", written(CANARY))], &secrets);
    let credentials = [
        token(),
        Credential::Basic {
            user: "ada".to_owned(),
            password: CANARY.into(),
        },
        Credential::Header {
            name: "private-token",
            token: CANARY.into(),
        },
    ];
    let mut shown = Vec::new();
    let mut show = |what: &dyn Debug| shown.push(format!("{what:?} {what:#?}"));
    for credential in credentials {
        show(&credential);
        let api = connected(&network, &settings, &server.url, PROFILE, credential).unwrap();
        let call = api.get(&["x"]).query("token", CANARY).json(&CANARY);
        show(&api);
        show(&call);
        let got = call.conditional().send().await.unwrap();
        show(&got);
        // The body itself is for the provider.
        assert!(String::from_utf8_lossy(got.body()).contains(CANARY));
        show(&got.json::<Vec<u8>>().unwrap_err());
    }
    show(&network);
    show(&network.requests());
    let hash = sha2_of(CANARY);
    for text in shown {
        assert!(!text.contains(CANARY), "{text}");
        assert!(!text.contains(&hash), "a digest can be guessed: {text}");
    }
}

fn sha2_of(text: &str) -> String {
    use sha2::Digest;
    hex::encode(&sha2::Sha256::digest(text)[..8])
}

#[tokio::test]
async fn a_secret_that_servers_say_back_is_in_no_error() {
    let evil = |host: &str| format!("http://{CANARY}:{CANARY}@{host}/?{CANARY}#{CANARY}");
    let cases = [
        answer("400 No", &format!("x-error: {CANARY}\r\n"), CANARY),
        answer(
            "401 No",
            &format!("www-authenticate: Bearer {CANARY}\r\n"),
            CANARY,
        ),
        answer("403 No", "", CANARY),
        answer("404 No", "", CANARY),
        answer("429 No", &format!("retry-after: {CANARY}\r\n"), CANARY),
        answer("500 No", "", CANARY),
        moved("302 Found", &evil("git.acme.example")),
        moved("302 Found", &format!("/{CANARY}?{CANARY}")),
        answer("200 OK", "content-encoding: gzip\r\n", CANARY),
        format!("HTTP/1.1 {CANARY}\r\n\r\n").into_bytes(),
        format!("HTTP/1.1 200 OK\r\n{CANARY}\r\n\r\n").into_bytes(),
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{CANARY}\r\n").into_bytes(),
    ];
    for bytes in cases {
        let server = Server::saying(vec![bytes]).await;
        let timing = Timing {
            call: Duration::from_secs(1),
            ..QUICK
        };
        let api = patient(api(&server.url), timing);
        let call = api.get(&["things"]).query("token", CANARY);
        let error = call.send().await.unwrap_err();
        // `told` looks for the secret.
        told(&error);
        let fetch_error = crate::providers::FetchError::from(error);
        let text = format!("{} {fetch_error:?}", crate::error::chain(&fetch_error));
        assert!(!text.contains(CANARY), "{text}");
    }
}

#[tokio::test]
async fn secrets_stay_out_of_connection_errors() {
    let url = Url::parse("http://git.acme.invalid/api/").unwrap();
    let api = api(&url);
    let call = api.get(&["things"]).query("token", CANARY).json(&CANARY);
    told(&call.send().await.unwrap_err());
}
