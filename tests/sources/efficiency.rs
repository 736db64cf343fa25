//! What readings cost beside the fewest requests that an API documents: the table of `docs/efficiency.md`.
//!
//! `make test` counts at 12 repositories and holds those columns to the page; `make soak` counts at 200 repositories and
//! a year too. `PELORUS_UPDATE=1` writes what was counted into the page.

use std::path::Path;

use crate::estate::{Size, YEAR_OF_12, YEAR_OF_200};
use crate::reading::Pelorus;
use crate::server::Server;
use crate::{
    azure_pipelines, azure_repos, bitbucket, bitbucket_pipelines, bitbucket_server, circleci,
    gitea, github, gitlab, gitlab_ci, jenkins,
};

/// The fewest requests, and those that were sent.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    least: usize,
    sent: usize,
}

impl Counted {
    pub fn of(least: usize, sent: usize) -> Self {
        Self { least, sent }
    }

    /// η of the design, section 5.
    fn share(self) -> f64 {
        (self.least as f64 / self.sent as f64).min(1.0)
    }

    fn cells(self) -> String {
        format!("{} / {} = {:.2}", self.least, self.sent, self.share())
    }
}

/// A kind's row.
#[derive(Clone, Debug)]
pub struct Row {
    pub kind: &'static str,
    /// The largest page.
    pub page: &'static str,
    /// What one request tells of many repositories.
    pub batched: &'static str,
    /// The fewest requests as a formula of K repositories with n commits, p pull requests and so on.
    pub least: &'static str,
    pub cold: Counted,
    pub warm: Counted,
}

/// Requests of a first reading and of a refresh an hour later, of which nothing came; neither may be refused.
pub async fn counted(server: &Server, start: impl Fn(i64) -> Pelorus) -> [usize; 2] {
    let mut counted = [0; 2];
    for (requests, minutes) in counted.iter_mut().zip([0, 60]) {
        server.forget();
        let pelorus = start(minutes);
        pelorus.five_keys("committed").await;
        assert_eq!(pelorus.notices().await, Vec::<String>::new());
        pelorus.stop().await;
        assert_eq!(server.answered_with(429), 0);
        *requests = server.requests();
    }
    counted
}

async fn rows(size: Size) -> Vec<Row> {
    vec![
        github::tests::efficiency(size).await,
        gitlab::efficiency(size).await,
        gitea::efficiency(size).await,
        bitbucket::efficiency(size).await,
        bitbucket_server::efficiency(size).await,
        azure_repos::efficiency(size).await,
        github::actions::efficiency(size).await,
        gitlab_ci::efficiency(size).await,
        jenkins::efficiency(size).await,
        azure_pipelines::efficiency(size).await,
        circleci::efficiency(size).await,
        bitbucket_pipelines::efficiency(size).await,
    ]
}

fn page() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/efficiency.md")
}

/// The table between its marks, a row a kind: texts, then the columns of 12 and of 200 repositories.
fn table(small: &[Row], large: &[String]) -> String {
    let mut text = String::from(
        "| kind | page cap | batched | fewest requests | 12 repositories, first | refresh | 200 repositories × 1 year, first | refresh |\n|---|---|---|---|---|---|---|---|\n",
    );
    for (row, large) in small.iter().zip(large) {
        let (cold, warm) = (row.cold.cells(), row.warm.cells());
        text += &format!(
            "| `{}` | {} | {} | {} | {cold} | {warm} | {large} |\n",
            row.kind, row.page, row.batched, row.least
        );
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn readings_cost_what_the_page_says_and_hardly_more_than_they_must() {
    let small = rows(YEAR_OF_12).await;
    let is_soak = std::env::var_os("PELORUS_SOAK").is_some();
    let written = std::fs::read_to_string(page()).unwrap();
    let (before, rest) = written.split_once("<!-- counted -->\n").unwrap();
    let (told, after) = rest.split_once("<!-- /counted -->").unwrap();
    let told_of = |kind: &str| {
        let row = told
            .lines()
            .find(|line| line.starts_with(&format!("| `{kind}` |")))?;
        let cells: Vec<&str> = row.split(" | ").collect();
        Some(
            cells[cells.len() - 2..]
                .join(" | ")
                .trim_end_matches(" |")
                .to_owned(),
        )
    };
    let large: Vec<String> = if is_soak {
        let rows = rows(YEAR_OF_200).await;
        for row in &rows {
            assert!(
                row.cold.share() >= 0.9 && row.warm.share() >= 0.95,
                "{row:?}"
            );
        }
        rows.iter()
            .map(|row| format!("{} | {}", row.cold.cells(), row.warm.cells()))
            .collect()
    } else {
        small
            .iter()
            .map(|row| told_of(row.kind).unwrap_or_else(|| "not counted | not counted".to_owned()))
            .collect()
    };
    let table = table(&small, &large);
    if std::env::var_os("PELORUS_UPDATE").is_some() {
        std::fs::write(
            page(),
            format!("{before}<!-- counted -->\n{table}<!-- /counted -->{after}"),
        )
        .unwrap();
        return;
    }
    assert_eq!(
        told, table,
        "PELORUS_UPDATE=1 cargo test --test sources writes the page"
    );
    assert!(
        !told.contains("not counted"),
        "PELORUS_SOAK=1 PELORUS_UPDATE=1 counts at 200 repositories:\n{told}"
    );
}
