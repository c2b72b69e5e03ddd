//! The demo: what its file promises works, and a second run changes nothing.

use crate::harness::TestApp;
use backend::admin::{self, Command};
use clap::Parser;
use contract::key::{KeyPepper, ParsedKey};
use serde_json::{Value, json};

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

async fn seed(app: &TestApp, file: &std::path::Path) -> Value {
    let line = ["test", "seed-demo", "--out", file.to_str().unwrap()];
    let command = Cli::parse_from(line).command;
    assert!(admin::run(&app.app, command, &mut Vec::new()).await.unwrap());
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

#[tokio::test]
async fn everybody_in_the_demos_file_signs_in_and_every_key_is_known() {
    let app = TestApp::start().await;
    let folder = tempfile::tempdir().unwrap();
    let demo = seed(&app, &folder.path().join("demo.json")).await;
    let mut logins = vec![demo["operator"].clone()];
    for org in demo["orgs"].as_array().unwrap() {
        assert_eq!(org["members"].as_array().unwrap().len(), 5);
        logins.extend(org["members"].as_array().unwrap().iter().cloned());
        for one in org["apps"].as_array().unwrap() {
            let parsed = ParsedKey::parse(one["key"].as_str().unwrap()).unwrap();
            let hash: Vec<u8> =
                sqlx::query_scalar("select secret_hash from api_keys where public_id = $1")
                    .bind(parsed.public_id)
                    .fetch_one(&mut app.sql().await)
                    .await
                    .unwrap();
            assert_eq!(hash, KeyPepper::new([1; 32]).hash(&parsed).0);
        }
    }
    for login in logins {
        let body = json!({"email": login["email"], "password": login["password"]});
        app.nobody().post("/v1/sign-in", body).await.expect(200);
    }
    assert_eq!(demo["models"], json!(["sim-small", "sim-large", "sim-embed"]));
    assert!(app.count("usage_events where cost_nanos > 0").await > 1_000);
    assert_eq!(app.count("usage_dead_letters").await, 0);
    let mut report = Vec::new();
    assert!(admin::run(&app.app, Command::Reconcile, &mut report).await.unwrap(), "{report:?}");
}

#[tokio::test]
async fn a_second_run_changes_nothing_and_a_lost_file_is_made_good() {
    let app = TestApp::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("demo.json");
    let first = seed(&app, &file).await;
    let counts = async || {
        let mut counts = Vec::new();
        for table in ["people", "orgs", "apps", "api_keys", "models", "usage_events", "outbox"] {
            counts.push(app.count(table).await);
        }
        counts
    };
    let before = counts().await;
    assert_eq!(seed(&app, &file).await, first);
    assert_eq!(counts().await, before);

    std::fs::remove_file(&file).unwrap();
    let renewed = seed(&app, &file).await;
    assert_ne!(renewed["operator"]["password"], first["operator"]["password"]);
    let body = json!({
        "email": renewed["operator"]["email"], "password": renewed["operator"]["password"],
    });
    app.nobody().post("/v1/sign-in", body).await.expect(200);
}
