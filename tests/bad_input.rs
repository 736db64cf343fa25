//! What people and machines get wrong: each fault is named at the edge with the way out, and the rest counts.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

const DEPLOYMENT: &str = r#"{"type":"deployment","application":"shop","environment":"production","finished_at":"2026-05-01T10:00:00Z"}"#;
const DEPLOYMENTS: &str = r#"{"kind":"events","table":"deployments"}"#;

/// What a command said, and how it ended.
struct Told {
    exit: Option<i32>,
    out: String,
    notices: String,
}

fn pelorus(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pelorus"));
    command.current_dir(folder).env_remove("RUST_LOG");
    command
}

fn told(command: &mut Command) -> Told {
    let output = command.output().expect("the binary runs");
    let told = Told {
        exit: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        notices: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    assert!(!told.notices.contains("panicked"), "{}", told.notices);
    told
}

fn query(folder: &Path) -> Command {
    let mut command = pelorus(folder);
    command.args(["query", "--quiet", "--now", "2026-06-01", "--from"]);
    command.args(["2026-01-01", "--format", "csv"]);
    command
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("a writable folder");
    path
}

/// Asks for the deployments that a file of events tells of.
fn deployments_of(name: &str, bytes: impl AsRef<[u8]>) -> Told {
    let folder = folder();
    write(folder.path(), name, bytes);
    let settings = format!("sources: [{{ name: file, kind: events, path: {name} }}]\n");
    write(folder.path(), "pelorus.yaml", settings);
    told(query(folder.path()).arg(DEPLOYMENTS))
}

/// Asks a question of one deployment.
fn asked(question: &str) -> Told {
    let folder = folder();
    write(folder.path(), "events.jsonl", format!("{DEPLOYMENT}\n"));
    write(folder.path(), "question.json", question);
    let settings = "sources: [{ name: file, kind: events, path: events.jsonl }]\n";
    write(folder.path(), "pelorus.yaml", settings);
    told(query(folder.path()).arg("@question.json"))
}

fn with_settings(bytes: impl AsRef<[u8]>) -> Told {
    let folder = folder();
    write(folder.path(), "events.jsonl", format!("{DEPLOYMENT}\n"));
    write(folder.path(), "pelorus.yaml", bytes);
    told(query(folder.path()).arg(DEPLOYMENTS))
}

#[track_caller]
fn expect(told: &Told, exit: i32, phrases: &[&str]) {
    let Told { out, notices, .. } = told;
    for phrase in phrases {
        assert!(
            notices.contains(phrase),
            "no `{phrase}` in: {}",
            notices.chars().take(2_000).collect::<String>()
        );
    }
    let start: String = out.chars().take(2_000).collect();
    assert_eq!(told.exit, Some(exit), "{notices}\n{start}");
}

#[test]
fn a_bad_line_is_told_by_its_number_and_the_others_count() {
    let nested = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let cases: &[(&[u8], &str)] = &[
        (b"{\"type\":\"deployment\"", "a line must be one JSON object"),
        (b"\0\0\0", "a line must be one JSON object"),
        (b"{\"type\":\"deployment\",\"application\":\"\xff\xfe\"}", "a line must be UTF-8"),
        (b"[]", "a line must be one JSON object"),
        (nested.as_bytes(), "a line must be one JSON object"),
        (br#"{"type":"rollout"}"#, "`type` must be one of commit, pull_request"),
        (br#"{"type":"pull_request","repository":"a","number":99999999999999999999999}"#, "`number` must be a whole number"),
        (br#"{"type":"pull_request","repository":"a","number":1e400}"#, "number out of range at column 54"),
        (br#"{"type":"incident","id":"i","opened_at":"2026-02-30T00:00:00Z"}"#, "`opened_at` must be a time as in RFC 3339"),
        (br#"{"type":"incident","id":"i","opened_at":123456789012345678901234567890}"#, "`opened_at` must be a time as in RFC 3339"),
        (br#"{"type":"deployment","application":"a","application":"b","environment":"production","finished_at":"2026-05-01T10:00:00Z"}"#, "`application` must be there only once"),
    ];
    for (line, phrase) in cases {
        let mut bytes = format!("{DEPLOYMENT}\n").into_bytes();
        bytes.extend_from_slice(line);
        bytes.extend_from_slice(format!("\n{}\n", DEPLOYMENT.replace("shop", "bar")).as_bytes());
        let told = deployments_of("events.jsonl", &bytes);
        expect(&told, 1, &["events.jsonl line 2: ", phrase]);
        assert_eq!(told.out.lines().count(), 3, "{phrase}: {}", told.out);
    }
}

#[test]
fn a_line_of_megabytes_is_passed_by() {
    let long = format!("{DEPLOYMENT}\n{}\n{DEPLOYMENT}\n", "x".repeat(17 << 20));
    let told = deployments_of("events.jsonl", long);
    expect(
        &told,
        1,
        &["line 2: a line may have at most 16 MiB and is passed by"],
    );
    assert_eq!(told.out.lines().count(), 2);
}

#[test]
fn a_file_that_ends_early_gives_what_it_has() {
    let lines: String = (0..2_000)
        .map(|number| {
            format!(
                "{}\n",
                DEPLOYMENT.replace("shop", &format!("shop-{number}"))
            )
        })
        .collect();
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(lines.as_bytes()).expect("memory");
    let packed = packer.finish().expect("memory");
    let told = deployments_of("events.jsonl.gz", &packed[..packed.len() / 2]);
    expect(&told, 1, &["events.jsonl.gz ends early: "]);
    assert!(told.out.lines().count() > 100, "{}", told.out);

    let cut = format!("{DEPLOYMENT}\n{{\"type\":\"depl");
    let told = deployments_of("events.jsonl", cut);
    assert!(
        told.notices
            .contains("line 2: incomplete, waiting for the rest of it")
    );
    assert_eq!(told.out.lines().count(), 2);
}

#[test]
fn a_table_says_which_quote_stays_open_and_which_column_stands_twice() {
    let header = "type,application,environment,finished_at\n";
    let row = "deployment,shop,production,2026-05-01T10:00:00Z\n";
    let open = format!("{header}{row}deployment,\"bar,production,2026-05-01T10:00:00Z\n{row}");
    let told = deployments_of("events.csv", open);
    assert!(
        told.notices.contains(
            "line 3: incomplete, waiting for the rest of it; a quote may never be closed"
        ),
        "{}",
        told.notices
    );
    assert_eq!(told.out.lines().count(), 2);

    let twice = "type,application,application,environment,finished_at\ndeployment,a,b,production,2026-05-01T10:00:00Z\n";
    let told = deployments_of("events.csv", twice);
    expect(
        &told,
        1,
        &["events.csv line 2: `application` must be there only once"],
    );
}

#[test]
fn files_that_are_not_there_are_named() {
    let cases = [
        (
            "nowhere.jsonl",
            3,
            "nowhere.jsonl: No such file or directory",
        ),
        ("'*.nothing'", 1, "No file matches"),
        (".", 3, "it is a folder: name its files by a glob such as"),
        ("empty.jsonl", 0, "hold no event yet"),
    ];
    for (path, exit, phrase) in cases {
        let folder = folder();
        write(folder.path(), "empty.jsonl", "");
        let settings = format!("sources: [{{ name: file, kind: events, path: {path} }}]\n");
        write(folder.path(), "pelorus.yaml", settings);
        let mut command = query(folder.path());
        // Mild notices stand beside a table only.
        command.args(["--timezone", "UTC"]).arg(DEPLOYMENTS);
        let mut table = pelorus(folder.path());
        table.args(["query", "-q", "--now", "2026-06-01", DEPLOYMENTS]);
        expect(&told(&mut table), exit, &[phrase]);
    }
}

#[test]
fn settings_tell_all_their_faults_at_once_and_no_values() {
    let told = with_settings(
        "ledgr: x\ntimezone: Mars/hunter2\nweekStart: hunter2\npeople: hunter2\nfreshness: hunter2\nsources:\n  - { name: Hunter2!, kind: git, path: /x }\n  - { name: a, kind: gitt, path: /x }\n  - { name: b, kind: events }\n  - hunter2\ndeployments:\n  - { from: hunter2, match: \"(\", environment: x }\n",
    );
    let phrases = [
        "`ledgr` is unknown; did you mean `ledger`?",
        "`timezone` takes the IANA name of a zone",
        "`weekStart` takes one of a few words",
        "`people` takes one of a few words",
        "`freshness` takes a span of time",
        "`sources[0].name` takes 1 to 40 characters",
        "`sources[1].kind` is no known kind; did you mean `git`?",
        "`sources[2].path` is missing",
        "`sources[3]` takes an object",
        "`deployments[0].from` takes one of a few words",
        "`deployments[0].match` is no usable regular expression",
    ];
    expect(&told, 2, &phrases);
    assert!(
        !told.notices.to_lowercase().contains("hunter2"),
        "{}",
        told.notices
    );
}

#[test]
fn settings_that_are_no_yaml_say_where_and_why() {
    let mut laughs = "a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]\n".to_owned();
    for step in 1..12 {
        let references = vec![format!("*a{}", step - 1); 10].join(", ");
        laughs.push_str(&format!("a{step}: &a{step} [{references}]\n"));
    }
    let large: String = (0..100_000)
        .map(|number| format!(" - {{ name: s{number}, kind: git, path: /x }}\n"))
        .collect();
    let cases: &[(Vec<u8>, &str)] = &[
        (
            b"sources:\n\t- { name: a }\n".to_vec(),
            "is indented with a tab, where YAML takes spaces, at line 2",
        ),
        (
            b"timezone: UTC\ntimezone: UTC\n".to_vec(),
            "has a key twice at line 2",
        ),
        (laughs.into_bytes(), "is too large for settings"),
        (
            format!("sources:\n{large}").into_bytes(),
            "is too large for settings",
        ),
        (
            format!("sources: {}", "[".repeat(100_000)).into_bytes(),
            "is no usable YAML at line 1",
        ),
        (
            b"sources: &a [*a]\n".to_vec(),
            "is no usable YAML at line 1",
        ),
        (b"- a\n".to_vec(), "takes an object"),
        (b"".to_vec(), "name no source"),
        (b"\xff\xfe\x00sources: x".to_vec(), "it is no UTF-8"),
        (
            vec![b'#'; 20 << 20],
            "pelorus.yaml: it is larger than 16 MiB",
        ),
    ];
    for (bytes, phrase) in cases {
        expect(&with_settings(bytes), 2, &[phrase]);
    }
}

#[test]
fn a_file_without_end_is_no_settings_file() {
    let endless = Path::new("/dev/zero");
    if endless.exists() {
        let folder = folder();
        let mut command = pelorus(folder.path());
        command.args(["query", "--config"]).arg(endless);
        expect(
            &told(&mut command),
            2,
            &["/dev/zero: it is larger than 16 MiB"],
        );
        let mut command = pelorus(folder.path());
        command.args(["query", "--repo", ".", "@/dev/zero"]);
        expect(&told(&mut command), 2, &["it is larger than 1 MiB"]);
    }
}

#[test]
fn a_question_that_makes_no_sense_is_told_what_would() {
    let metric =
        |rest: &str| format!(r#"{{"kind":"metric","metric":"deployment_frequency",{rest}}}"#);
    let filter = |value: &str| {
        metric(&format!(
            r#""filters":[{{"key":"application","operator":"=~","value":"{value}"}}]"#
        ))
    };
    let groups: Vec<String> = (0..40)
        .map(|number| format!("\"label:l{number}\""))
        .collect();
    let keys: Vec<String> = (0..1_000)
        .map(|number| format!("\"k{number}\":1"))
        .collect();
    let values = vec!["\"x\""; 20_000].join(",");
    let cases = [
        ("{".to_owned(), "the question is no JSON"),
        ("[]".to_owned(), "takes an object"),
        (
            r#"{"version":7}"#.to_owned(),
            "`version` is 7, and this Pelorus knows 1",
        ),
        (
            r#"{"kind":"nope"}"#.to_owned(),
            "`kind` does not know `nope`; allowed: metric",
        ),
        (
            metric(r#""timezone":"Mars/X""#),
            "`timezone` does not know `Mars/X`",
        ),
        (metric(r#""bucket":"rolling:0""#), "(1 to 1000 days)"),
        (
            metric(r#""bucket":"rolling:999999999999""#),
            "(1 to 1000 days)",
        ),
        (metric(r#""limit":0"#), "`limit` takes 1 to 10000"),
        (metric(r#""limit":1e18"#), "`limit` takes"),
        (metric(r#""limit":-5"#), "`limit` takes"),
        (
            filter("("),
            "is no usable regular expression: unclosed group",
        ),
        (filter("((a{100}){100}){100}"), "it compiles to more than"),
        (filter(&"x|".repeat(50_000)), "it has more than 65536 bytes"),
        (
            metric(&format!("\"groupBy\":[{}]", groups.join(","))),
            "`groupBy` takes at most 16 keys",
        ),
        (
            metric(&format!(
                r#""filters":[{{"key":"application","operator":"=|","values":[{values}]}}]"#
            )),
            "takes at most 10000 values",
        ),
        (metric(&keys.join(",")), "950 more faults"),
        ("[".repeat(500_000), "recursion limit exceeded"),
        (
            format!("{{\"kind\":\"{}\"}}", "x".repeat(2 << 20)),
            "it is larger than 1 MiB",
        ),
    ];
    for (question, phrase) in cases {
        let told = asked(&question);
        expect(&told, 2, &[phrase]);
        assert!(
            told.notices.len() < 20_000,
            "{phrase}: {} bytes",
            told.notices.len()
        );
    }
}

#[test]
fn a_filter_of_many_values_is_not_repeated_whole() {
    let values = vec!["\"shop\""; 9_000].join(",");
    let folder = folder();
    write(folder.path(), "events.jsonl", format!("{DEPLOYMENT}\n"));
    let settings = "sources: [{ name: file, kind: events, path: events.jsonl }]\n";
    write(folder.path(), "pelorus.yaml", settings);
    let question = format!(
        r#"{{"kind":"events","table":"deployments","filters":[{{"key":"application","operator":"=|","values":[{values}]}}]}}"#
    );
    write(folder.path(), "question.json", question);
    let mut table = pelorus(folder.path());
    table.args(["query", "-q", "--now", "2026-06-01", "@question.json"]);
    let table = self::told(&mut table);
    assert!(
        table.out.contains("\"shop\" and 8995 more)"),
        "{} bytes",
        table.out.len()
    );
}

#[test]
fn ranges_that_cannot_be_are_refused_with_what_could() {
    let cases: &[(&[&str], &str)] = &[
        (
            &["--from", "2026-02-01", "--to", "2026-01-01"],
            "the range is empty: --from must lie before --to",
        ),
        (
            &["--from", "2026-02-01", "--to", "2026-02-01"],
            "the range is empty: --from must lie before --to",
        ),
        (&["--from", "yesterday"], "--from: `yesterday` is no time"),
        (
            &["--now", "999999-01-01"],
            "--now: `999999-01-01` is no time",
        ),
        (
            &["--timezone", "Mars/X"],
            "--timezone takes the IANA name of a zone",
        ),
        (
            &["--from", "1976-01-01", "--to", "2026-01-01"],
            "buckets of `hour` would make more than 11000 points: ask for `week`",
        ),
    ];
    let folder = folder();
    write(folder.path(), "events.jsonl", format!("{DEPLOYMENT}\n"));
    let settings = "sources: [{ name: file, kind: events, path: events.jsonl }]\n";
    write(folder.path(), "pelorus.yaml", settings);
    for (arguments, phrase) in cases {
        let mut command = pelorus(folder.path());
        command.args(["query", "-q"]).args(*arguments);
        command.arg(r#"{"kind":"metric","metric":"deployment_frequency","bucket":"hour"}"#);
        expect(&told(&mut command), 2, &[phrase]);
    }
}

#[test]
fn ten_thousand_groups_and_a_long_table_are_cut_and_said_so() {
    let lines: String = (0..10_000)
        .map(|number| {
            format!(
                "{}\n",
                DEPLOYMENT.replace("shop", &format!("shop-{number}"))
            )
        })
        .collect();
    let folder = folder();
    write(folder.path(), "events.jsonl", lines);
    let settings = "sources: [{ name: file, kind: events, path: events.jsonl }]\n";
    write(folder.path(), "pelorus.yaml", settings);
    let question =
        r#"{"kind":"metric","metric":"deployments","groupBy":["application"],"bucket":"none"}"#;
    let told_groups = told(query(folder.path()).arg(question));
    expect(
        &told_groups,
        1,
        &["Only the 1000 largest of 10000 groups are shown"],
    );
    let mut table = pelorus(folder.path());
    table.args(["query", "-q", "--now", "2026-06-01", DEPLOYMENTS]);
    let told_rows = told(&mut table);
    expect(&told_rows, 0, &["The newest 1000 of 10000 rows are shown"]);
}

#[test]
fn a_ledger_that_cannot_be_used_says_what_to_do() {
    let folder = folder();
    write(folder.path(), "events.jsonl", format!("{DEPLOYMENT}\n"));
    write(
        folder.path(),
        "text.db",
        "dear diary, this is a text and no ledger at all",
    );
    std::fs::create_dir(folder.path().join("folder.db")).expect("a writable folder");
    let foreign = rusqlite::Connection::open(folder.path().join("foreign.db")).expect("a file");
    foreign
        .execute_batch("CREATE TABLE event (x)")
        .expect("a table");
    drop(foreign);
    let ask = |ledger: &str| {
        let settings = format!(
            "ledger: {ledger}\nsources: [{{ name: file, kind: events, path: events.jsonl }}]\n"
        );
        write(folder.path(), "pelorus.yaml", settings);
        told(query(folder.path()).arg(DEPLOYMENTS))
    };
    expect(
        &ask("text.db"),
        3,
        &["text.db is damaged or no ledger: move it away"],
    );
    expect(
        &ask("foreign.db"),
        3,
        &["the file belongs to another program"],
    );
    expect(&ask("folder.db"), 3, &["folder.db: is a directory"]);
    expect(&ask("text.db/x.db"), 3, &["cannot open the ledger"]);
    expect(&ask("made/on/the/way.db"), 0, &[]);
    write(folder.path(), "empty.db", "");
    let told = ask("empty.db");
    expect(&told, 0, &[]);
    assert_eq!(told.out.lines().count(), 2);

    let newer = rusqlite::Connection::open(folder.path().join("empty.db")).expect("a ledger");
    newer
        .execute_batch("PRAGMA user_version = 999")
        .expect("a ledger");
    drop(newer);
    expect(
        &ask("empty.db"),
        3,
        &["was written by a newer Pelorus (schema 999"],
    );
}

#[test]
fn a_ledger_that_another_program_locks_is_said_to_be_locked() {
    let folder = folder();
    write(folder.path(), "events.jsonl", format!("{DEPLOYMENT}\n"));
    let settings = "ledger: x.db\nsources: [{ name: file, kind: events, path: events.jsonl }]\n";
    write(folder.path(), "pelorus.yaml", settings);
    expect(&told(query(folder.path()).arg(DEPLOYMENTS)), 0, &[]);
    let other = rusqlite::Connection::open(folder.path().join("x.db")).expect("a ledger");
    other
        .execute_batch("BEGIN IMMEDIATE")
        .expect("nobody else writes");
    let locked = told(query(folder.path()).arg(DEPLOYMENTS));
    expect(
        &locked,
        3,
        &["x.db is locked by another program: close that, and try again"],
    );
    drop(other);

    // Another Pelorus is no obstacle: it owns the ledger, and this one reads.
    let lock = std::fs::File::open(folder.path().join("x.db.lock")).expect("a lock");
    lock.lock().expect("nobody else holds it");
    let beside = told(query(folder.path()).arg(DEPLOYMENTS));
    expect(&beside, 1, &["is open for reading only: another process"]);
    assert_eq!(beside.out.lines().count(), 2);
}

/// A repository of five commits with a version tag each.
fn repository(path: &Path) {
    let git = |arguments: &[&str], date: &str| {
        let status = Command::new("git")
            .arg("-C")
            .arg(path)
            .args([
                "-c",
                "user.name=Ann Author",
                "-c",
                "user.email=ann@example.org",
            ])
            .args(arguments)
            .envs([
                ("GIT_CONFIG_GLOBAL", "/dev/null"),
                ("GIT_CONFIG_NOSYSTEM", "1"),
            ])
            .envs([("GIT_AUTHOR_DATE", date), ("GIT_COMMITTER_DATE", date)])
            .stdout(Stdio::null())
            .status()
            .expect("git is installed");
        assert!(status.success(), "git {arguments:?}");
    };
    std::fs::create_dir_all(path).expect("a writable folder");
    git(&["init", "-q", "-b", "main"], "");
    for month in 1..=5 {
        let date = format!("2026-0{month}-01T10:00:00Z");
        git(&["commit", "-q", "--allow-empty", "-m", "step"], &date);
        let tag = format!("v{month}.0.0");
        git(&["tag", "-a", "-m", "release", &tag], &date);
    }
}

fn object(repository: &Path, name: &str) -> PathBuf {
    let output = Command::new("git")
        .arg("-C")
        .arg(repository)
        .args(["rev-parse", name])
        .output()
        .expect("git is installed");
    let hash = String::from_utf8(output.stdout).expect("digits");
    let (folder, file) = hash.trim().split_at(2);
    repository.join(".git/objects").join(folder).join(file)
}

#[test]
fn a_damaged_repository_gives_what_can_be_read_and_the_rest_when_it_is_mended() {
    let folder = folder();
    let shop = folder.path().join("shop");
    repository(&shop);
    let settings = "ledger: x.db\nfreshness: 0s\nsources: [{ name: code, kind: git, path: shop }]\ndeployments: [{ from: tag, match: '^v', environment: production }]\n";
    write(folder.path(), "pelorus.yaml", settings);
    let ask = || {
        // The clock of the machine, so that what was read before is out of date.
        let mut command = pelorus(folder.path());
        command.args(["query", "-q", "--from", "2026-01-01", "--to", "2100-01-01"]);
        told(command.args(["--format", "csv", DEPLOYMENTS]))
    };
    let (lost, aside) = (object(&shop, "v3.0.0"), folder.path().join("aside"));
    std::fs::rename(&lost, &aside).expect("a loose object");
    let broken = ask();
    expect(
        &broken,
        1,
        &["Tag v3.0.0 of local/shop cannot be read and is left out"],
    );
    assert_eq!(broken.out.lines().count(), 5, "{}", broken.out);
    std::fs::rename(&aside, &lost).expect("a loose object");
    let mended = ask();
    assert_eq!(
        mended.out.lines().count(),
        6,
        "{}\n{}",
        mended.out,
        mended.notices
    );
}

#[test]
fn what_is_no_repository_is_named() {
    let folder = folder();
    std::fs::create_dir(folder.path().join("plain")).expect("a writable folder");
    write(folder.path(), "file", "x");
    let cases = [
        ("nowhere", 2, "cannot find the repository nowhere"),
        ("plain", 3, "does not appear to be a git repository"),
        ("file", 3, "Not a directory"),
    ];
    for (path, exit, phrase) in cases {
        let mut command = pelorus(folder.path());
        expect(
            &told(command.args(["query", "-q", "--repo", path])),
            exit,
            &[phrase],
        );
    }
}

#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    let folder = folder();
    repository(&folder.path().join("shop"));
    for arguments in [
        ["query", "--repo", "shop"],
        ["query", "--repo", "nowhere"],
        ["query", "--config", "nowhere"],
    ] {
        for closes_errors in [false, true] {
            let (reader, writer) = std::io::pipe().expect("a pipe");
            drop(reader);
            let mut command = pelorus(folder.path());
            command.args(arguments);
            if closes_errors {
                command.stdout(Stdio::null()).stderr(writer);
            } else {
                command.stdout(writer).stderr(Stdio::null());
            }
            let status = command.status().expect("the binary runs");
            assert!(
                matches!(status.code(), Some(0..=2)),
                "{arguments:?}: {status}"
            );
        }
    }
}

#[test]
fn names_of_people_stay_out_unless_settings_say_otherwise() {
    let folder = folder();
    repository(&folder.path().join("shop"));
    let events = r#"{"type":"pull_request","repository":"acme/shop","number":1,"author":"Ann Author","opened_at":"2026-05-01T10:00:00Z"}
{"type":"commit","repository":"acme/shop","hash":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","author":"Ann Author","committed_at":"2026-05-01T10:00:00Z"}
{"type":"verdict","target":"x","statement":"failed","author":"Ann Author","at":"2026-05-01T10:00:00Z"}
"#;
    write(folder.path(), "events.jsonl", events);
    let settings = |people: &str| {
        format!(
            "ledger: x.db\n{people}sources:\n  - {{ name: code, kind: git, path: shop }}\n  - {{ name: file, kind: events, path: events.jsonl }}\n"
        )
    };
    let holds_name = || {
        ["x.db", "x.db-wal", "x.db-shm"].iter().any(|name| {
            // A log that is not there holds no name.
            let bytes = std::fs::read(folder.path().join(name)).unwrap_or_default();
            bytes.windows(10).any(|window| window == b"Ann Author")
        })
    };
    let changes = r#"{"kind":"events","table":"pull_requests"}"#;
    write(folder.path(), "pelorus.yaml", settings(""));
    let hidden = told(query(folder.path()).env("RUST_LOG", "debug").arg(changes));
    assert!(!hidden.out.contains("Ann") && !hidden.notices.contains("Ann Author"));
    assert!(!holds_name());

    std::fs::remove_file(folder.path().join("x.db")).expect("a ledger");
    for ending in ["-wal", "-shm"] {
        // Only there while the ledger is open.
        std::fs::remove_file(folder.path().join(format!("x.db{ending}"))).ok();
    }
    write(folder.path(), "pelorus.yaml", settings("people: shown\n"));
    told(query(folder.path()).arg(changes));
    assert!(holds_name());
    let forgotten = told(pelorus(folder.path()).args(["forget", "--person", "Ann Author"]));
    assert_eq!(forgotten.exit, Some(0), "{}", forgotten.notices);
    assert!(
        forgotten.out.contains("Forgot Ann Author in 8 events."),
        "{}",
        forgotten.out
    );
    assert!(!holds_name());
}

#[test]
fn started_by_hand_the_plugin_says_who_starts_it() {
    let folder = folder();
    expect(
        &told(pelorus(folder.path()).arg("serve")),
        2,
        &["this is a plugin, which Grafana starts by itself"],
    );
}
