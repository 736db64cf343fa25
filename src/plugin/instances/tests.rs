use std::collections::HashMap;

use secrecy::SecretString;
use serde_json::json;

use super::super::caller::Caller;
use super::super::instance::IDLE;
use super::super::messages::{DataSourceSettings, PluginContext};
use super::*;

fn data_source(org_id: i64, uid: &str, json_data: &serde_json::Value) -> DataSource {
    let context = PluginContext {
        org_id,
        data_source: Some(DataSourceSettings {
            uid: uid.to_owned(),
            json_data: json_data.to_string().into_bytes(),
            ..DataSourceSettings::default()
        }),
        ..PluginContext::default()
    };
    Caller::of(Some(context)).data_source.unwrap()
}

fn instances(data: Option<&Path>) -> Instances {
    Instances::new(Administration::read(|name| {
        (name == "GF_PATHS_DATA").then_some(data?.into())
    }))
}

fn is_same(a: &Lease, b: &Lease) -> bool {
    std::ptr::eq::<Instance>(&**a, &**b)
}

#[tokio::test]
async fn an_instance_lives_while_its_settings_stay() {
    let instances = instances(None);
    let source = data_source(1, "a", &json!({}));
    let first = instances.lease(&source).await.unwrap();
    assert!(is_same(&first, &instances.lease(&source).await.unwrap()));

    let mut with_secret = source.clone();
    with_secret.secrets = HashMap::from([("x__token".to_owned(), SecretString::from("s"))]);
    let second = instances.lease(&with_secret).await.unwrap();
    assert!(!is_same(&first, &second));
    with_secret.updated_ms = 1;
    let third = instances.lease(&with_secret).await.unwrap();
    assert!(!is_same(&second, &third));
    assert_eq!(instances.running().len(), 1);
}

#[tokio::test]
async fn organisations_do_not_share_a_data_source_of_one_uid() {
    let folder = tempfile::tempdir().unwrap();
    let instances = instances(Some(folder.path()));
    let one = instances
        .lease(&data_source(1, "a", &json!({})))
        .await
        .unwrap();
    let two = instances
        .lease(&data_source(2, "a", &json!({})))
        .await
        .unwrap();
    assert_ne!(one.ledger_file().unwrap(), two.ledger_file().unwrap());
    assert!(one.ledger_file().unwrap().ends_with("pelorus/1-a.db"));
    assert_eq!(instances.running().len(), 2);
}

#[tokio::test]
async fn a_uid_cannot_leave_the_ledger_folder() {
    let folder = tempfile::tempdir().unwrap();
    let instances = instances(Some(folder.path()));
    let lease = instances
        .lease(&data_source(1, "../../etc/x", &json!({})))
        .await
        .unwrap();
    let file = lease.ledger_file().unwrap();
    let ledgers = folder.path().canonicalize().unwrap().join("pelorus");
    assert_eq!(file.parent(), Some(ledgers.as_path()));
}

#[tokio::test]
async fn a_ledger_has_one_owner_even_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let shared = folder.path().join("pelorus/team.db");
    std::fs::create_dir_all(shared.parent().unwrap()).unwrap();
    let settings = json!({ "ledger": shared });
    let owner = data_source(1, "a", &settings);
    let other = data_source(2, "b", &settings);
    for _start in 0..2 {
        let instances = instances(Some(folder.path()));
        if _start == 0 {
            instances.lease(&owner).await.unwrap();
        }
        let Err(refused) = instances.lease(&other).await else {
            panic!("a stranger got the ledger");
        };
        assert_eq!(refused.status, 400);
        assert!(
            refused
                .text
                .contains("team.db belongs to another data source"),
            "{refused}"
        );
        assert!(instances.lease(&owner).await.is_ok());
    }
}

#[tokio::test]
async fn without_a_data_folder_the_ledger_is_in_memory_and_says_so() {
    let lease = instances(None)
        .lease(&data_source(1, "a", &json!({})))
        .await
        .unwrap();
    assert_eq!(lease.ledger_file(), None);
    assert!(lease.ledger_notice.as_ref().unwrap().contains("in memory"));
}

#[tokio::test]
async fn faults_of_settings_are_named_and_can_be_mended() {
    let instances = instances(None);
    let refused = instances
        .lease(&data_source(1, "a", &json!({ "timezone": "Mars/Olympus" })))
        .await;
    let Err(refused) = refused else {
        panic!("odd settings were taken")
    };
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("`timezone`"), "{refused}");
    assert!(
        instances
            .lease(&data_source(1, "a", &json!({})))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_file_outside_the_allowed_paths_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let instances = instances(Some(folder.path()));
    let refused = instances
        .lease(&data_source(
            1,
            "a",
            &json!({ "ledger": "/etc/pelorus.db" }),
        ))
        .await;
    let Err(refused) = refused else {
        panic!("a file of the system was taken")
    };
    assert!(refused.text.contains("allowed_paths"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn an_idle_instance_drops_its_caches_and_stops_only_when_syncing_ends() {
    let instances = instances(None);
    let source = data_source(1, "a", &json!({ "keepSyncing": "3h" }));
    let lease = instances.lease(&source).await.unwrap();
    let instance = instances.running().remove(0);
    let hours = |hours: u32| Instant::now() + IDLE * hours;
    assert_eq!(instance.upkeep(hours(9)), Upkeep::Nothing, "a request runs");
    drop(lease);
    assert_eq!(instance.upkeep(Instant::now()), Upkeep::Nothing);
    assert_eq!(instance.upkeep(hours(1)), Upkeep::DropCaches);
    assert_eq!(
        instance.upkeep(hours(2)),
        Upkeep::Nothing,
        "they are dropped once"
    );
    assert_eq!(instance.upkeep(hours(3)), Upkeep::Stop);
    instances.keep_up(hours(3)).await;
    assert!(instances.running().is_empty());
    assert!(
        instances.lease(&source).await.is_ok(),
        "the next question starts it again"
    );
}

#[tokio::test(start_paused = true)]
async fn old_settings_live_until_their_requests_end() {
    let instances = instances(None);
    let old = instances
        .lease(&data_source(1, "a", &json!({})))
        .await
        .unwrap();
    let retired = instances.running().remove(0);
    instances
        .lease(&data_source(
            1,
            "a",
            &json!({ "timezone": "Europe/Berlin" }),
        ))
        .await
        .unwrap();
    tokio::task::yield_now().await;
    assert!(retired.lease().is_none(), "it takes no more requests");
    let ends = retired.retire(Duration::from_secs(60));
    tokio::pin!(ends);
    assert!(futures::poll!(&mut ends).is_pending(), "a request runs");
    drop(old);
    ends.await;
}
