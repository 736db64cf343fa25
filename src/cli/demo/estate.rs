//! Who is in the story: eight applications of four teams, each with its ways.

use chrono_tz::Tz;

/// How often an application goes to production.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cadence {
    Continuous,
    Daily,
    TwiceAWeek,
    Weekly,
    EveryOtherWeek,
}

/// How pull requests come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Integration {
    Merge,
    Squash,
}

/// A number that goes from its first to its second value over the year.
#[derive(Clone, Copy, Debug)]
pub(super) struct Course(pub(super) f64, pub(super) f64);

impl Course {
    /// Its value at that share of the year.
    pub(super) fn at(self, share: f64) -> f64 {
        self.0 + (self.1 - self.0) * share.clamp(0.0, 1.0)
    }
}

/// The ways of an application.
#[derive(Clone, Copy, Debug)]
pub(super) struct Profile {
    pub(super) team: &'static str,
    pub(super) name: &'static str,
    pub(super) zone: Tz,
    pub(super) integration: Integration,
    /// Pull requests opened a working day.
    pub(super) pull_requests: Course,
    /// Commits of a pull request.
    pub(super) commits: Course,
    /// Median hours until the first review.
    pub(super) pickup_hours: Course,
    /// Median hours from there to the approval.
    pub(super) review_hours: Course,
    /// Share of production deployments that fail.
    pub(super) failing: Course,
    /// Median minutes until somebody mends a failure.
    pub(super) mending_minutes: Course,
    /// Cadences over the year, in equal parts.
    pub(super) cadences: &'static [Cadence],
    pub(super) people: &'static [&'static str],
}

impl Profile {
    /// `team/name`.
    pub(super) fn application(&self) -> String {
        format!("{}/{}", self.team, self.name)
    }

    pub(super) fn repository(&self) -> String {
        format!("github.com/acme/{}", self.name)
    }

    pub(super) fn cadence(&self, share: f64) -> Cadence {
        let at = (share.clamp(0.0, 1.0) * self.cadences.len() as f64) as usize;
        self.cadences[at.min(self.cadences.len() - 1)]
    }
}

const STOREFRONT: &[&str] = &[
    "Amara Okafor",
    "Bruno Keller",
    "Chiara Rossi",
    "Deniz Yilmaz",
    "Elif Kaya",
];
const PAYMENTS: &[&str] = &[
    "Farid Rahimi",
    "Greta Lindqvist",
    "Hana Suzuki",
    "Ivo Horvat",
];
const LOGISTICS: &[&str] = &[
    "Jonas Weber",
    "Kavya Nair",
    "Liam Byrne",
    "Marta Kowalska",
    "Noor Haddad",
];
const PLATFORM: &[&str] = &[
    "Oluwaseun Bello",
    "Priya Menon",
    "Quentin Dubois",
    "Rosa Jimenez",
];

const BERLIN: Tz = chrono_tz::Europe::Berlin;
const NEW_YORK: Tz = chrono_tz::America::New_York;

const fn steady(
    team: &'static str,
    name: &'static str,
    people: &'static [&'static str],
) -> Profile {
    Profile {
        team,
        name,
        zone: BERLIN,
        integration: Integration::Merge,
        pull_requests: Course(1.4, 1.4),
        commits: Course(3.2, 3.2),
        pickup_hours: Course(4.0, 4.0),
        review_hours: Course(3.0, 3.0),
        failing: Course(0.1, 0.1),
        mending_minutes: Course(70.0, 70.0),
        cadences: &[Cadence::Daily],
        people,
    }
}

/// Everybody. `checkout` gets better over the year, `orders` worse.
pub(super) const PROFILES: &[Profile] = &[
    Profile {
        integration: Integration::Squash,
        pull_requests: Course(2.4, 2.6),
        pickup_hours: Course(2.0, 2.0),
        review_hours: Course(1.5, 1.5),
        failing: Course(0.05, 0.05),
        mending_minutes: Course(25.0, 25.0),
        cadences: &[Cadence::Continuous],
        ..steady("storefront", "web", STOREFRONT)
    },
    Profile {
        failing: Course(0.12, 0.12),
        cadences: &[Cadence::Daily],
        ..steady("storefront", "search", STOREFRONT)
    },
    Profile {
        pull_requests: Course(1.2, 2.2),
        commits: Course(5.5, 2.4),
        pickup_hours: Course(20.0, 2.0),
        review_hours: Course(16.0, 2.0),
        failing: Course(0.3, 0.05),
        mending_minutes: Course(420.0, 30.0),
        cadences: &[
            Cadence::Weekly,
            Cadence::TwiceAWeek,
            Cadence::Daily,
            Cadence::Continuous,
        ],
        ..steady("payments", "checkout", PAYMENTS)
    },
    Profile {
        pull_requests: Course(0.8, 0.8),
        commits: Course(4.0, 4.0),
        pickup_hours: Course(9.0, 9.0),
        failing: Course(0.06, 0.06),
        mending_minutes: Course(150.0, 150.0),
        cadences: &[Cadence::Weekly],
        ..steady("payments", "ledger", PAYMENTS)
    },
    Profile {
        integration: Integration::Squash,
        pull_requests: Course(2.2, 1.4),
        commits: Course(2.4, 5.0),
        pickup_hours: Course(2.5, 22.0),
        review_hours: Course(2.0, 14.0),
        failing: Course(0.06, 0.32),
        mending_minutes: Course(40.0, 480.0),
        cadences: &[
            Cadence::Continuous,
            Cadence::Daily,
            Cadence::TwiceAWeek,
            Cadence::Weekly,
        ],
        ..steady("logistics", "orders", LOGISTICS)
    },
    Profile {
        pull_requests: Course(1.0, 1.0),
        failing: Course(0.15, 0.15),
        mending_minutes: Course(200.0, 200.0),
        cadences: &[Cadence::TwiceAWeek],
        ..steady("logistics", "tracking", LOGISTICS)
    },
    Profile {
        zone: NEW_YORK,
        pull_requests: Course(1.5, 1.5),
        failing: Course(0.08, 0.08),
        cadences: &[Cadence::Daily],
        ..steady("platform", "identity", PLATFORM)
    },
    Profile {
        zone: NEW_YORK,
        integration: Integration::Squash,
        pull_requests: Course(0.6, 0.6),
        commits: Course(4.5, 4.5),
        pickup_hours: Course(26.0, 26.0),
        review_hours: Course(12.0, 12.0),
        failing: Course(0.18, 0.18),
        mending_minutes: Course(600.0, 600.0),
        cadences: &[Cadence::EveryOtherWeek],
        ..steady("platform", "notifications", PLATFORM)
    },
];
