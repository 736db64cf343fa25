//! Deployments of the story, and what goes wrong with them.

use chrono::{DateTime, Datelike, TimeDelta, Utc, Weekday};

use super::estate::Cadence;
use super::office;
use super::story::{Act, Mending, Released, Story};
use crate::model::{
    Application, Body, Cluster, Deployment, Incident, Labels, Outcome, Repository, Text,
};

/// The production clusters, in the order of a release.
const CLUSTERS: [(&str, &str); 2] = [("prod-eu", "eu"), ("prod-us", "us")];

const SYMPTOMS: &[&str] = &[
    "Error rate above 5 %",
    "Latency above 2 s",
    "Queue keeps growing",
    "Payments are refused",
    "Login fails for some",
    "Pages stay empty",
    "Memory keeps growing",
    "Wrong totals on invoices",
];

impl Story<'_> {
    pub(super) fn stage(&mut self, at: DateTime<Utc>, commit: usize) {
        let finished_at = at + self.minutes(3.0, 0.3);
        let is_live = !self.random.chance(0.02);
        let outcome = if is_live {
            Outcome::Succeeded
        } else {
            Outcome::Failed
        };
        self.tell_rollout(
            commit,
            ("staging", "staging-eu", "eu"),
            at,
            finished_at,
            outcome,
        );
        if !is_live {
            let wait = self.minutes(15.0, 0.5);
            self.then(finished_at + wait, Act::Stage { commit });
            return;
        }
        self.staged = self.staged.max(Some(commit));
        let mends = self.main[commit]
            .request
            .and_then(|request| self.requests[request].mends);
        if mends.is_some() {
            let wait = self.minutes(6.0, 0.4);
            self.then(finished_at + wait, Act::Release { commit });
        } else if self.profile.cadence(self.share(at)) == Cadence::Continuous {
            let wait = self.minutes(35.0, 0.8);
            let release_at =
                office::working(finished_at + wait, self.profile.zone, &mut self.random);
            self.then(release_at, Act::Release { commit });
        }
    }

    /// Releases what is staged, on the days that the cadence has.
    pub(super) fn window(&mut self, at: DateTime<Utc>) {
        let date = at.with_timezone(&self.profile.zone).date_naive();
        let (weekday, week) = (date.weekday(), date.iso_week().week());
        let is_due = match self.profile.cadence(self.share(at)) {
            Cadence::Continuous => false,
            Cadence::Daily => true,
            Cadence::TwiceAWeek => matches!(weekday, Weekday::Tue | Weekday::Thu),
            Cadence::Weekly => weekday == Weekday::Wed,
            Cadence::EveryOtherWeek => weekday == Weekday::Wed && week.is_multiple_of(2),
        };
        if let Some(commit) = self.staged.filter(|_| is_due) {
            self.release(at, commit);
        }
    }

    pub(super) fn release(&mut self, at: DateTime<Utc>, commit: usize) {
        let live = self.released.last().copied();
        let mends = self.main[commit]
            .request
            .and_then(|request| self.requests[request].mends);
        // Nothing new, or held back while a failure is mended.
        let is_new = self
            .released
            .iter()
            .all(|released| released.commit < commit);
        if !is_new || (self.mending.is_some() && mends.is_none()) {
            return;
        }
        let finished_at = self.roll_out(at, commit);
        self.released.push(Released {
            commit,
            replaced: live.map(|live| live.commit),
        });
        let release = self.released.len() - 1;
        if let Some(mends) = mends {
            let (Mending::Revert { release: bad } | Mending::Hotfix { release: bad }) = mends;
            self.mended(bad, finished_at);
        } else if live.is_some() {
            let probability = self.profile.failing.at(self.share(at));
            if self.random.chance(probability) {
                self.mending = Some(release);
                let notice = self.minutes(35.0, 1.0).min(TimeDelta::hours(20));
                self.then(finished_at + notice, Act::Notice { release });
            }
        }
    }

    /// Puts a commit on both clusters, one after the other; returns when the first one had it.
    fn roll_out(&mut self, at: DateTime<Utc>, commit: usize) -> DateTime<Utc> {
        let mut starts_at = at;
        let mut first = None;
        for (cluster, region) in CLUSTERS {
            if self.random.chance(0.015) {
                let failed_at = starts_at + self.minutes(10.0, 0.2);
                self.tell_rollout(
                    commit,
                    ("production", cluster, region),
                    starts_at,
                    failed_at,
                    Outcome::Failed,
                );
                starts_at = failed_at + TimeDelta::minutes(12);
            }
            let finished_at = starts_at + self.minutes(5.0, 0.4);
            self.tell_rollout(
                commit,
                ("production", cluster, region),
                starts_at,
                finished_at,
                Outcome::Succeeded,
            );
            first.get_or_insert(finished_at);
            starts_at = finished_at + self.minutes(12.0, 0.4);
        }
        first.unwrap_or(at)
    }

    /// Somebody notices: perhaps an incident is opened, and something is done about it.
    pub(super) fn notice(&mut self, at: DateTime<Utc>, release: usize) {
        if self.random.chance(0.65) {
            self.open_incident(at, Some(release));
        }
        let share = self.share(at);
        let takes = self
            .minutes(self.profile.mending_minutes.at(share), 0.7)
            .min(TimeDelta::days(5));
        let choice = self.random.share();
        let can_roll_back = self.released[release].replaced.is_some();
        if choice < 0.45 && can_roll_back {
            self.then(at + takes, Act::RollBack { release });
        } else if choice < 0.7 {
            self.plan_mending(at + takes / 2, Mending::Revert { release });
        } else {
            self.plan_mending(at + takes / 2, Mending::Hotfix { release });
        }
    }

    pub(super) fn roll_back(&mut self, at: DateTime<Utc>, release: usize) {
        let Some(commit) = self.released[release].replaced else {
            return;
        };
        let finished_at = self.roll_out(at, commit);
        let replaced = Some(self.released[release].commit);
        self.released.push(Released { commit, replaced });
        self.mended(release, finished_at);
        // The bad commit stays on the main branch; what comes next is thought to hold its mending.
        let again = self.minutes(60.0 * 7.0, 0.4);
        let begins_at = office::working(at + again, self.profile.zone, &mut self.random);
        self.plan_request(begins_at);
    }

    fn mended(&mut self, release: usize, finished_at: DateTime<Utc>) {
        if self.mending == Some(release) {
            self.mending = None;
        }
        let wait = self.minutes(9.0, 0.5);
        let resolved_at = self.past(finished_at + wait);
        for (cause, incident) in &mut self.incidents {
            if *cause == Some(release) && incident.resolved_at.is_none() {
                incident.resolved_at = resolved_at;
                incident.updated_at = resolved_at.or(incident.updated_at);
            }
        }
    }

    /// Something breaks by itself, or is found broken: a bug report, a provider's outage.
    pub(super) fn outage(&mut self, at: DateTime<Utc>) {
        self.open_incident(at, None);
        let takes = self.minutes(200.0, 1.3);
        let ends_at = self.past(at + takes);
        let is_forgotten = ends_at.is_some() && self.random.chance(0.04);
        if let Some((_, incident)) = self.incidents.last_mut() {
            incident.resolved_at = ends_at.filter(|_| !is_forgotten);
            incident.updated_at = incident.resolved_at.or(incident.updated_at);
            if is_forgotten {
                // Nobody forgets what customers feel: it would count as down for ever.
                incident.severity = Some("minor".into());
                incident.user_facing = false;
            }
        }
    }

    fn open_incident(&mut self, at: DateTime<Utc>, cause: Option<usize>) {
        let severity = match self.random.share() {
            share if share < 0.12 => "critical",
            share if share < 0.45 => "major",
            _ => "minor",
        };
        let is_defect = self.random.chance(0.4);
        let title = *self.random.pick(SYMPTOMS);
        // Every sixth ticket names the commit that it blames.
        let commit = cause
            .filter(|_| self.random.chance(0.16))
            .map(|release| self.main[self.released[release].commit].hash);
        let environment = if self.random.chance(0.9) {
            Self::environment("production")
        } else {
            None
        };
        self.incidents.push((
            cause,
            Incident {
                application: Some(Application::from(self.profile.application())),
                environment,
                repository: None,
                project: Some("OPS".into()),
                components: Vec::new(),
                opened_at: at,
                resolved_at: None,
                updated_at: Some(at),
                severity: Some(severity.into()),
                user_facing: severity == "critical" || self.random.chance(0.45),
                title: Some(format!("{title} in {}", self.profile.name).into()),
                labels: Labels::from_names(
                    if is_defect { &["bug"][..] } else { &[] }.iter().copied(),
                ),
                duplicate_of: None,
                deployment: None,
                commit,
            },
        ));
    }

    fn tell_rollout(
        &mut self,
        commit: usize,
        (environment, cluster, region): (&str, &str, &str),
        started_at: DateTime<Utc>,
        finished_at: DateTime<Utc>,
        outcome: Outcome,
    ) {
        if started_at >= self.range.end {
            return;
        }
        let landed = self.main[commit];
        let finished_at = self.past(finished_at);
        let mut labels = Labels::default();
        labels.0.insert("region".into(), region.into());
        self.events.push(Body::Deployment(Deployment {
            application: Some(Application::from(self.profile.application())),
            environment: Self::environment(environment),
            cluster: Some(Cluster::from(cluster)),
            namespace: Some(Text::from(self.profile.team)),
            workload: Some(Text::from(self.profile.name)),
            repository: Some(Repository::from(self.profile.repository())),
            started_at: Some(started_at),
            finished_at,
            outcome: if finished_at.is_some() {
                outcome
            } else {
                Outcome::Running
            },
            commit: Some(landed.hash),
            images: vec![self.image(landed.hash)],
            version: Some(format!("1.{commit}.0").into()),
            revision: None,
            labels,
            rollback: false,
            fixes: None,
        }));
    }
}
