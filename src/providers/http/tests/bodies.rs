//! Bodies that are too large, too slow, packed, or packed to burst.

use std::io::Write;

use super::*;

fn packed(encoding: &str, bytes: &[u8]) -> Vec<u8> {
    match encoding {
        "gzip" => {
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        _ => zstd::stream::encode_all(bytes, 1).unwrap(),
    }
}

#[tokio::test]
async fn packed_answers_are_unpacked() {
    for encoding in ["gzip", "zstd"] {
        let header = format!("content-encoding: {encoding}\r\n");
        let body = packed(encoding, b"[1,2,3]");
        let server = Server::saying(vec![answer("200 OK", &header, body)]).await;
        let got = api(&server.url).get(&[]).send().await.unwrap();
        assert_eq!(got.json::<Vec<u8>>().unwrap(), [1, 2, 3], "{encoding}");
    }
}

#[tokio::test]
async fn a_bomb_is_put_out_while_it_is_unpacked() {
    let zeros = vec![b'0'; 100 << 20];
    for encoding in ["gzip", "zstd"] {
        let header = format!("content-encoding: {encoding}\r\n");
        let bomb = packed(encoding, &zeros);
        assert!(bomb.len() < 1 << 20, "{encoding}: {} bytes", bomb.len());
        let server = Server::saying(vec![answer("200 OK", &header, bomb)]).await;
        let api = api(&server.url);
        let text = refusal(&api).await;
        assert!(text.contains("more than fits"), "{encoding}: {text}");
        assert_eq!(server.count(), 1, "another try brings the same");
    }
}

#[tokio::test]
async fn a_bomb_in_an_error_is_put_out_too() {
    let header = "content-encoding: gzip\r\n";
    let bomb = packed("gzip", &vec![b'0'; 40 << 20]);
    let server = Server::saying(vec![answer("403 No", header, bomb)]).await;
    let text = refusal(&api(&server.url)).await;
    assert!(text.contains("more than fits"), "{text}");
}

#[tokio::test]
async fn a_page_of_100_mb_is_not_read() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 104857600\r\n\r\n".as_bytes();
    let part = vec![b'0'; 1 << 20];
    let server = Server::always(Reply::Repeats(head.to_vec(), part, Duration::ZERO)).await;
    let text = refusal(&api(&server.url)).await;
    assert!(text.contains("more than fits"), "{text}");
    // It says beforehand how much it is: what it sent lies in sockets' buffers.
    assert!(server.sent_bytes() < 16 << 20, "{}", server.sent_bytes());
}

#[tokio::test]
async fn a_page_without_end_is_cut_at_the_cap() {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".as_bytes();
    let mut part = b"100000\r\n".to_vec();
    part.resize(part.len() + (1 << 20), b'0');
    part.extend_from_slice(b"\r\n");
    let server = Server::always(Reply::Repeats(head.to_vec(), part, Duration::ZERO)).await;
    let text = refusal(&api(&server.url)).await;
    assert!(text.contains("more than fits"), "{text}");
    assert!(server.sent_bytes() < 64 << 20, "{}", server.sent_bytes());
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn a_body_that_trickles_is_given_up() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n".as_bytes();
    let slow = Reply::Repeats(head.to_vec(), b"0".to_vec(), Duration::from_millis(2));
    let server = Server::always(slow).await;
    let timing = Timing {
        grace: Duration::from_millis(50),
        ..QUICK
    };
    let began = Instant::now();
    let text = refusal(&patient(api(&server.url), timing)).await;
    assert!(text.contains("slower than 1000 bytes a second"), "{text}");
    assert!(began.elapsed() < Timing::USUAL.attempt);
}

#[tokio::test]
async fn a_packed_body_that_is_damaged_is_an_error_not_half_a_page() {
    for encoding in ["gzip", "zstd"] {
        let header = format!("content-encoding: {encoding}\r\n");
        let whole = packed(encoding, b"[1,2,3,4,5,6,7,8,9]");
        let cut = &whole[..whole.len() - 6];
        let server = Server::saying(vec![answer("200 OK", &header, cut)]).await;
        let text = refusal(&api(&server.url)).await;
        assert!(text.contains("broke off"), "{encoding}: {text}");
        let garbage = answer("200 OK", &header, "canary-5f3a9d");
        let server = Server::saying(vec![garbage]).await;
        refusal(&api(&server.url)).await;
    }
}
