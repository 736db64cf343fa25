//! The shape of the house: who may import whom, what the middle may not do, how large a file may grow.
//!
//! `ARCHITECTURE.md` names each of these tests beside the promise that it holds.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Module → modules it may name. `error` (the printer of causes) is open to all.
const IMPORTS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("config", &["model", "providers"]),
    ("series", &["model"]),
    ("providers", &["model", "config", "series"]),
    ("ledger", &["model"]),
    ("sync", &["model", "config", "providers", "ledger"]),
    ("correlate", &["model"]),
    ("dora", &["model", "correlate"]),
    ("frames", &["model", "dora", "app"]),
    (
        "app",
        &[
            "model",
            "config",
            "providers",
            "ledger",
            "sync",
            "correlate",
            "dora",
        ],
    ),
    (
        "export",
        &[
            "model",
            "config",
            "providers",
            "series",
            "ledger",
            "dora",
            "app",
        ],
    ),
    (
        "plugin",
        &[
            "model", "config", "series", "dora", "frames", "app", "ledger",
        ],
    ),
    (
        "cli",
        &[
            "model",
            "config",
            "providers",
            "ledger",
            "sync",
            "correlate",
            "dora",
            "frames",
            "app",
            "export",
            "plugin",
        ],
    ),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of ours").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The code of a file: without comments, and without its tests where `with_tests` is false.
fn code(path: &Path, with_tests: bool) -> String {
    let text = fs::read_to_string(path).expect("a readable file");
    let lines = text
        .lines()
        .take_while(|line| with_tests || !line.starts_with("#[cfg(test)]"));
    lines
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn is_test_file(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests")
        || path
            .file_name()
            .is_some_and(|name| name == "tests.rs" || name == "testing.rs")
}

fn modules() -> BTreeMap<String, Vec<PathBuf>> {
    let mut modules: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    let source = root().join("src");
    for path in rust_files(&source) {
        let inside = path.strip_prefix(&source).expect("below src");
        let first = inside
            .components()
            .next()
            .expect("a name")
            .as_os_str()
            .to_string_lossy()
            .into_owned();
        modules
            .entry(first.trim_end_matches(".rs").to_owned())
            .or_default()
            .push(path);
    }
    modules
}

/// Names that follow `crate::` in the code, the first of each path and of each group.
fn named_modules(code: &str) -> Vec<String> {
    let mut named = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 1;
            let mut word = String::new();
            for letter in group.chars() {
                match letter {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    _ if depth == 1 && (letter.is_alphanumeric() || letter == '_') => {
                        word.push(letter)
                    }
                    ':' | ',' if depth == 1 && !word.is_empty() => {
                        named.push(std::mem::take(&mut word))
                    }
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
            }
        } else {
            named.push(
                rest.chars()
                    .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
                    .collect(),
            );
        }
    }
    named
}

#[test]
fn data_moves_one_way_and_nobody_imports_against_it() {
    let modules = modules();
    let mut faults = Vec::new();
    for (module, allowed) in IMPORTS {
        for path in modules
            .get(*module)
            .into_iter()
            .flatten()
            .filter(|path| !is_test_file(path))
        {
            for named in named_modules(&code(path, false)) {
                let known = modules.contains_key(&named);
                if known
                    && named != *module
                    && named != "error"
                    && !allowed.contains(&named.as_str())
                {
                    faults.push(format!("{} names {named}", path.display()));
                }
            }
        }
    }
    assert!(
        faults.is_empty(),
        "imports against the table of ARCHITECTURE.md:\n{}",
        faults.join("\n")
    );
}

#[test]
fn every_module_stands_in_the_import_table() {
    let table: Vec<_> = IMPORTS.iter().map(|(module, _)| *module).collect();
    let strangers: Vec<_> = modules()
        .into_keys()
        .filter(|module| {
            !table.contains(&module.as_str())
                && !["lib", "main", "error"].contains(&module.as_str())
        })
        .collect();
    assert!(
        strangers.is_empty(),
        "modules without a row in the import table: {strangers:?}"
    );
}

#[test]
fn the_middle_has_no_async_no_io_and_no_clock() {
    let forbidden = [
        "async ",
        ".await",
        "tokio",
        "std::fs",
        "std::net",
        "std::io",
        "std::env",
        "Utc::now",
        "SystemTime",
        "Instant::now",
        "println!",
        "tracing::",
        "rusqlite",
    ];
    let modules = modules();
    let mut faults = Vec::new();
    for module in ["model", "correlate", "dora", "frames"] {
        for path in modules
            .get(module)
            .into_iter()
            .flatten()
            .filter(|path| !is_test_file(path))
        {
            let code = code(path, false);
            faults.extend(
                forbidden
                    .iter()
                    .filter(|word| code.contains(**word))
                    .map(|word| format!("{} says `{word}`", path.display())),
            );
        }
    }
    assert!(
        faults.is_empty(),
        "the middle stays pure:\n{}",
        faults.join("\n")
    );
}

#[test]
fn providers_translate_and_nothing_more() {
    let forbidden = [
        "sleep(",
        "spawn(",
        "spawn_blocking",
        "Utc::now",
        "SystemTime::now",
        "Instant::now",
        "tracing::",
        "println!",
    ];
    let mut faults = Vec::new();
    for path in rust_files(&root().join("src/providers")) {
        if is_test_file(&path) || path.components().any(|part| part.as_os_str() == "http") {
            continue;
        }
        let code = code(&path, false);
        faults.extend(
            forbidden
                .iter()
                .filter(|word| code.contains(**word))
                .map(|word| format!("{} says `{word}`", path.display())),
        );
    }
    assert!(
        faults.is_empty(),
        "waiting, retrying and logging are for sync:\n{}",
        faults.join("\n")
    );
}

#[test]
fn stdout_is_written_by_the_command_line_alone() {
    let mut faults = Vec::new();
    for path in rust_files(&root().join("src")) {
        let inside = path
            .strip_prefix(root().join("src"))
            .expect("below src")
            .to_path_buf();
        if inside.starts_with("cli") || inside == Path::new("main.rs") || is_test_file(&path) {
            continue;
        }
        let code = code(&path, false);
        if code.contains("println!") && code.replace("eprintln!", "").contains("println!")
            || code.contains("stdout()")
        {
            faults.push(path.display().to_string());
        }
    }
    assert!(
        faults.is_empty(),
        "stdout belongs to Grafana's handshake: {faults:?}"
    );
}

#[test]
fn a_file_holds_one_idea_and_at_most_400_lines() {
    let mut faults = Vec::new();
    for path in rust_files(&root().join("src"))
        .into_iter()
        .filter(|path| !is_test_file(path))
    {
        let text = fs::read_to_string(&path).expect("a readable file");
        let lines = text
            .lines()
            .take_while(|line| !line.starts_with("#[cfg(test)]"))
            .count();
        if lines > 400 {
            faults.push(format!("{} has {lines} lines", path.display()));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn nobody_names_a_module_after_nothing() {
    let empty = [
        "utils", "util", "common", "helpers", "helper", "manager", "base", "misc",
    ];
    let faults: Vec<_> = rust_files(&root().join("src"))
        .into_iter()
        .filter(|path| {
            path.iter()
                .any(|part| empty.contains(&part.to_string_lossy().trim_end_matches(".rs")))
        })
        .collect();
    assert!(faults.is_empty(), "{faults:?}");
}

#[test]
fn versions_agree_wherever_they_stand() {
    let version = env!("CARGO_PKG_VERSION");
    let plugin = fs::read_to_string(root().join("plugin.json")).expect("plugin.json");
    assert!(
        plugin.contains("%VERSION%"),
        "plugin.json takes its version from Cargo.toml"
    );
    let changelog = fs::read_to_string(root().join("CHANGELOG.md")).expect("CHANGELOG.md");
    assert!(
        changelog.contains(&format!("## {version}")),
        "CHANGELOG.md has no section {version}"
    );
}

/// `docs/faults.md` names a test beside each fault.
#[test]
fn every_fault_is_held_by_a_test_that_exists() {
    let page = fs::read_to_string(root().join("docs/faults.md")).expect("the page");
    let sources = ["src", "tests"].map(|folder| rust_files(&root().join(folder)));
    let code: String = sources
        .iter()
        .flatten()
        .map(|path| fs::read_to_string(path).expect("a readable file"))
        .collect();
    // The heads of the tables hold nothing.
    let is_row = |line: &&str| line.starts_with("| ") && !line.starts_with("| fault |");
    let rows: Vec<&str> = page.lines().filter(is_row).collect();
    for row in &rows {
        let tests = row.rsplit(" | ").next().expect("a cell");
        let named: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "nothing holds: {row}");
        for test in named {
            assert!(
                code.contains(&format!("fn {test}(")),
                "no test {test}: {row}"
            );
        }
    }
    assert!(rows.len() > 50);
}
