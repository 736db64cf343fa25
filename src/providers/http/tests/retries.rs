//! Servers that fail, go away, or never answer.

use super::*;

/// Attempts of one request, the first included.
const ATTEMPTS: usize = 5;

#[tokio::test]
async fn a_server_that_fails_is_asked_again() {
    let server = Server::saying(vec![
        answer("500 Oops", "", ""),
        answer("502 Bad Gateway", "content-type: text/html\r\n", "<html>"),
        answer("408 Request Timeout", "", ""),
        answer("200 OK", "", "{}"),
    ])
    .await;
    let api = api(&server.url);
    assert!(api.get(&[]).send().await.is_ok());
    assert_eq!(outcomes(&api), [("ok", 1), ("server_failed", 3)]);
}

#[tokio::test]
async fn a_server_that_goes_on_failing_is_left_alone_with_its_reason() {
    for (status, says) in [("500 Oops", "status 500"), ("502 Bad", "status 502")] {
        let server = Server::saying(vec![answer(status, "", "<html>canary-5f3a9d")]).await;
        let text = refusal(&api(&server.url)).await;
        assert!(text.contains(says), "{text}");
        assert_eq!(server.count(), ATTEMPTS);
    }
}

#[tokio::test]
async fn a_connection_that_breaks_is_tried_again() {
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"a\":".to_vec();
    let breaks = [
        Reply::Says(cut.clone()),
        Reply::Says(Vec::new()),
        Reply::Resets(cut),
        Reply::Resets(Vec::new()),
    ];
    for broken in breaks {
        let whole = answer("200 OK", "", "{\"a\":1}");
        let server = Server::start(move |number, _| match number {
            0 => broken.clone(),
            _ => Reply::Says(whole.clone()),
        })
        .await;
        let api = api(&server.url);
        let got = api.get(&[]).send().await.unwrap();
        assert_eq!(got.json::<BTreeMap<String, u8>>().unwrap()["a"], 1);
        assert_eq!(outcomes(&api), [("ok", 1), ("unanswered", 1)]);
    }
}

#[tokio::test]
async fn a_connection_that_always_breaks_is_given_up_with_its_reason() {
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"a\":".to_vec();
    for (reply, says) in [
        (Reply::Resets(cut.clone()), "broke off"),
        (Reply::Says(cut), "broke off"),
        (Reply::Resets(Vec::new()), "connection"),
    ] {
        let server = Server::always(reply).await;
        let text = refusal(&api(&server.url)).await;
        assert!(text.contains(says), "{text}");
        assert_eq!(server.count(), ATTEMPTS);
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_in_time() {
    let head = b"HTTP/1.1 200 OK\r\nx-".to_vec();
    let body = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n".to_vec();
    for reply in [
        Reply::Hangs(Vec::new()),
        Reply::Hangs(head.clone()),
        // A header that trickles in for ever.
        Reply::Repeats(head, b"a".to_vec(), Duration::from_millis(5)),
        Reply::Hangs(body),
    ] {
        let server = Server::always(reply).await;
        let timing = Timing {
            attempt: Duration::from_millis(60),
            ..QUICK
        };
        let api = patient(api(&server.url), timing);
        let began = Instant::now();
        let text = refusal(&api).await;
        // On a busy machine the time may be over before the head is there.
        let is_told = ["does not answer", "takes too long"]
            .iter()
            .any(|says| text.contains(says));
        assert!(is_told, "{text}");
        assert_eq!(outcomes(&api), [("unanswered", ATTEMPTS as u64)]);
        assert!(began.elapsed() < Timing::USUAL.attempt);
    }
}

#[tokio::test]
async fn a_call_ends_by_its_deadline_whatever_its_attempts_would_take() {
    let server = Server::always(Reply::Hangs(Vec::new())).await;
    let timing = Timing {
        call: Duration::from_millis(200),
        ..QUICK
    };
    let api = patient(api(&server.url), timing);
    let text = refusal(&api).await;
    assert!(text.contains("does not answer"), "{text}");
    assert_eq!(outcomes(&api), [("unanswered", 1)]);
}

#[tokio::test]
async fn a_call_that_gets_no_turn_ends_by_its_deadline_too() {
    let server = Server::always(Reply::Hangs(Vec::new())).await;
    let api = patient(
        api_with(&server.url, profile(1, None), token()),
        Timing::USUAL,
    );
    let first = tokio::spawn({
        let api = api.clone();
        async move { api.get(&["first"]).send().await.map(drop) }
    });
    while server.count() == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let timing = Timing {
        call: Duration::from_millis(100),
        ..QUICK
    };
    let text = refusal(&patient(api, timing)).await;
    assert!(text.contains("/api/things"), "{text}");
    assert_eq!(server.count(), 1, "the second one never left");
    first.abort();
}

#[tokio::test]
async fn a_host_that_fails_is_not_stormed() {
    let server = Server::saying(vec![answer("500 Oops", "", "")]).await;
    let api = api(&server.url);
    for _ in 0..40 {
        refusal(&api).await;
    }
    // 10 retries at once and a tenth of the 40 requests (design, section 5).
    let retries = server.count() - 40;
    assert!((10..=14).contains(&retries), "{retries} retries");
}

#[tokio::test]
async fn nobody_there_is_a_reason() {
    // A port that was free a moment ago.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("http://{}/api/", gone.local_addr().unwrap())).unwrap();
    drop(gone);
    let text = refusal(&api(&url)).await;
    assert!(text.contains("onnect"), "{text}");

    // A name that is kept for tests never resolves (RFC 6761).
    let url = Url::parse("http://git.acme.invalid/api/").unwrap();
    let text = refusal(&api(&url)).await;
    assert!(
        text.contains("git.acme.invalid") && text.contains("dns error"),
        "{text}"
    );
}

#[tokio::test]
async fn what_is_no_http_is_told() {
    let server = Server::saying(vec![b"SSH-2.0-OpenSSH_9.9\r\n\r\n".to_vec()]).await;
    let text = refusal(&api(&server.url)).await;
    assert!(text.contains("HTTP"), "{text}");
}
