//! A server on loopback that counts what it is asked, keeps to its vendor's limits, and fails on demand.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};

/// One request that came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    /// Path and query.
    pub target: String,
    pub status: u16,
    /// What it said to be let in.
    pub credential: Option<String>,
}

impl Seen {
    pub fn path(&self) -> &str {
        self.target.split('?').next().expect("a path")
    }
}

/// What the vendor allows; more is answered by its 429.
#[derive(Clone, Debug)]
pub struct Allowed {
    pub at_once: usize,
    /// Requests within a window.
    pub within: Option<(usize, Duration)>,
    /// The names of its headers for limit, remaining and reset (seconds since 1970), where it sends any.
    pub headers: Option<[&'static str; 3]>,
}

impl Default for Allowed {
    fn default() -> Self {
        Self {
            at_once: 100,
            within: None,
            headers: None,
        }
    }
}

/// What goes wrong with the next requests whose path holds a word.
#[derive(Clone, Debug)]
pub struct Fault {
    pub path_holds: &'static str,
    /// How many requests it hits.
    pub times: usize,
    pub answer: (StatusCode, Vec<(&'static str, String)>, String),
}

impl Fault {
    /// Every request whose path holds the word is refused.
    pub fn of(path_holds: &'static str, status: u16) -> Self {
        let status = StatusCode::from_u16(status).expect("a status");
        Self {
            path_holds,
            times: usize::MAX,
            answer: (status, Vec::new(), "{\"message\":\"refused\"}".to_owned()),
        }
    }

    /// Every request whose path holds the word gets a web page.
    pub fn page(path_holds: &'static str) -> Self {
        let html = "<!doctype html><title>Sign in</title>".to_owned();
        Self {
            path_holds,
            times: usize::MAX,
            answer: (
                StatusCode::OK,
                vec![("content-type", "text/html".to_owned())],
                html,
            ),
        }
    }
}

#[derive(Debug)]
struct Inner {
    seen: Mutex<Vec<Seen>>,
    faults: Mutex<Vec<Fault>>,
    sent: Mutex<VecDeque<Instant>>,
    at_once: Mutex<usize>,
    most_at_once: Mutex<usize>,
    allowed: Allowed,
}

/// A running server; it ends with the test's runtime.
#[derive(Clone)]
pub struct Server {
    /// `http://127.0.0.1:<port>`
    pub url: String,
    inner: Arc<Inner>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no test panics while it holds this")
}

impl Server {
    pub async fn start(router: Router, allowed: Allowed) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let inner = Arc::new(Inner {
            seen: Mutex::default(),
            faults: Mutex::default(),
            sent: Mutex::default(),
            at_once: Mutex::default(),
            most_at_once: Mutex::default(),
            allowed,
        });
        let router = router.layer(middleware::from_fn_with_state(Arc::clone(&inner), watch));
        tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { url, inner }
    }

    /// Everything that was asked since the start or the last `forget`.
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.inner.seen).clone()
    }

    pub fn requests(&self) -> usize {
        lock(&self.inner.seen).len()
    }

    pub fn answered_with(&self, status: u16) -> usize {
        lock(&self.inner.seen)
            .iter()
            .filter(|seen| seen.status == status)
            .count()
    }

    pub fn forget(&self) {
        lock(&self.inner.seen).clear();
    }

    /// Waits until so many requests were answered.
    pub async fn wait_for(&self, requests: usize) {
        let waiting = async {
            while self.requests() < requests {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), waiting)
            .await
            .expect("the requests come");
    }

    pub fn most_at_once(&self) -> usize {
        *lock(&self.inner.most_at_once)
    }

    pub fn fail(&self, fault: Fault) {
        lock(&self.inner.faults).push(fault);
    }

    /// Requests by method and path with numbers and hashes left out: how the cost is made up, for failures of tests.
    pub fn bill(&self) -> String {
        let mut rows: HashMap<String, usize> = HashMap::new();
        for seen in self.seen() {
            let words = seen.path().split('/').map(|word| {
                let is_name = word.chars().any(|letter| letter.is_ascii_digit());
                if is_name { "*" } else { word }
            });
            let path = words.collect::<Vec<_>>().join("/");
            *rows
                .entry(format!("{} {path} {}", seen.method, seen.status))
                .or_default() += 1;
        }
        let mut rows: Vec<_> = rows.into_iter().collect();
        rows.sort();
        rows.into_iter()
            .map(|(row, count)| format!("{count:6} {row}\n"))
            .collect()
    }
}

impl Inner {
    /// How many requests are left of the window, this one taken off; `None` when there was none left.
    fn take(&self) -> Option<usize> {
        let Some((most, window)) = self.allowed.within else {
            return Some(usize::MAX);
        };
        let mut sent = lock(&self.sent);
        let now = Instant::now();
        while sent
            .front()
            .is_some_and(|at| now.duration_since(*at) >= window)
        {
            sent.pop_front();
        }
        if sent.len() >= most {
            return None;
        }
        sent.push_back(now);
        Some(most - sent.len())
    }

    fn fault(&self, path: &str) -> Option<Fault> {
        let mut faults = lock(&self.faults);
        let fault = faults
            .iter_mut()
            .find(|fault| fault.times > 0 && path.contains(fault.path_holds))?;
        fault.times -= 1;
        Some(fault.clone())
    }
}

async fn watch(State(inner): State<Arc<Inner>>, request: Request, next: Next) -> Response {
    let method = request.method().to_string();
    let target = request.uri().to_string();
    let credential = credential(&request);
    let (_present, is_crowded) = Present::count(&inner);
    let left = inner.take();
    let mut response = match (is_crowded, left, inner.fault(request.uri().path())) {
        (true, _, _) | (_, None, _) => (
            StatusCode::TOO_MANY_REQUESTS,
            [("retry-after", "1")],
            "{\"message\":\"Too many requests\"}",
        )
            .into_response(),
        (_, _, Some(fault)) => {
            let (status, headers, body) = fault.answer;
            let mut response = Response::new(Body::from(body));
            *response.status_mut() = status;
            for (name, value) in headers {
                let value = HeaderValue::from_str(&value).expect("a header's value");
                response
                    .headers_mut()
                    .append(HeaderName::from_static(name), value);
            }
            response
        }
        _ => next.run(request).await,
    };
    if let (Some([limit, remaining, reset]), Some((most, window)), Some(left)) =
        (inner.allowed.headers, inner.allowed.within, left)
    {
        let reset_at = seconds_since_1970() + window.as_secs() as i64;
        for (name, value) in [
            (limit, most as i64),
            (remaining, left as i64),
            (reset, reset_at),
        ] {
            response
                .headers_mut()
                .insert(HeaderName::from_static(name), HeaderValue::from(value));
        }
    }
    lock(&inner.seen).push(Seen {
        method,
        target,
        status: response.status().as_u16(),
        credential,
    });
    response
}

fn credential(request: &Request) -> Option<String> {
    let names = ["authorization", "private-token", "circle-token"];
    let value = names.iter().find_map(|name| request.headers().get(*name))?;
    Some(value.to_str().expect("a credential is text").to_owned())
}

/// Counts a request while it is under way, also when its client goes away.
struct Present(Arc<Inner>);

impl Present {
    fn count(inner: &Arc<Inner>) -> (Self, bool) {
        let mut at_once = lock(&inner.at_once);
        *at_once += 1;
        let mut most = lock(&inner.most_at_once);
        *most = (*most).max(*at_once);
        (Self(Arc::clone(inner)), *at_once > inner.allowed.at_once)
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        *lock(&self.0.at_once) -= 1;
    }
}

fn seconds_since_1970() -> i64 {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed();
    since.expect("it is later than 1970").as_secs() as i64
}
