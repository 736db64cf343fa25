//! Who works on what, and how long reviews take: pull requests before they are opened.

use chrono::{DateTime, SubsecRound, Utc};

use super::office;
use super::story::{Act, Mending, Request, Story};

const VERBS: &[&str] = &[
    "Add", "Fix", "Speed up", "Simplify", "Log", "Validate", "Cache", "Split", "Retry", "Document",
];
const THINGS: &[&str] = &[
    "address form",
    "basket totals",
    "currency rounding",
    "delivery slots",
    "error page",
    "feature flags",
    "image upload",
    "invoice export",
    "login throttling",
    "order history",
    "password reset",
    "price lookup",
    "queue consumer",
    "rate limits",
    "refund flow",
    "session renewal",
    "stock levels",
    "webhook delivery",
];

impl Story<'_> {
    /// Work that begins at that time and becomes a pull request.
    pub(super) fn plan_request(&mut self, begins_at: DateTime<Utc>) {
        let (profile, zone) = (self.profile, self.profile.zone);
        let share = self.share(begins_at);
        let is_bot = self.random.chance(0.06);
        let count = if is_bot {
            1
        } else {
            1 + self.random.count(profile.commits.at(share) - 1.0)
        };
        let mut at = begins_at;
        let mut written = Vec::new();
        for _ in 0..count {
            at = office::working(at, zone, &mut self.random).trunc_subsecs(0);
            written.push(at);
            at += self.minutes(80.0, 0.9);
        }
        let wait = self.minutes(15.0, 0.8);
        let opened_at = office::working(written[written.len() - 1] + wait, zone, &mut self.random);
        let title = if is_bot {
            "Update dependencies".to_owned()
        } else {
            format!("{} {}", self.random.pick(VERBS), self.random.pick(THINGS))
        };
        let slug = title.to_lowercase().replace(' ', "-");
        let author = if is_bot {
            "renovate[bot]"
        } else {
            *self.random.pick(profile.people)
        };
        let branch = if is_bot {
            format!("renovate/{slug}")
        } else {
            format!("feature/{slug}")
        };
        self.plan(title, branch, author, written, opened_at, None);
    }

    /// A change in a hurry that mends a release.
    pub(super) fn plan_mending(&mut self, at: DateTime<Utc>, mends: Mending) {
        let at = at.trunc_subsecs(0);
        let author = *self.random.pick(self.profile.people);
        let (title, branch) = match mends {
            Mending::Revert { release } => {
                let title = self.title_of(self.released[release].commit);
                (
                    format!("Revert \"{title}\""),
                    format!("revert-{}", self.next_number),
                )
            }
            Mending::Hotfix { .. } => {
                let thing = *self.random.pick(THINGS);
                (
                    format!("Fix {thing}"),
                    format!("hotfix/{}", thing.replace(' ', "-")),
                )
            }
        };
        let opened_at = at + self.minutes(4.0, 0.4);
        self.plan(title, branch, author, vec![at], opened_at, Some(mends));
    }

    fn plan(
        &mut self,
        title: String,
        branch: String,
        author: &'static str,
        written: Vec<DateTime<Utc>>,
        opened_at: DateTime<Utc>,
        mends: Option<Mending>,
    ) {
        let (profile, zone) = (self.profile, self.profile.zone);
        let share = self.share(opened_at);
        let hurry = if mends.is_some() { 0.03 } else { 1.0 };
        let wait = |story: &mut Self, from: DateTime<Utc>, hours: f64, spread: f64| {
            let until = from + story.minutes(hours * 60.0 * hurry, spread);
            // A failure is mended at any hour.
            if mends.is_some() {
                until
            } else {
                office::working(until, zone, &mut story.random)
            }
        };
        let opened_at = opened_at.trunc_subsecs(0);
        let reviewed_at =
            wait(self, opened_at, profile.pickup_hours.at(share), 0.9).trunc_subsecs(0);
        let approved_at =
            wait(self, reviewed_at, profile.review_hours.at(share), 1.1).trunc_subsecs(0);
        let merged_at = wait(self, approved_at, 0.4, 1.2).trunc_subsecs(0);
        let hashes = written.iter().map(|_| self.hash()).collect();
        self.requests.push(Request {
            number: 0,
            is_bot: author.ends_with("[bot]"),
            title,
            branch,
            author,
            written,
            hashes,
            opened_at,
            reviewed_at,
            approved_at,
            merged_at,
            mends,
        });
        self.then(opened_at, Act::Open(self.requests.len() - 1));
    }
}
