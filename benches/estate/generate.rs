//! Estates of any size: applications whose commits form one chain in the order of deployment, with incidents.
//!
//! The same shape of history as a company has: activity differs by application, weekends are quiet, office hours
//! are busy, lead times are log-normal. Deterministic by seed. Writes our events file, and tables for the peers.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use chrono::DateTime;

/// History ends here, exclusive: 2026-11-01T00:00:00Z in seconds.
pub const END: i64 = 1_793_491_200;
const DAY: i64 = 86_400;

/// How large an estate is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub name: &'static str,
    pub applications: usize,
    pub days: i64,
    deployments_a_day: f64,
}

pub const SIZES: [Size; 3] = [
    Size {
        name: "S",
        applications: 50,
        days: 90,
        deployments_a_day: 2.22,
    },
    Size {
        name: "M",
        applications: 500,
        days: 365,
        deployments_a_day: 1.096,
    },
    Size {
        name: "L",
        applications: 2000,
        days: 730,
        deployments_a_day: 1.37,
    },
];

/// Commits a deployment, on average.
const COMMITS: f64 = 4.0;
/// Share of deployments that an incident follows.
const FAILURES: f64 = 0.08;

/// A small, fast, good enough generator (splitmix64).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Uniform in (0, 1).
    pub fn uniform(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }

    fn exponential(&mut self, mean: f64) -> f64 {
        -mean * self.uniform().ln()
    }

    fn poisson(&mut self, mean: f64) -> usize {
        if mean > 30.0 {
            return (mean + mean.sqrt() * self.normal()).round().max(0.0) as usize;
        }
        let limit = (-mean).exp();
        let (mut product, mut count) = (self.uniform(), 0);
        while product > limit {
            product *= self.uniform();
            count += 1;
        }
        count
    }
}

/// A deployment and the commits it is the first to hold.
pub struct Deployment {
    pub application: u32,
    /// Number in its application, in order of time.
    pub sequence: u32,
    pub finished_at: i64,
    /// Committer times, oldest first; the last one is the commit deployed.
    pub committed_at: Vec<i64>,
    /// Opening and resolution of the incident that followed.
    pub incident: Option<(i64, Option<i64>)>,
}

/// A whole estate, in order of deployment time.
pub fn estate(size: Size, seed: u64) -> Vec<Deployment> {
    let mut random = Random::new(seed ^ size.applications as u64);
    let start = END - size.days * DAY;
    let mut weights: Vec<f64> = (0..size.applications)
        .map(|_| (0.5 * random.normal()).exp())
        .collect();
    let total: f64 = weights.iter().sum();
    weights
        .iter_mut()
        .for_each(|weight| *weight *= size.applications as f64 / total);
    let mut deployments = Vec::new();
    for (application, weight) in weights.iter().enumerate() {
        let count = random.poisson(weight * size.deployments_a_day * size.days as f64);
        let mut times: Vec<i64> = (0..count)
            .map(|_| moment(&mut random, start, size.days))
            .collect();
        times.sort_unstable();
        for at in 1..times.len() {
            // One second apart at least: order must not hang on names.
            times[at] = times[at].max(times[at - 1] + 1);
        }
        for (sequence, &finished_at) in times.iter().enumerate() {
            let commits = 1 + random.poisson(COMMITS - 1.0);
            let mut committed_at: Vec<i64> = (0..commits)
                .map(|_| {
                    finished_at - ((28_800.0f64.ln() + 1.2 * random.normal()).exp() as i64).max(60)
                })
                .collect();
            committed_at.sort_unstable();
            let incident = (random.uniform() < FAILURES)
                .then(|| incident(&mut random, finished_at))
                .flatten();
            deployments.push(Deployment {
                application: application as u32,
                sequence: sequence as u32,
                finished_at,
                committed_at,
                incident,
            });
        }
    }
    deployments.sort_by_key(|deployment| (deployment.finished_at, deployment.application));
    deployments
}

fn moment(random: &mut Random, start: i64, days: i64) -> i64 {
    loop {
        let day = (random.uniform() * days as f64) as i64;
        // 1970-01-01 was a Thursday; Monday is 0.
        let weekday = (start / DAY + day + 3) % 7;
        if weekday >= 5 && random.uniform() > 0.25 {
            continue;
        }
        let hour = (14.0 + 3.5 * random.normal()).clamp(0.0, 23.99);
        return start + day * DAY + (hour * 3600.0) as i64;
    }
}

fn incident(random: &mut Random, finished_at: i64) -> Option<(i64, Option<i64>)> {
    let opened = finished_at + 60 + random.exponential(7_200.0) as i64;
    let resolved = opened + ((5_400.0f64.ln() + random.normal()).exp() as i64).max(60);
    let open = random.uniform() < 0.03 || resolved >= END;
    (opened < END).then_some((opened, (!open).then_some(resolved)))
}

fn hash(application: u32, number: u64) -> String {
    let mut random = Random::new(u64::from(application) << 40 ^ number);
    format!(
        "{:016x}{:016x}{:08x}",
        random.next(),
        random.next(),
        random.next() as u32
    )
}

fn time(seconds: i64) -> String {
    DateTime::from_timestamp(seconds, 0)
        .expect("a time of the estate")
        .format("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
}

/// In which order the events file lists the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Time,
    Shuffled,
}

/// Writes the events file; returns how many events it holds.
pub fn write_events(estate: &[Deployment], path: &Path, order: Order) -> std::io::Result<u64> {
    let mut lines: Vec<(i64, u32, u32, u8)> = Vec::new();
    for (index, deployment) in estate.iter().enumerate() {
        let index = index as u32;
        for (number, at) in deployment.committed_at.iter().enumerate() {
            lines.push((*at, index, number as u32, 0));
        }
        lines.push((deployment.finished_at, index, 0, 1));
        if let Some((opened, _)) = deployment.incident {
            lines.push((opened, index, 0, 2));
        }
    }
    match order {
        Order::Time => lines.sort_unstable(),
        Order::Shuffled => {
            let mut random = Random::new(7);
            for at in (1..lines.len()).rev() {
                lines.swap(at, (random.next() % (at as u64 + 1)) as usize);
            }
        }
    }
    // The number of a commit in its application's chain: a commit's parent is the one before.
    let mut first_commit = vec![0u64; estate.len()];
    let mut by_application: Vec<Vec<u32>> = Vec::new();
    for (index, deployment) in estate.iter().enumerate() {
        let application = deployment.application as usize;
        if by_application.len() <= application {
            by_application.resize(application + 1, Vec::new());
        }
        by_application[application].push(index as u32);
    }
    for indices in &mut by_application {
        indices.sort_unstable_by_key(|index| estate[*index as usize].sequence);
        let mut number = 0;
        for index in indices {
            first_commit[*index as usize] = number;
            number += estate[*index as usize].committed_at.len() as u64;
        }
    }
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    for (at, index, number, kind) in &lines {
        let deployment = &estate[*index as usize];
        let application = deployment.application;
        match kind {
            0 => {
                let number = first_commit[*index as usize] + u64::from(*number);
                write!(
                    out,
                    r#"{{"type":"commit","repository":"git.example/org/app-{application:04}","hash":"{}","committed_at":"{}""#,
                    hash(application, number),
                    time(*at)
                )?;
                if number > 0 {
                    write!(out, r#","parents":["{}"]"#, hash(application, number - 1))?;
                }
                writeln!(out, "}}")?;
            }
            1 => {
                let head = first_commit[*index as usize] + deployment.committed_at.len() as u64 - 1;
                writeln!(
                    out,
                    r#"{{"type":"deployment","id":"d-{application:04}-{:06}","application":"app-{application:04}","repository":"git.example/org/app-{application:04}","environment":"production","finished_at":"{}","commit":"{}"}}"#,
                    deployment.sequence,
                    time(*at),
                    hash(application, head)
                )?;
            }
            _ => {
                write!(
                    out,
                    r#"{{"type":"incident","id":"i-{application:04}-{:06}","application":"app-{application:04}","opened_at":"{}""#,
                    deployment.sequence,
                    time(*at)
                )?;
                if let Some((_, Some(resolved))) = deployment.incident {
                    write!(out, r#","resolved_at":"{}""#, time(resolved))?;
                }
                writeln!(out, "}}")?;
            }
        }
    }
    out.flush()?;
    Ok(lines.len() as u64)
}

/// Writes the tables that the peers read: deployments with their failure, changes with their lead time, incidents.
///
/// The first deployment of an application is its baseline, whose commits count in nothing. An incident fails the
/// latest deployment before it, if that one finished within a day.
pub fn write_tables(estate: &[Deployment], folder: &Path) -> std::io::Result<()> {
    let mut by_application: std::collections::BTreeMap<u32, Vec<&Deployment>> =
        std::collections::BTreeMap::new();
    for deployment in estate {
        by_application
            .entry(deployment.application)
            .or_default()
            .push(deployment);
    }
    let table = |name: &str, header: &str| -> std::io::Result<BufWriter<File>> {
        let mut out = BufWriter::with_capacity(1 << 20, File::create(folder.join(name))?);
        writeln!(out, "{header}")?;
        Ok(out)
    };
    let mut deployments = table("deployments.csv", "app,finished_at,failed")?;
    let mut changes = table("changes.csv", "app,finished_at,lead_seconds")?;
    let mut incidents = table("incidents.csv", "app,opened_at,resolved_at")?;
    for (application, list) in &by_application {
        let mut failed = vec![false; list.len()];
        for (opened, resolved) in list.iter().filter_map(|deployment| deployment.incident) {
            let at = list.partition_point(|deployment| deployment.finished_at <= opened);
            if at > 0 && opened - list[at - 1].finished_at <= DAY {
                failed[at - 1] = true;
            }
            let resolved = resolved.map(|at| at.to_string()).unwrap_or_default();
            writeln!(incidents, "{application},{opened},{resolved}")?;
        }
        for (at, deployment) in list.iter().enumerate() {
            writeln!(
                deployments,
                "{application},{},{}",
                deployment.finished_at,
                u8::from(failed[at])
            )?;
            for committed in deployment.committed_at.iter().filter(|_| at > 0) {
                let lead = deployment.finished_at - committed;
                writeln!(changes, "{application},{},{lead}", deployment.finished_at)?;
            }
        }
    }
    deployments.flush()?;
    changes.flush()?;
    incidents.flush()
}
