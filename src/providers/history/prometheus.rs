//! Prometheus, or Thanos Query, that keeps what an export loop wrote.

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt};
use http::{HeaderName, HeaderValue, StatusCode};
use url::Url;

use super::answer::Answer;
use super::cursor::{Piece, Progress};
use super::selector::{self, is_matchers};
use super::windows::Windows;
use crate::config::{Fault, Field, FieldType, FieldValue, SettingsError, SourceSettings};
use crate::model::{EventKind, EventKinds, TimeRange};
use crate::providers::http::{
    Api, CONNECTION_FIELDS, Credential, HttpError, Limits, Network, Profile, connection_fields,
    secret, tenant, text,
};
use crate::providers::{CheckReport, FetchError, Page, PageRequest, Provider, ProviderKind, Reach};
use crate::series::FAMILY;

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

const OWN: usize = 8;
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

/// Clocks that differ by more are told of.
const SKEW: TimeDelta = TimeDelta::minutes(1);

/// A connected history.
struct Prometheus {
    api: Api,
    tenant: Option<(HeaderName, HeaderValue)>,
    matchers: String,
    late: TimeDelta,
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
            let window = walking.windows.next(&piece);
            let answer = match self.ask(window, &piece, &walking.request).await {
                Err(error) if is_too_large(&error) => {
                    if !walking.windows.halve(window) {
                        return Err(error.into());
                    }
                    continue;
                }
                answer => answer?,
            };
            let told = answer.told();
            let page = Page {
                events: told.events,
                origins: told.origins,
                notices: told.notices,
                progress: Some(progress(&piece, window)),
                ..Page::default()
            };
            let warnings = answer.warnings.unwrap_or_default();
            if !warnings.is_empty() {
                // What came is kept; the window is asked for again.
                walking.is_partial = Some(warnings.join("; "));
                return Ok(Some((page, walking)));
            }
            walking.windows.read(told.series);
            let pieces = walking.progress.left.len();
            walking.progress.read(window.start);
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

    async fn ask(
        &self,
        window: TimeRange,
        piece: &Piece,
        request: &PageRequest,
    ) -> Result<Answer, HttpError> {
        let (query, time) = selector::query(&self.matchers, window, piece.since);
        let api = self.api.at(request.priority);
        let mut call = api
            .get(&["api", "v1", "query"])
            .query("query", query)
            .query("time", time)
            // Thanos: one of several replicas, all stores or an error, and no downsampled data.
            .query("dedup", "true")
            .query("partial_response", "false")
            .query("max_source_resolution", "0s");
        if let Some((name, value)) = &self.tenant {
            call = call.named_header(name.clone(), value.clone());
        }
        call.send().await?.json()
    }

    async fn proved(&self, now: DateTime<Utc>) -> Result<CheckReport, FetchError> {
        let range = TimeRange::new(now - TimeDelta::days(1), now);
        let (query, time) = selector::query(&self.matchers, range, None);
        let query = format!("count by (type) (count_over_time({query}))");
        let mut call = self
            .api
            .get(&["api", "v1", "query"])
            .query("query", query)
            .query("time", time);
        if let Some((name, value)) = &self.tenant {
            call = call.named_header(name.clone(), value.clone());
        }
        let answer = call.send().await?;
        let skew = answer.served_at().map(|served_at| (served_at - now).abs());
        let skew = skew.filter(|skew| *skew > SKEW).map(|skew| {
            let seconds = skew.num_seconds();
            format!("The server's clock and this machine's differ by {seconds} s: set both by NTP.")
        });
        let counted: Counted = answer.json()?;
        let versions: u64 = counted.data.result.iter().map(Count::versions).sum();
        let message = match versions {
            0 => format!("Answers; no series of {FAMILY} has a sample of the last day."),
            versions => format!("Answers; holds {versions} event versions of the last day."),
        };
        let empty = (versions == 0).then(|| {
            "Check that `pelorus export` writes there, that `tenant` and `selector` fit, and that the store keeps what it is sent.".to_owned()
        });
        Ok(CheckReport {
            message,
            advice: match (empty, skew) {
                (Some(empty), Some(skew)) => Some(format!("{empty} {skew}")),
                (empty, skew) => empty.or(skew),
            },
        })
    }

    fn what(&self) -> String {
        self.api.url(&["api", "v1", "query"]).to_string()
    }
}

#[derive(serde::Deserialize)]
struct Counted {
    data: CountedData,
}

#[derive(serde::Deserialize)]
struct CountedData {
    result: Vec<Count>,
}

/// A kind of events and how many versions there are.
#[derive(serde::Deserialize)]
struct Count {
    metric: std::collections::BTreeMap<String, String>,
    value: (f64, String),
}

impl Count {
    fn versions(&self) -> u64 {
        if self
            .metric
            .get("type")
            .is_some_and(|kind| kind == crate::series::SOURCE)
        {
            return 0;
        }
        // A count is a number; what is none counts nothing.
        self.value.1.parse().unwrap_or(0)
    }
}

/// Whether less may be asked for: an answer beyond our limit, or beyond the server's.
fn is_too_large(error: &HttpError) -> bool {
    match error {
        HttpError::TooLarge { .. } => true,
        HttpError::Refused { status, .. } => {
            *status == StatusCode::UNPROCESSABLE_ENTITY || *status == StatusCode::PAYLOAD_TOO_LARGE
        }
        HttpError::Unauthorized { .. }
        | HttpError::Forbidden { .. }
        | HttpError::NotFound { .. }
        | HttpError::RateLimited { .. }
        | HttpError::Unavailable { .. }
        | HttpError::Malformed { .. } => false,
    }
}

/// How much of a piece was read with a window, in hours.
fn progress(piece: &Piece, window: TimeRange) -> (u64, Option<u64>) {
    let hours = |range: TimeRange| u64::try_from(range.length().num_hours()).unwrap_or(0);
    (hours(window), Some(hours(piece.range).max(1)))
}
