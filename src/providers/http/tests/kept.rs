//! Answers that are kept with their ETag.

use super::*;

const TAGGED: &str = "etag: \"one\"\r\nx-next-page: 2\r\nx-total: 7\r\nlink: <https://x.example/?page=2>; rel=\"next\"\r\n";

/// A source of a process that starts anew each time, with what was kept.
fn restarted(memory: &Arc<Notebook>, url: &Url, credential: Credential) -> Api {
    let memory = Arc::clone(memory) as Arc<dyn Memory>;
    let network = network(Addresses::All, memory);
    connected(&network, &settings(&[], &[]), url, PROFILE, credential).unwrap()
}

/// Says `304` to whoever has the tag, and the body to all others.
async fn tagged(headers: &'static str, body: &'static str) -> Server {
    Server::start(move |_, asked| {
        Reply::Says(match asked.header("if-none-match") {
            Some("\"one\"") => answer("304 Not Modified", "etag: \"one\"\r\n", ""),
            _ => answer("200 OK", headers, body),
        })
    })
    .await
}

#[tokio::test]
async fn what_did_not_change_is_not_sent_again_also_after_a_restart() {
    let memory = Arc::new(Notebook::default());
    let server = tagged(TAGGED, "[1]").await;
    let mut got = Vec::new();
    for _ in 0..2 {
        let api = restarted(&memory, &server.url, token());
        got.push(api.get(&["x"]).conditional().send().await.unwrap());
    }
    let [first, second] = &got[..] else { panic!() };
    assert!(!first.is_unchanged() && second.is_unchanged());
    assert_eq!(second.body(), b"[1]");
    assert_eq!(second.status(), 200);
    assert_eq!(second.next(), first.next());
    // Pages go on from a kept page, however the vendor tells of the next one.
    assert_eq!(second.header("x-next-page"), Some("2"));
    assert_eq!(second.header("x-total"), Some("7"));
    let asked = server.asked();
    assert_eq!(asked[0].header("if-none-match"), None);
    assert_eq!(asked[1].header("if-none-match"), Some("\"one\""));
}

#[tokio::test]
async fn a_date_stands_in_for_a_tag() {
    const DATED: &str = "last-modified: Wed, 25 Nov 2026 12:02:00 GMT\r\n";
    let memory = Arc::new(Notebook::default());
    let server = Server::saying(vec![
        answer("200 OK", DATED, "[1]"),
        answer("304 Not Modified", "", ""),
    ])
    .await;
    let api = restarted(&memory, &server.url, token());
    api.get(&["x"]).conditional().send().await.unwrap();
    let second = api.get(&["x"]).conditional().send().await.unwrap();
    assert_eq!(second.body(), b"[1]");
    assert_eq!(
        server.asked()[1].header("if-modified-since"),
        Some("Wed, 25 Nov 2026 12:02:00 GMT")
    );
    assert_eq!(outcomes(&api), [("ok", 1), ("unchanged", 1)]);
}

#[tokio::test]
async fn what_one_credential_got_another_does_not_get() {
    let memory = Arc::new(Notebook::default());
    let server = tagged(TAGGED, "[1]").await;
    let others = [
        Credential::None,
        Credential::Token {
            scheme: "Bearer",
            token: "another".into(),
        },
        Credential::Basic {
            user: "ada".to_owned(),
            password: CANARY.into(),
        },
    ];
    for credential in std::iter::once(token()).chain(others) {
        let api = restarted(&memory, &server.url, credential);
        let got = api.get(&["x"]).conditional().send().await.unwrap();
        assert!(!got.is_unchanged());
    }
    assert!(
        server
            .asked()
            .iter()
            .all(|asked| asked.header("if-none-match").is_none())
    );
}

#[tokio::test]
async fn what_was_asked_for_in_another_form_is_another_answer() {
    let memory = Arc::new(Notebook::default());
    let server = tagged(TAGGED, "[1]").await;
    let api = restarted(&memory, &server.url, token());
    api.get(&["x"]).conditional().send().await.unwrap();
    for call in [
        api.get(&["x"]).header("accept", "application/xml"),
        api.get(&["x"]).query("page", 2),
        api.post(&["x"]).json(&"query one"),
        api.post(&["x"]).json(&"query two"),
    ] {
        assert!(!call.conditional().send().await.unwrap().is_unchanged());
    }
    let newer = Profile {
        headers: &[("x-github-api-version", "2099-01-01")],
        ..PROFILE
    };
    let network = network(Addresses::All, Arc::clone(&memory) as Arc<dyn Memory>);
    let api = connected(&network, &settings(&[], &[]), &server.url, newer, token()).unwrap();
    assert!(
        !api.get(&["x"])
            .conditional()
            .send()
            .await
            .unwrap()
            .is_unchanged()
    );
}

#[tokio::test]
async fn what_is_not_whole_or_too_large_is_not_kept() {
    let large = format!("[\"{}\"]", "a".repeat(5 << 20));
    for body in ["[1, 2", "<html>", "", large.as_str()] {
        let memory = Arc::new(Notebook::default());
        let server = Server::saying(vec![
            answer("200 OK", TAGGED, body),
            answer("200 OK", TAGGED, "[1, 2]"),
        ])
        .await;
        for _ in 0..2 {
            let api = restarted(&memory, &server.url, token());
            drop(api.get(&["x"]).conditional().send().await.unwrap());
        }
        assert_eq!(server.asked()[1].header("if-none-match"), None);
    }
}

#[tokio::test]
async fn what_was_kept_and_is_damaged_is_asked_for_anew() {
    let bomb = {
        let plain = [b"{\"headers\":[]}\n".as_slice(), &vec![b' '; 64 << 20]].concat();
        zstd::stream::encode_all(plain.as_slice(), 1).unwrap()
    };
    for damaged in [Vec::new(), b"garbage".to_vec(), bomb] {
        let memory = Arc::new(Notebook::default());
        let server = tagged(TAGGED, "[1]").await;
        let api = restarted(&memory, &server.url, token());
        api.get(&["x"]).conditional().send().await.unwrap();
        for value in memory.0.lock().unwrap().values_mut() {
            value.clone_from(&damaged);
        }
        let got = api.get(&["x"]).conditional().send().await.unwrap();
        assert!(!got.is_unchanged());
        assert_eq!(got.body(), b"[1]");
        // It is mended, too.
        let got = api.get(&["x"]).conditional().send().await.unwrap();
        assert!(got.is_unchanged());
    }
}

#[tokio::test]
async fn nothing_new_that_nobody_asked_about_is_no_answer() {
    let server = Server::saying(vec![answer("304 Not Modified", "", "")]).await;
    let text = refusal(&api(&server.url)).await;
    assert!(text.contains("304"), "{text}");
}

#[tokio::test]
async fn what_is_kept_tells_no_credential() {
    let memory = Arc::new(Notebook::default());
    let headers =
        "etag: \"one\"\r\nset-cookie: session=canary-5f3a9d\r\nx-csrf-token: canary-5f3a9d\r\n";
    let server = Server::saying(vec![answer("200 OK", headers, "[1]")]).await;
    let api = restarted(&memory, &server.url, token());
    api.get(&["x"])
        .query("token", CANARY)
        .conditional()
        .send()
        .await
        .unwrap();
    let kept = memory.0.lock().unwrap();
    assert_eq!(kept.len(), 1);
    for (key, value) in kept.iter() {
        let plain = zstd::stream::decode_all(value.as_slice()).unwrap();
        let all = format!("{key} {}", String::from_utf8_lossy(&plain));
        assert!(!all.contains(CANARY), "{all}");
    }
}
