//! The plugin as Grafana starts it: handshake, idle memory, start from the ledger, questions over gRPC.

use std::io::BufRead;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use grafana_plugin_sdk::pluginv2 as wire;
use wire::data_client::DataClient;

use crate::generate::END;
use crate::process::resident_mib;
use crate::{DAYS, QUESTIONS, RUNS, TABLE, json_data, median};

type Client = DataClient<tonic::transport::Channel>;

/// Starts the plugin with an empty environment; returns it with its address once it has shaken hands.
fn started(folder: &Path) -> (Child, String) {
    let binary = std::env::var("PELORUS_BINARY").expect("PELORUS_BINARY names the plugin");
    let allowed = folder.canonicalize().expect("the estate's folder");
    let mut child = Command::new(binary)
        .env_clear()
        .env("grafana_plugin_type", "datasource")
        .env("GF_PLUGIN_ALLOWED_PATHS", allowed)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the plugin starts");
    let mut line = String::new();
    std::io::BufReader::new(child.stdout.take().expect("a pipe"))
        .read_line(&mut line)
        .expect("a handshake");
    let address = line
        .split('|')
        .nth(3)
        .expect("an address in the handshake")
        .to_owned();
    (child, address)
}

async fn connected(address: &str) -> Client {
    DataClient::connect(format!("http://{address}"))
        .await
        .expect("the plugin answers")
        .max_decoding_message_size(usize::MAX)
}

fn request(
    folder: &Path,
    ledger: &Path,
    questions: &[&str],
    from: i64,
    to: i64,
) -> wire::QueryDataRequest {
    let settings = json_data(folder, ledger);
    wire::QueryDataRequest {
        plugin_context: Some(wire::PluginContext {
            org_id: 1,
            plugin_id: "pelorus-dora-datasource".to_owned(),
            data_source_instance_settings: Some(wire::DataSourceInstanceSettings {
                id: 1,
                uid: "estate".to_owned(),
                name: "estate".to_owned(),
                json_data: serde_json::to_vec(&settings).expect("JSON"),
                ..Default::default()
            }),
            ..Default::default()
        }),
        queries: questions
            .iter()
            .enumerate()
            .map(|(at, question)| query(&format!("Q{at}"), question, from, to))
            .collect(),
        ..Default::default()
    }
}

fn query(ref_id: &str, question: &str, from: i64, to: i64) -> wire::DataQuery {
    let question: serde_json::Value = serde_json::from_str(question).expect("a question of ours");
    wire::DataQuery {
        ref_id: ref_id.to_owned(),
        max_data_points: 1000,
        interval_ms: 1000,
        time_range: Some(wire::TimeRange {
            from_epoch_ms: from * 1000,
            to_epoch_ms: to * 1000,
        }),
        json: serde_json::to_vec(&serde_json::json!({ "refId": ref_id, "pelorus": question }))
            .expect("JSON"),
        ..Default::default()
    }
}

async fn ask(client: &mut Client, request: wire::QueryDataRequest) -> usize {
    let answer = client
        .query_data(request)
        .await
        .expect("an answer")
        .into_inner();
    let mut bytes = 0;
    for (ref_id, response) in &answer.responses {
        assert!(response.error.is_empty(), "{ref_id}: {}", response.error);
        bytes += response.frames.iter().map(Vec::len).sum::<usize>();
    }
    bytes
}

/// Prints what the plugin takes, from its start to its thirtieth answer of each question.
pub fn measure(folder: &Path, ledger: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let mut handshakes = Vec::new();
    for _ in 0..5 {
        let before = Instant::now();
        let (mut child, _) = started(folder);
        handshakes.push(before.elapsed().as_secs_f64() * 1000.0);
        std::thread::sleep(std::time::Duration::from_millis(200));
        println!(
            "idle                 {:>10.1} MiB resident",
            resident_mib(&child, "VmRSS").unwrap_or(f64::NAN)
        );
        child
            .kill()
            .and_then(|()| child.wait())
            .expect("a child of ours");
    }
    println!("start to handshake   {:>10.1} ms", median(handshakes));

    let (mut child, address) = started(folder);
    runtime.block_on(async {
        let mut client = connected(&address).await;
        let before = Instant::now();
        ask(&mut client, request(folder, ledger, &[QUESTIONS[0].1], END - DAYS * 86_400, END))
            .await;
        println!("ledger to answer     {:>10.2} s", before.elapsed().as_secs_f64());
        println!("\n| question, {DAYS} days, question in → Arrow out over gRPC | p50 ms | bytes |\n|---|---|---|");
        for (name, question) in QUESTIONS {
            times(&mut client, folder, ledger, name, &[question], DAYS).await;
        }
        times(&mut client, folder, ledger, "table by application, four metrics", &TABLE, DAYS).await;
        times(&mut client, folder, ledger, "the same over 730 days", &TABLE, 730).await;
        let scorecard = r#"{"kind":"scorecard","groupBy":["application"],"limit":10000}"#;
        times(&mut client, folder, ledger, "scorecard by application", &[scorecard], DAYS).await;
    });
    println!(
        "\nresident             {:>10.0} MiB now, {:.0} MiB at most",
        resident_mib(&child, "VmRSS").unwrap_or(f64::NAN),
        resident_mib(&child, "VmHWM").unwrap_or(f64::NAN)
    );
    child
        .kill()
        .and_then(|()| child.wait())
        .expect("a child of ours");
}

async fn times(
    client: &mut Client,
    folder: &Path,
    ledger: &Path,
    name: &str,
    questions: &[&str],
    days: i64,
) {
    let mut times = Vec::new();
    let mut bytes = 0;
    for run in 0..RUNS + 3 {
        // A range of its own for each run: an answer cache has nothing to give.
        let shift = 1 + run as i64;
        let request = request(
            folder,
            ledger,
            questions,
            END - days * 86_400 - shift,
            END - shift,
        );
        let before = Instant::now();
        bytes = ask(client, request).await;
        times.push(before.elapsed().as_secs_f64() * 1000.0);
    }
    println!("| {name} | {:.2} | {bytes} |", median(times.split_off(3)));
}
