//! GitLab's count of how complex a GraphQL query is, so that its server can refuse what GitLab would.
//!
//! A field counts 1 beside what it holds, one that calls Gitaly 2, some more; a list that is resolved counts one hundredth
//! more an item of its page (`app/graphql/types/base_field.rb` and `resolvers/base_resolver.rb` of GitLab 18).

use std::collections::HashMap;

use serde_json::Value;

/// The name of the query.
pub fn operation(query: &str) -> &str {
    let rest = query.trim_start().strip_prefix("query ").expect("a query");
    rest.split(['(', ' ', '{']).next().expect("a name")
}

struct Field {
    name: String,
    arguments: String,
    holds: Vec<Field>,
}

/// How complex GitLab counts the query to be.
pub fn complexity(query: &str, variables: &Value) -> f64 {
    let words = words(query);
    let mut fragments = HashMap::new();
    let mut root = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let is_fragment = words[at] == "fragment";
        let name = words[at + 1].clone();
        while words[at] != "{" {
            at += 1;
        }
        let fields = selection(&words, &mut at);
        if is_fragment {
            fragments.insert(name, fields);
        } else {
            root = fields;
        }
    }
    root.iter()
        .map(|field| cost(field, &fragments, variables))
        .sum()
}

fn words(query: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = query.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '{' | '}' | ':' => 1,
            '(' => rest.find(')').expect("brackets close") + 1,
            _ => rest
                .find(|letter: char| letter.is_whitespace() || "{}():".contains(letter))
                .unwrap_or(rest.len()),
        };
        words.push(rest[..length].to_owned());
        rest = rest[length..].trim_start();
    }
    words
}

fn selection(words: &[String], at: &mut usize) -> Vec<Field> {
    *at += 1;
    let mut fields: Vec<Field> = Vec::new();
    while words[*at] != "}" {
        match words[*at].as_str() {
            "{" => {
                let holds = selection(words, at);
                fields.last_mut().expect("a field").holds = holds;
                continue;
            }
            // What stood before was only another name for it.
            ":" => drop(fields.pop()),
            word if word.starts_with('(') => {
                fields.last_mut().expect("a field").arguments = word.to_owned();
            }
            word => fields.push(Field {
                name: word.to_owned(),
                arguments: String::new(),
                holds: Vec::new(),
            }),
        }
        *at += 1;
    }
    *at += 1;
    fields
}

fn cost(field: &Field, fragments: &HashMap<String, Vec<Field>>, variables: &Value) -> f64 {
    let sum = |fields: &[Field]| -> f64 {
        fields
            .iter()
            .map(|field| cost(field, fragments, variables))
            .sum()
    };
    if let Some(name) = field.name.strip_prefix("...") {
        return sum(&fragments[name]);
    }
    let holds = sum(&field.holds);
    let has = |argument: &str| f64::from(u8::from(field.arguments.contains(argument)));
    let listed = |own: f64| {
        let counted = (holds + own) * (1.0 + first(&field.arguments, variables) / 100.0);
        counted.trunc()
    };
    match field.name.as_str() {
        "mergeRequests" | "notes" | "releases" | "environments" => listed(1.0 + has("sort:")),
        "projects" => listed(11.0 + has("sort:")),
        "pipelines" => listed(2.0 + 2.0 * has("ref:")),
        "mergedAt" | "closedAt" | "labels" => holds + 5.0,
        "commits" | "diffHeadSha" | "rootRef" => holds + 2.0,
        _ => holds + 1.0,
    }
}

fn first(arguments: &str, variables: &Value) -> f64 {
    let Some((_, rest)) = arguments.split_once("first: ") else {
        return 100.0;
    };
    let word = rest.split([',', ')']).next().expect("a value").trim();
    match word.strip_prefix('$') {
        Some(name) => variables[name].as_f64().expect("a number"),
        None => word.parse().expect("a number"),
    }
}

#[test]
fn complexity_is_counted_as_gitlab_does() {
    let query = "query one($n: Int!) { list: group(fullPath: $p) { projects(first: $n, sort: X) { nodes { id name } } } }";
    // nodes 1 + id 1 + name 1 = 3; + 11 + 1 for the sort = 15; twice at 100 = 30; + the group 1.
    assert_eq!(complexity(query, &serde_json::json!({"n": 100})), 31.0);
    assert_eq!(operation(query), "one");
}
