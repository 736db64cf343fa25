//! What each question costs in process, on a machine that others use too: the least and the median of many runs, and
//! the processor's time over all threads, which waiting for others does not lengthen.

use std::path::Path;
use std::time::Instant;

use pelorus::app::{Asker, Patience, Request};
use pelorus::model::TimeRange;

use crate::generate::END;
use crate::{DAYS, QUESTIONS, TABLE, instant, median, question, runtime, start};

/// Runs of each question, after ten to warm up.
const RUNS: usize = 200;

/// Nanoseconds that all threads of this process have run.
fn processor_nanoseconds() -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").expect("threads of ours");
    tasks
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok())
        .filter_map(|text| text.split_whitespace().next()?.parse::<u64>().ok())
        .sum()
}

/// Prints a line a question; without names all of them.
pub fn measure(folder: &Path, ledger: &Path, names: &[&str]) {
    let runs = std::env::var("RUNS").map_or(RUNS, |runs| runs.parse().expect("a number of runs"));
    let mut questions: Vec<(&str, Vec<&str>, i64)> = QUESTIONS
        .iter()
        .map(|(name, json)| (*name, vec![*json], DAYS))
        .collect();
    questions.push(("table_by_application", TABLE.to_vec(), DAYS));
    questions.push(("table_over_730_days", TABLE.to_vec(), 730));
    runtime().block_on(async {
        let app = start(folder, ledger);
        println!("| question | least ms | p50 ms | processor ms |\n|---|---|---|---|");
        for (name, asked, days) in questions {
            if !names.is_empty() && !names.contains(&name) {
                continue;
            }
            let mut times = Vec::new();
            let mut processor = 0;
            for run in 0..runs + 10 {
                if run == 10 {
                    processor = processor_nanoseconds();
                }
                // A range of its own for each run: an answer cache has nothing to give.
                let end = END - 1 - run as i64;
                let before = Instant::now();
                for json in &asked {
                    let request = Request {
                        question: question(json),
                        range: TimeRange::new(instant(end - days * 86_400), instant(end)),
                        now: instant(END),
                        patience: Patience::Forever,
                        asker: Asker::Person,
                    };
                    drop(app.answer(request).await.expect("an answer"));
                }
                times.push(before.elapsed().as_secs_f64() * 1000.0);
            }
            let processor = (processor_nanoseconds() - processor) as f64 / runs as f64 / 1e6;
            let times = times.split_off(10);
            let least = times.iter().copied().fold(f64::INFINITY, f64::min);
            println!(
                "| {name} | {least:.2} | {:.2} | {processor:.2} |",
                median(times)
            );
        }
        app.stop().await;
    });
}
