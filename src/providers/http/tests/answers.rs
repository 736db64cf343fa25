//! What is asked, and what answers that are no answer say.

use super::*;

#[tokio::test]
async fn a_request_says_who_asks_and_what_for() {
    let server = Server::saying(vec![answer("200 OK", "", "[1,2]")]).await;
    let got = api(&server.url)
        .get(&["repos", "a/b c?x=y#z%2e"])
        .query("since", "2026-01-01T00:00:00Z")
        .send()
        .await
        .unwrap();
    assert_eq!(got.json::<Vec<u8>>().unwrap(), [1, 2]);
    let asked = server.asked().remove(0);
    assert_eq!(
        asked.target(),
        "/api/repos/a%2Fb%20c%3Fx=y%23z%252e?since=2026-01-01T00%3A00%3A00Z"
    );
    assert_eq!(
        asked.header("user-agent"),
        Some(concat!("pelorus/", env!("CARGO_PKG_VERSION")))
    );
    assert_eq!(asked.header("accept"), Some("application/json"));
    assert_eq!(
        asked.header("authorization"),
        Some(format!("Bearer {CANARY}").as_str())
    );
    let packed = asked.header("accept-encoding").unwrap();
    assert!(
        packed.contains("gzip") && packed.contains("zstd"),
        "{packed}"
    );
}

#[tokio::test]
async fn headers_may_be_written_as_vendors_write_them() {
    let server = Server::saying(vec![answer("200 OK", "", "{}")]).await;
    let profile = Profile {
        headers: &[("X-GitHub-Api-Version", "2022-11-28")],
        ..PROFILE
    };
    let credential = Credential::Header {
        name: "PRIVATE-TOKEN",
        token: SecretString::from(CANARY),
    };
    let api = api_with(&server.url, profile, credential);
    let call = api.get(&[]).header("X-Trace", "on");
    call.send().await.unwrap();
    let asked = server.asked().remove(0);
    assert_eq!(asked.header("private-token"), Some(CANARY));
    assert_eq!(asked.header("x-github-api-version"), Some("2022-11-28"));
    assert_eq!(asked.header("x-trace"), Some("on"));
}

#[tokio::test]
async fn errors_name_the_thing_and_never_the_secret_or_the_query() {
    let cases = [
        ("401 No", "", CANARY, "refused the credentials"),
        (
            "403 No",
            "x-accepted-github-permissions: contents=read\r\n",
            "",
            "it needs the permission contents=read",
        ),
        (
            "403 No",
            "x-accepted-oauth-scopes: repo\r\n",
            "",
            "it needs one of the scopes repo",
        ),
        ("404 No", "", "", "is not there, or hidden"),
        ("410 No", "", "", "is not there, or hidden"),
        ("422 No", "", "", "status 422"),
        ("501 No", "", "<html>", "status 501"),
        ("429 No", "retry-after: 3600\r\n", "", "asks to wait until"),
        ("200 OK", "", "<html>canary-5f3a9d", "web page"),
        ("200 OK", "", "[1,2", "cut off"),
        ("200 OK", "", "", "cut off"),
        ("200 OK", "", "null", "another shape"),
        ("200 OK", "", "{\"a\": \"canary-5f3a9d\"}", "another shape"),
        ("200 OK", "", "[1,\"canary-5f3a9d\"]", "another shape"),
        ("200 OK", "", "[1] canary-5f3a9d", "not JSON"),
        ("200 OK", "", "canary-5f3a9d", "not JSON"),
        ("200 OK", "", "[300]", "another shape"),
    ];
    for (status, headers, body, says) in cases {
        let server = Server::saying(vec![answer(status, headers, body)]).await;
        let api = api(&server.url);
        let result = api
            .get(&["things"])
            .query("q", "confidential")
            .send()
            .await
            .and_then(|answer| answer.json::<Vec<u8>>());
        let error = result.unwrap_err();
        let text = told(&error);
        assert!(
            text.contains("/api/things") && text.contains(says),
            "{status}: {text}"
        );
        let all = format!("{text} {error:?} {api:?}");
        assert!(
            !all.contains(CANARY) && !all.contains("confidential"),
            "{all}"
        );
        assert_eq!(server.count(), 1, "{status} is not worth another try");
    }
}

#[tokio::test]
async fn json_that_is_nested_a_million_deep_or_a_number_without_end_is_refused() {
    let deep = "[".repeat(1_000_000);
    let deep_whole = format!("{deep}{}", "]".repeat(1_000_000));
    let digits = "1".repeat(10_000_000);
    for body in [deep, deep_whole, digits] {
        let server = Server::saying(vec![answer("200 OK", "", body)]).await;
        let got = api(&server.url).get(&["things"]).send().await.unwrap();
        let as_value = got.json::<Vec<serde_json::Value>>().unwrap_err();
        told(&as_value);
        // What a shape leaves out is skipped, however deep.
        told(&got.json::<Vec<u8>>().unwrap_err());
    }
}

#[tokio::test]
async fn an_address_with_a_query_or_a_user_is_no_base() {
    let network = network(Addresses::All, Arc::new(Forgetful));
    for text in [
        "https://user:canary-5f3a9d@git.acme.example/",
        "https://git.acme.example/?private_token=canary-5f3a9d",
        "https://git.acme.example/#canary-5f3a9d",
        "ftp://git.acme.example/canary-5f3a9d",
    ] {
        let url = Url::parse(text).unwrap();
        let refused = connected(&network, &settings(&[], &[]), &url, PROFILE, token());
        let faults = refused.map(drop).unwrap_err().faults;
        assert_eq!(faults[0].key, "url", "{text}");
        assert!(!faults[0].message.contains(CANARY), "{text}");
    }
}

#[tokio::test]
async fn what_an_error_names_is_short() {
    let server = Server::saying(vec![answer("404 No", "", "")]).await;
    let error = api(&server.url).get(&[&"a".repeat(5_000)]).send().await;
    let text = told(&error.unwrap_err());
    assert!(text.len() < 500 && text.contains("not there"), "{text}");
}

#[tokio::test]
async fn requests_are_counted_by_source_and_outcome() {
    let network = network(Addresses::All, Arc::new(Forgetful));
    for (name, answers) in [
        (
            "one",
            vec![answer("500 Oops", "", ""), answer("200 OK", "", "{}")],
        ),
        (
            "two",
            vec![moved("302 Found", "elsewhere"), answer("404 No", "", "")],
        ),
    ] {
        let server = Server::saying(answers).await;
        let mut settings = settings(&[], &[]);
        settings.name = name.into();
        let api = connected(&network, &settings, &server.url, PROFILE, token()).unwrap();
        drop(api.get(&["x"]).send().await);
    }
    let counted: Vec<_> = network
        .requests()
        .into_iter()
        .map(|count| {
            (
                count.source.to_string(),
                count.outcome.as_str(),
                count.requests,
            )
        })
        .collect();
    assert_eq!(
        counted,
        [
            ("one".to_owned(), "ok", 1),
            ("one".to_owned(), "server_failed", 1),
            ("two".to_owned(), "redirected", 1),
            ("two".to_owned(), "refused", 1),
        ]
    );
}
