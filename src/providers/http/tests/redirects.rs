//! Redirects: what is followed, where to, and with what.

use super::*;
use crate::providers::http::addresses::HOSTS;

#[tokio::test]
async fn a_redirect_within_the_origin_keeps_the_credential() {
    let server = Server::saying(vec![
        moved("301 Moved", "/api/renamed"),
        answer("200 OK", "", "[]"),
    ])
    .await;
    let api = api(&server.url);
    let got = api.get(&["x"]).send().await.unwrap();
    assert_eq!(got.url().path(), "/api/renamed");
    assert!(server.asked()[1].head.contains(CANARY));
    assert_eq!(outcomes(&api), [("ok", 1), ("redirected", 1)]);
}

#[tokio::test]
async fn a_redirect_to_another_origin_gets_no_credential_of_any_kind() {
    let secret = || SecretString::from(CANARY);
    let credentials = [
        token(),
        Credential::Basic {
            user: CANARY.to_owned(),
            password: secret(),
        },
        Credential::Header {
            name: "private-token",
            token: secret(),
        },
        Credential::Header {
            name: "circle-token",
            token: secret(),
        },
    ];
    for credential in credentials {
        let name = format!("{credential:?}");
        // Back to where it came from, as a trap: what was dropped stays dropped.
        let home = Arc::new(Mutex::new(String::new()));
        let back = Arc::clone(&home);
        let other =
            Server::start(move |_, _| Reply::Says(moved("302 Found", &back.lock().unwrap()))).await;
        let away = other.url.join("away").unwrap().to_string();
        let server = Server::start(move |number, _| {
            Reply::Says(match number {
                0 => moved("307 Moved", &away),
                _ => answer("200 OK", "", "[]"),
            })
        })
        .await;
        *home.lock().unwrap() = server.url.join("end").unwrap().to_string();
        let api = api_with(&server.url, PROFILE, credential);
        api.get(&["x"]).send().await.unwrap();
        let header = |asked: &Asked| {
            ["authorization", "private-token", "circle-token"]
                .iter()
                .any(|name| asked.header(name).is_some())
        };
        assert!(header(&server.asked()[0]), "{name}");
        assert!(
            !header(&other.asked()[0]),
            "{name}: {}",
            other.asked()[0].head
        );
        assert!(!header(&server.asked()[1]), "{name}");
        assert!(!other.asked()[0].head.contains(CANARY), "{name}");
    }
}

#[tokio::test]
async fn a_post_is_redirected_only_as_it_is_and_within_its_origin() {
    let body = "{\"secret\":\"canary-5f3a9d\"}";
    let post = |api: Api| async move {
        let secret = BTreeMap::from([("secret", CANARY)]);
        api.post(&["token"]).json(&secret).send().await
    };
    // 308: the same request, elsewhere.
    let server = Server::saying(vec![
        moved("308 Moved", "/api/new"),
        answer("200 OK", "", "{}"),
    ])
    .await;
    post(api(&server.url)).await.unwrap();
    assert!(server.asked()[1].head.starts_with("POST /api/new "));
    assert_eq!(server.asked()[1].body, body);
    // 301 to 303 would make a GET of it.
    for status in ["301 Moved", "302 Found", "303 See Other"] {
        let server = Server::saying(vec![moved(status, "/api/new")]).await;
        let text = told(&post(api(&server.url)).await.unwrap_err());
        assert!(text.contains("redirects"), "{status}: {text}");
        assert_eq!(server.count(), 1);
    }
    // What it says is for the one it was meant for.
    for status in ["307 Moved", "308 Moved"] {
        let other = Server::saying(vec![answer("200 OK", "", "{}")]).await;
        let server = Server::saying(vec![moved(status, other.url.as_str())]).await;
        let text = told(&post(api(&server.url)).await.unwrap_err());
        assert!(text.contains("redirects"), "{status}: {text}");
        assert_eq!(other.count(), 0);
    }
}

#[tokio::test]
async fn redirects_in_circles_end() {
    for status in [
        "301 Moved",
        "302 Found",
        "303 See",
        "307 Moved",
        "308 Moved",
    ] {
        let server = Server::saying(vec![moved(status, "/api/x")]).await;
        let text = refusal(&api(&server.url)).await;
        assert!(text.contains("in circles"), "{text}");
        assert!(server.count() <= 6, "{}", server.count());
    }
}

#[tokio::test]
async fn redirects_that_lead_nowhere_good_are_not_followed() {
    let cases = [
        ("", "redirects nowhere"),
        ("http://[::1", "redirects nowhere"),
        ("file:///etc/passwd", "https:// or http://"),
        ("ftp://git.acme.example/", "https:// or http://"),
        ("javascript:alert(1)", "https:// or http://"),
        (
            "http://eve:pw@git.acme.example/",
            "without user and password",
        ),
    ];
    for (location, says) in cases {
        let answer = match location {
            "" => answer("302 Found", "", ""),
            _ => moved("302 Found", location),
        };
        let server = Server::saying(vec![answer]).await;
        let text = refusal(&api(&server.url)).await;
        assert!(text.contains(says), "{location}: {text}");
        assert_eq!(server.count(), 1);
    }
}

/// Makes a name mean an address to whoever asks, whichever server is behind it.
fn named(host: &'static str, address: &str, server: &Server) -> Url {
    HOSTS.lock().unwrap().push((host, address.parse().unwrap()));
    let mut url = server.url.clone();
    url.set_host(Some(host)).unwrap();
    url
}

fn plugin(url: &Url) -> Api {
    let plugin = network(Addresses::Remote, Arc::new(Forgetful));
    connected(&plugin, &settings(&[], &[]), url, PROFILE, token()).unwrap()
}

#[tokio::test]
async fn the_plugin_follows_no_redirect_to_this_machine_or_a_clouds_metadata() {
    for location in [
        "http://127.0.0.1/latest",
        "http://localhost:3000/api/admin/settings",
        "http://[::1]/",
        "http://169.254.169.254/latest/meta-data/iam/",
        "http://2852039166/latest/meta-data/",
        "http://metadata.google.internal/computeMetadata/v1/",
        "http://[::ffff:169.254.169.254]/",
        "http://[fd00:ec2::254]/",
    ] {
        let server = Server::saying(vec![moved("302 Found", location)]).await;
        let url = named("private.acme.example", "10.0.0.5", &server);
        let text = refusal(&plugin(&url)).await;
        assert!(text.contains("allow_loopback"), "{location}: {text}");
        assert_eq!(server.count(), 1, "{location}");
    }
}

#[tokio::test]
async fn the_plugin_dials_no_name_that_means_this_machine() {
    let server = Server::saying(vec![answer("200 OK", "", "{}")]).await;
    let rebound = named("rebound.acme.example", "127.0.0.1", &server);
    for url in [
        &rebound,
        &named("mapped.acme.example", "::ffff:127.0.0.1", &server),
        &named("metadata.acme.example", "169.254.169.254", &server),
    ] {
        let api = plugin(url);
        let text = refusal(&api).await;
        assert!(text.contains("allow_loopback"), "{text}");
        assert_eq!(server.count(), 0);
        assert!(outcomes(&api).is_empty(), "nothing left");
        // Nor when a redirect says so.
        let outer = Server::saying(vec![moved("302 Found", url.as_str())]).await;
        let outer_url = named("outer.acme.example", "192.168.1.10", &outer);
        let text = refusal(&plugin(&outer_url)).await;
        assert!(text.contains("allow_loopback"), "{text}");
        assert_eq!((outer.count(), server.count()), (1, 0));
    }
    // The command line may ask its user's own machine by any name.
    api(&rebound).get(&[]).send().await.unwrap();
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn the_plugin_takes_no_address_of_this_machine() {
    let plugin = network(Addresses::Remote, Arc::new(Forgetful));
    let server = Server::saying(vec![answer("200 OK", "", "{}")]).await;
    let connect = |fields: &[(&'static str, FieldValue)], url: &str| {
        let url = Url::parse(url).unwrap();
        connected(&plugin, &settings(fields, &[]), &url, PROFILE, token())
    };
    let faults = connect(&[], server.url.as_str()).unwrap_err().faults;
    assert_eq!(faults[0].key, "url");
    assert!(faults[0].message.contains("allow_loopback"));
    let proxy = [("proxy", written("http://127.0.0.1:3128"))];
    let faults = connect(&proxy, "https://git.acme.example/api/")
        .unwrap_err()
        .faults;
    assert_eq!(faults[0].key, "proxy");
    // Nor by a base that is told later, nor by a link.
    let api = connect(&[], "https://git.acme.example/api/").unwrap();
    let text = refusal(&api.behind(server.url.clone())).await;
    assert!(text.contains("allow_loopback"), "{text}");
    let error = api.get_url(server.url.clone()).send().await.unwrap_err();
    assert!(told(&error).contains("allow_loopback"));
    assert_eq!(server.count(), 0);
}
