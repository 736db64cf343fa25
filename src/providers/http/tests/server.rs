//! A server of plain bytes, which can do what no library for servers would.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use url::Url;

/// One request that came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The request line and the headers.
    pub head: String,
    pub body: String,
    pub at: Instant,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1);
        lines.find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// What stands between the method and the version.
    pub fn target(&self) -> &str {
        self.head.split(' ').nth(1).expect("a request line")
    }
}

/// What the server does with a request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Sends this and closes.
    Says(Vec<u8>),
    /// Sends this and resets the connection.
    Resets(Vec<u8>),
    /// Sends this, then nothing more until the client goes.
    Hangs(Vec<u8>),
    /// Sends the first, then the second over and over with a pause between, until the client goes.
    Repeats(Vec<u8>, Vec<u8>, Duration),
    /// Waits, sends this and closes.
    Waits(Duration, Vec<u8>),
    /// Waits until it is told to go on, sends this and closes.
    WaitsFor(Arc<Notify>, Vec<u8>),
}

#[derive(Debug, Default)]
struct Record {
    asked: Mutex<Vec<Asked>>,
    sent_bytes: AtomicU64,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
}

/// One request a connection; it ends with the test's runtime.
#[derive(Clone)]
pub struct Server {
    /// `http://127.0.0.1:<port>/api/`
    pub url: Url,
    record: Arc<Record>,
}

impl Server {
    /// Answers the n-th request (from 0) as the function says.
    pub async fn start(replies: impl Fn(usize, &Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/api/", listener.local_addr().unwrap())).unwrap();
        let record = Arc::new(Record::default());
        let server = Self {
            url,
            record: Arc::clone(&record),
        };
        let replies = Arc::new(replies);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (record, replies) = (Arc::clone(&record), Arc::clone(&replies));
                tokio::spawn(async move { serve(stream, &record, replies.as_ref()).await });
            }
        });
        server
    }

    /// Gives these answers one after the other, and the last one from then on.
    pub async fn saying(answers: Vec<Vec<u8>>) -> Self {
        let last = answers.len() - 1;
        Self::start(move |number, _| Reply::Says(answers[number.min(last)].clone())).await
    }

    /// Does the same with every request.
    pub async fn always(reply: Reply) -> Self {
        Self::start(move |_, _| reply.clone()).await
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.record.asked.lock().unwrap().clone()
    }

    pub fn count(&self) -> usize {
        self.asked().len()
    }

    pub fn sent_bytes(&self) -> u64 {
        self.record.sent_bytes.load(Ordering::SeqCst)
    }

    /// The most requests that were under way at one time.
    pub fn most_at_once(&self) -> usize {
        self.record.most_at_once.load(Ordering::SeqCst)
    }
}

/// Reads a request; `None` when the client goes first.
pub async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Asked> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        match stream.read(&mut buffer).await {
            Ok(read) if read > 0 => bytes.extend_from_slice(&buffer[..read]),
            _ => return None,
        }
    };
    let mut asked = Asked {
        head: String::from_utf8_lossy(&bytes[..end]).into_owned(),
        body: String::new(),
        at: Instant::now(),
    };
    let length = asked
        .header("content-length")
        .map_or(0, |length| length.parse().unwrap());
    let mut body = bytes.split_off(end);
    while body.len() < length {
        match stream.read(&mut buffer).await {
            Ok(read) if read > 0 => body.extend_from_slice(&buffer[..read]),
            _ => return None,
        }
    }
    asked.body = String::from_utf8_lossy(&body).into_owned();
    Some(asked)
}

async fn serve(
    mut stream: TcpStream,
    record: &Record,
    replies: &(impl Fn(usize, &Asked) -> Reply + Sync),
) {
    let Some(asked) = read(&mut stream).await else {
        return;
    };
    let at_once = record.at_once.fetch_add(1, Ordering::SeqCst) + 1;
    record.most_at_once.fetch_max(at_once, Ordering::SeqCst);
    let number = {
        let mut all = record.asked.lock().unwrap();
        all.push(asked.clone());
        all.len() - 1
    };
    let reply = replies(number, &asked);
    match &reply {
        Reply::Waits(pause, _) => tokio::time::sleep(*pause).await,
        Reply::WaitsFor(go_on, _) => go_on.notified().await,
        _ => {}
    }
    // Before the answer is out: whoever gets it may send the next request at once.
    record.at_once.fetch_sub(1, Ordering::SeqCst);
    match reply {
        Reply::Says(bytes) | Reply::Waits(_, bytes) | Reply::WaitsFor(_, bytes) => {
            write(&mut stream, record, &bytes).await;
        }
        Reply::Resets(bytes) => {
            write(&mut stream, record, &bytes).await;
            stream.set_zero_linger().unwrap();
        }
        Reply::Hangs(bytes) => {
            write(&mut stream, record, &bytes).await;
            // Nothing comes, so that it returns when the client goes.
            drop(stream.read(&mut [0]).await);
        }
        Reply::Repeats(first, again, pause) => {
            let mut goes_on = write(&mut stream, record, &first).await;
            while goes_on {
                tokio::time::sleep(pause).await;
                goes_on = write(&mut stream, record, &again).await;
            }
        }
    }
}

/// Whether the client took it.
async fn write(stream: &mut (impl AsyncWrite + Unpin), record: &Record, bytes: &[u8]) -> bool {
    for part in bytes.chunks(64 << 10) {
        if stream.write_all(part).await.is_err() {
            return false;
        }
        record
            .sent_bytes
            .fetch_add(part.len() as u64, Ordering::SeqCst);
    }
    stream.flush().await.is_ok()
}

/// An answer as it goes over the wire, with its length.
pub fn answer(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// A redirect to there.
pub fn moved(status: &str, location: &str) -> Vec<u8> {
    answer(status, &format!("location: {location}\r\n"), "")
}
