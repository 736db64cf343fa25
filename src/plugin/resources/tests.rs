use super::super::administration::Administration;
use super::super::messages::{DataSourceSettings, PluginContext, User};
use super::*;

fn request(method: &str, path: &str, role: Option<&str>, body: &str) -> CallResourceRequest {
    CallResourceRequest {
        context: Some(PluginContext {
            org_id: 1,
            user: role.map(|role| User {
                role: role.to_owned(),
            }),
            data_source: Some(DataSourceSettings {
                uid: "a".to_owned(),
                ..DataSourceSettings::default()
            }),
            ..PluginContext::default()
        }),
        path: path.to_owned(),
        method: method.to_owned(),
        body: body.as_bytes().to_vec(),
    }
}

async fn answered(request: CallResourceRequest) -> (i32, Value) {
    let plugin = Plugin::new(Administration::read(|_| None));
    let response = call(&plugin, request).await;
    assert_eq!(
        response.headers["Content-Type"].values,
        ["application/json"]
    );
    (
        response.code,
        serde_json::from_slice(&response.body).unwrap(),
    )
}

async fn status(method: &str, path: &str, role: Option<&str>, body: &str) -> i32 {
    let (status, body) = answered(request(method, path, role, body)).await;
    assert_eq!(status >= 400, body["error"].is_string(), "{body}");
    status
}

#[tokio::test]
async fn a_viewer_sees_what_can_be_asked_but_no_sources() {
    for role in [None, Some(""), Some("None"), Some("Viewer")] {
        assert_eq!(status("GET", "kinds", role, "").await, 200);
        assert_eq!(status("GET", "/metrics/", role, "").await, 200);
        assert_eq!(status("GET", "sources", role, "").await, 403);
        assert_eq!(status("POST", "check", role, "").await, 403);
        assert_eq!(status("POST", "sync", role, "{}").await, 403);
    }
}

#[tokio::test]
async fn an_editor_sees_sources_too() {
    for role in [Some("Editor"), Some("Admin")] {
        assert_eq!(status("GET", "sources", role, "").await, 200);
        assert_eq!(status("POST", "check", role, "").await, 200);
        assert_eq!(status("POST", "sync", role, "{}").await, 202);
    }
}

#[tokio::test]
async fn what_does_not_exist_or_fit_is_refused() {
    let role = Some("Admin");
    assert_eq!(status("GET", "secrets", role, "").await, 404);
    assert_eq!(status("GET", "", role, "").await, 404);
    assert_eq!(status("POST", "kinds", role, "").await, 405);
    assert_eq!(status("GET", "values", role, "").await, 405);
    assert_eq!(status("POST", "values", role, "[]").await, 400);
    assert_eq!(
        status("POST", "values", role, r#"{"key":"colour"}"#).await,
        400
    );
    assert_eq!(
        status("POST", "check", role, r#"{"source":"nobody"}"#).await,
        404
    );
    assert_eq!(status("POST", "check", role, r#"{"sauce":"x"}"#).await, 400);
    let range =
        r#"{"key":"application","from":"2026-02-01T00:00:00Z","to":"2026-01-01T00:00:00Z"}"#;
    assert_eq!(status("POST", "values", role, range).await, 400);
    let long = " ".repeat(LONGEST_BODY + 1);
    assert_eq!(status("POST", "values", role, &long).await, 413);
}

#[tokio::test]
async fn the_kinds_are_described_without_working_settings() {
    let mut request = request("GET", "kinds", None, "");
    request.context = None;
    let (status, body) = answered(request).await;
    assert_eq!(status, 200);
    assert!(
        body["kinds"].is_array() && body["settings"].is_array(),
        "{body}"
    );
}

#[test]
fn a_source_is_listed_as_the_contract_says() {
    let status = SourceStatus {
        name: "shop-code".into(),
        kind: "git",
        coverage: crate::model::Coverage::of(TimeRange::new(
            DateTime::UNIX_EPOCH,
            DateTime::UNIX_EPOCH + TimeDelta::days(1),
        )),
        stats: crate::ledger::SourceStats {
            events: vec![
                (crate::model::EventKind::Commit, 3),
                (crate::model::EventKind::Release, 2),
            ],
            times: None,
            read_at: Some(DateTime::UNIX_EPOCH),
        },
        is_syncing: true,
        progress: Some((12_000, Some(18_785))),
        failure: None,
    };
    let expected = json!({
        "name": "shop-code",
        "kind": "git",
        "events": 5,
        "covered": [{ "from": "1970-01-01T00:00:00.000Z", "to": "1970-01-02T00:00:00.000Z" }],
        "lastSync": "1970-01-01T00:00:00.000Z",
        "syncing": true,
        "progress": { "done": 12_000, "total": 18_785 },
        "error": null,
    });
    assert_eq!(source_json(&status), expected);
}
