//! Proxies.

use super::*;

fn through(proxy: &Url, url: &str, fields: &[(&'static str, FieldValue)]) -> Api {
    let mut all = vec![
        ("proxy", written(proxy.origin().ascii_serialization())),
        ("proxyUser", written("porter")),
    ];
    all.extend_from_slice(fields);
    let settings = settings(&all, &[("proxyPassword", "canary-5f3a9d-proxy")]);
    let network = network(Addresses::All, Arc::new(Forgetful));
    let url = Url::parse(url).unwrap();
    connected(&network, &settings, &url, PROFILE, token()).unwrap()
}

/// base64 of `porter:canary-5f3a9d-proxy`
const PORTER: &str = "Basic cG9ydGVyOmNhbmFyeS01ZjNhOWQtcHJveHk=";

#[tokio::test]
async fn a_proxy_is_asked_for_the_whole_address_with_its_own_credential() {
    let proxy = Server::saying(vec![answer("200 OK", "", "[1]")]).await;
    let api = through(&proxy.url, "http://git.acme.example/api/", &[]);
    let got = api.get(&["x"]).send().await.unwrap();
    assert_eq!(got.json::<Vec<u8>>().unwrap(), [1]);
    let asked = proxy.asked().remove(0);
    assert_eq!(asked.target(), "http://git.acme.example/api/x");
    assert_eq!(asked.header("host"), Some("git.acme.example"));
    assert_eq!(asked.header("proxy-authorization"), Some(PORTER));
}

#[tokio::test]
async fn a_tunnel_shows_the_proxy_nothing_but_the_host() {
    let proxy = Server::saying(vec![answer("502 Bad Gateway", "", CANARY)]).await;
    let api = through(&proxy.url, "https://git.acme.example/api/", &[]);
    let text = refusal(&api).await;
    assert!(text.contains("tunnel"), "{text}");
    let asked = proxy.asked().remove(0);
    assert!(
        asked.head.starts_with("CONNECT git.acme.example:443 "),
        "{}",
        asked.head
    );
    assert_eq!(asked.header("proxy-authorization"), Some(PORTER));
    assert!(!asked.head.contains(CANARY), "{}", asked.head);
}

#[tokio::test]
async fn a_proxy_that_refuses_us_is_named() {
    let proxy = Server::saying(vec![answer("407 No", "", CANARY)]).await;
    let api = through(&proxy.url, "http://git.acme.example/api/", &[]);
    let text = refusal(&api).await;
    assert!(text.contains("proxy"), "{text}");
    assert_eq!(proxy.count(), 1);
    let api = through(&proxy.url, "https://git.acme.example/api/", &[]);
    let text = refusal(&api).await;
    assert!(text.contains("proxy"), "{text}");
}

#[tokio::test]
async fn hosts_without_proxy_are_reached_without_it() {
    let proxy = Server::saying(vec![answer("500 Oops", "", "")]).await;
    let server = Server::saying(vec![answer("200 OK", "", "{}")]).await;
    for entry in ["127.0.0.1", "127.0.0.0/8", "*"] {
        let none = (
            "noProxy",
            FieldValue::TextList(vec![".acme.example".into(), entry.into()]),
        );
        let api = through(&proxy.url, server.url.as_str(), &[none]);
        api.get(&["x"]).send().await.unwrap();
    }
    assert_eq!(proxy.count(), 0);
    // Who is reached directly is told nothing of the proxy.
    assert!(
        server
            .asked()
            .iter()
            .all(|asked| asked.header("proxy-authorization").is_none())
    );
}

#[tokio::test]
async fn a_proxy_that_is_none_is_a_fault_of_its_key() {
    let network = network(Addresses::All, Arc::new(Forgetful));
    let url = Url::parse("https://git.acme.example/api/").unwrap();
    for text in [
        "proxy.acme.example",
        "proxy.acme.example:3128",
        "socks5://proxy.acme.example",
        "http://porter:canary-5f3a9d@proxy.acme.example",
    ] {
        let settings = settings(&[("proxy", written(text))], &[]);
        let refused = connected(&network, &settings, &url, PROFILE, token());
        let error = refused.map(drop).unwrap_err();
        assert_eq!(error.faults[0].key, "proxy", "{text}");
        assert!(!format!("{error:?}").contains(CANARY), "{text}");
    }
}
