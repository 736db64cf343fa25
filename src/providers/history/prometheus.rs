//! Prometheus, or Thanos Query, that keeps what an export loop wrote.

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt};
use http::{HeaderName, HeaderValue, StatusCode};
use url::Url;

use super::answer::Told;
use super::cursor::{Piece, Progress};
use super::selector::{self, is_matchers};
use super::windows::Windows;
use crate::config::{Fault, Field, FieldType, FieldValue, SettingsError, SourceSettings};
use crate::model::{EventKind, EventKinds, SourceName, TimeRange};
use crate::providers::http::{
    Api, CONNECTION_FIELDS, Credential, HttpError, Limits, Network, Profile, connection_fields,
    secret, tenant, text,
};
use crate::providers::{CheckReport, FetchError, Page, PageRequest, Provider, ProviderKind, Reach};
use crate::series::Answered;

/// Events that were exported (design, section 9).
pub static KIND: ProviderKind = ProviderKind {
    name: "prometheus",
    group: super::GROUP,
    title: "Prometheus or Thanos",
    help: "Reads back what `pelorus export` wrote to Prometheus or Thanos.",
    fields: &FIELDS,
    yields: EventKinds::of(&EventKind::ALL),
    rank: 9,
    connect,
};

const OWN: usize = 9;
static FIELDS: [Field; OWN + CONNECTION_FIELDS.len()] = connection_fields::<OWN, _>([
    Field {
        required: true,
        help: "Address of the Prometheus or the Thanos Query, as the browser has it.",
        placeholder: "http://thanos-query:9090",
        ..Field::named("url", "URL", FieldType::Text)
    },
    Field {
        help: "Bearer token.",
        ..Field::named("token", "Token", FieldType::Secret)
    },
    Field {
        help: "User, where the server wants one with a password.",
        ..Field::named("user", "User", FieldType::Text)
    },
    Field {
        help: "The user's password.",
        ..Field::named("password", "Password", FieldType::Secret)
    },
    Field {
        help: "The tenant that is read; no header is sent without it.",
        placeholder: "pelorus",
        ..Field::named("tenant", "Tenant", FieldType::Text)
    },
    Field {
        default: Some("THANOS-TENANT"),
        help: "The header that names the tenant: `THANOS-TENANT`, or `X-Scope-OrgID` for Mimir and Cortex.",
        ..Field::named("tenantHeader", "Tenant header", FieldType::Text)
    },
    Field {
        help: "Label matchers that events must have, as PromQL writes them; all events without it.",
        placeholder: "cluster=~\"prod-.*\"",
        ..Field::named("selector", "Selector", FieldType::Text)
    },
    Field {
        default: Some("2d"),
        help: "How long after an export loop stored it an event may arrive; once a day 30 days are looked back.",
        ..Field::named("late", "Late by", FieldType::Duration)
    },
    Field {
        default: Some("false"),
        help: "Reads the series of the original Pelorus instead: deployments, their commits, failures.",
        ..Field::named("upstream", "Original's series", FieldType::Boolean)
    },
]);

/// Answers are large and take a server's memory, so one at a time beside one that somebody waits for.
const PROFILE: Profile = Profile {
    accept: "application/json",
    headers: &[],
    limits: Limits {
        concurrency: 2,
        per_minute: None,
        per_hour: None,
    },
};

/// A connected history.
pub(super) struct Prometheus {
    pub(super) api: Api,
    pub(super) tenant: Option<(HeaderName, HeaderValue)>,
    pub(super) matchers: String,
    late: TimeDelta,
    /// Whether the original's series are read instead of ours.
    pub(super) is_upstream: bool,
}

fn connect(source: &SourceSettings, network: &Network) -> Result<Box<dyn Provider>, SettingsError> {
    let written = text(source, "url").ok_or_else(|| fault("url", "is missing"))?;
    let base = Url::parse(&written).map_err(|_| {
        fault(
            "url",
            "takes an address like http://prometheus.acme.example:9090",
        )
    })?;
    let credential = match (secret(source, "token"), text(source, "user")) {
        (Some(token), _) => Credential::Token {
            scheme: "Bearer",
            token,
        },
        (None, Some(user)) => Credential::Basic {
            user,
            password: secret(source, "password")
                .ok_or_else(|| fault("password", "is missing: give the user's password"))?,
        },
        (None, None) => Credential::None,
    };
    let tenant = tenant(source)?;
    let matchers = text(source, "selector").unwrap_or_default();
    if !is_matchers(&matchers) {
        let advice = "takes label matchers such as `cluster=\"prod-eu\",environment!~\"test.*\"`, without braces";
        return Err(fault("selector", advice));
    }
    let late = match source.fields.get("late") {
        Some(FieldValue::Duration(late)) => *late,
        _ => TimeDelta::days(2),
    };
    Ok(Box::new(Prometheus {
        api: Api::connect(network, source, base, PROFILE, credential)?,
        tenant,
        matchers,
        late,
        is_upstream: matches!(
            source.fields.get("upstream"),
            Some(FieldValue::Boolean(true))
        ),
    }))
}

fn fault(key: &str, message: &str) -> SettingsError {
    SettingsError {
        faults: vec![Fault {
            key: key.to_owned(),
            message: message.to_owned(),
        }],
    }
}

/// A reading that is under way.
struct Walking {
    progress: Progress,
    windows: Windows,
    request: PageRequest,
    /// Set once the last page was given: why the reading is not complete after all.
    is_partial: Option<String>,
}

impl Provider for Prometheus {
    fn pages(&self, request: PageRequest) -> BoxStream<'_, Result<Page, FetchError>> {
        let progress = Progress::of(request.resume_from.as_ref(), request.range, self.late);
        let walking = Walking {
            windows: Windows::of(progress.left.first()),
            progress,
            request,
            is_partial: None,
        };
        stream::try_unfold(walking, |walking| self.turn(walking)).boxed()
    }

    fn check(&self, now: DateTime<Utc>) -> BoxFuture<'_, Result<CheckReport, FetchError>> {
        Box::pin(self.proved(now))
    }

    fn reach(&self) -> Reach {
        Reach::Walk
    }
}

impl Prometheus {
    /// Reads one window.
    async fn turn(&self, mut walking: Walking) -> Result<Option<(Page, Walking)>, FetchError> {
        if let Some(warning) = walking.is_partial {
            return Err(FetchError::Unavailable {
                what: self.what(),
                source: anyhow::anyhow!("it answers in part: {warning}"),
            });
        }
        loop {
            let Some(piece) = walking.progress.left.first().copied() else {
                return Ok(None);
            };
            let asked = self.asked(&piece);
            let window = walking.windows.next(&asked);
            let read = if self.is_upstream {
                self.originals(window, &asked, &walking.request).await
            } else {
                let answer = self.ask(window, &piece, &walking.request).await;
                answer.map(|answer| (Told::of(&answer), answer.warnings().to_vec()))
            };
            let (told, warnings) = match read {
                Err(error) if is_too_large(&error, window) => {
                    if !walking.windows.halve(window) {
                        return Err(error.into());
                    }
                    continue;
                }
                read => read?,
            };
            let page = Page {
                events: told.events,
                origins: told.origins,
                notices: told.notices,
                progress: Some(progress(&piece, window)),
                ..Page::default()
            };
            if !warnings.is_empty() {
                // What came is kept; the window is asked for again.
                walking.is_partial = Some(warnings.join("; "));
                return Ok(Some((page, walking)));
            }
            walking.windows.read(told.series);
            let pieces = walking.progress.left.len();
            walking.progress.read(if window.start == asked.range.start {
                piece.range.start
            } else {
                window.start
            });
            if walking.progress.left.len() < pieces {
                walking.windows = Windows::of(walking.progress.left.first());
            }
            let range = walking.request.range;
            let page = Page {
                checkpoint: Some(walking.progress.cursor()),
                covered: piece
                    .since
                    .is_none()
                    .then(|| window.intersection(&range))
                    .filter(|covered| !covered.is_empty()),
                ..page
            };
            return Ok(Some((page, walking)));
        }
    }

    /// The part of a piece that is asked for: the original's series do not say when they were stored, so what is new is looked
    /// for among what is young.
    fn asked(&self, piece: &Piece) -> Piece {
        let since = piece.since.and_then(DateTime::from_timestamp_millis);
        match since.filter(|_| self.is_upstream) {
            Some(since) => Piece {
                range: TimeRange::new(
                    since.clamp(piece.range.start, piece.range.end),
                    piece.range.end,
                ),
                since: None,
            },
            None => *piece,
        }
    }

    async fn ask(
        &self,
        window: TimeRange,
        piece: &Piece,
        request: &PageRequest,
    ) -> Result<Answered, HttpError> {
        let (query, time) = selector::query(&self.matchers, window, piece.since);
        self.instant(&query, &time, request).await?.json()
    }

    /// The name of this history.
    pub(super) fn source(&self) -> SourceName {
        self.api.source().clone()
    }

    /// One instant query.
    pub(super) async fn instant(
        &self,
        query: &str,
        time: &str,
        request: &PageRequest,
    ) -> Result<crate::providers::http::Answer, HttpError> {
        let api = self.api.at(request.priority);
        let mut call = api
            .get(&["api", "v1", "query"])
            .query("query", query)
            .query("time", time)
            // Thanos: one of several replicas, all stores or an error, and no downsampled data.
            .query("dedup", "true")
            .query("partial_response", "false")
            .query("max_source_resolution", "0s")
            .hand_back_silence();
        if let Some((name, value)) = &self.tenant {
            call = call.named_header(name.clone(), value.clone());
        }
        call.send().await
    }

    fn what(&self) -> String {
        self.api.url(&["api", "v1", "query"]).to_string()
    }
}

/// Whether less may be asked for: an answer beyond our limit, or beyond the server's, or of a long window one that does not come.
fn is_too_large(error: &HttpError, window: TimeRange) -> bool {
    const LONG: TimeDelta = TimeDelta::hours(1);
    match error {
        HttpError::Unavailable { .. } => window.length() > LONG && error.may_be_overworked(),
        HttpError::TooLarge { .. } => true,
        HttpError::Refused { status, .. } => {
            *status == StatusCode::UNPROCESSABLE_ENTITY || *status == StatusCode::PAYLOAD_TOO_LARGE
        }
        HttpError::Unauthorized { .. }
        | HttpError::Forbidden { .. }
        | HttpError::NotFound { .. }
        | HttpError::RateLimited { .. }
        | HttpError::Malformed { .. } => false,
    }
}

/// How much of a piece was read with a window, in hours.
fn progress(piece: &Piece, window: TimeRange) -> (u64, Option<u64>) {
    let hours = |range: TimeRange| u64::try_from(range.length().num_hours()).unwrap_or(0);
    (hours(window), Some(hours(piece.range).max(1)))
}
