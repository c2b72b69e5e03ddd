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
    seed_with(app, file, &["--simulator-only"]).await
}

async fn seed_with(app: &TestApp, file: &std::path::Path, more: &[&str]) -> Value {
    let line = ["test", "seed-demo", "--out", file.to_str().unwrap()];
    let line = line.iter().chain(more);
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

/// A server that lists `models`.
async fn server(models: &'static str) -> String {
    let router = axum::Router::new().route("/v1/models", axum::routing::get(async move || models));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}")
}

#[tokio::test]
async fn what_two_providers_list_is_offered_by_each_and_priced_and_stays_when_they_are_gone() {
    let app = TestApp::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("demo.json");
    let one = server(r#"{"data":[{"id":"Llama-3"},{"id":"llama-3"},{"id":"whisper-1"}]}"#).await;
    let two = server(r#"[{"id":"llama-3","name":"Llama 3"},{"id":"bge-rerank"}]"#).await;
    let demo = seed_with(&app, &file, &["--ollama-host", &one, "--vllm-url", &two]).await;
    let models = demo["models"].as_array().unwrap();
    for name in ["llama-3", "vllm/llama-3", "bge-rerank"] {
        assert_eq!(models.iter().filter(|model| *model == name).count(), 1, "{name} in {models:?}");
    }
    let mut sql = app.sql().await;
    let served: Vec<(String, String)> = sqlx::query_as(
        "select m.name, p.settings->>'vendor' from models m join deployments d on d.model_id = m.id
         join providers p on p.id = d.provider_id where p.slug in ('ollama', 'vllm') order by 1",
    )
    .fetch_all(&mut sql)
    .await
    .unwrap();
    let expected = [("bge-rerank", "vllm"), ("llama-3", "ollama"), ("vllm/llama-3", "vllm")];
    assert_eq!(served, expected.map(|(model, vendor)| (model.to_owned(), vendor.to_owned())));
    let priced = "models m where exists (select from prices r, jsonb_each_text(
                    (r.rates - 'units') || coalesce(r.rates->'units', '{}')) rate
                  where r.model_id = m.id and rate.value::bigint > 0)";
    assert_eq!(app.count(priced).await, app.count("models").await);

    let before = app.count("outbox").await;
    let gone = ["--ollama-host", "127.0.0.1:9", "--vllm-url", "127.0.0.1:9"];
    let again = seed_with(&app, &file, &gone).await;
    let sorted = |demo: &Value| {
        let names = demo["models"].as_array().unwrap().iter();
        names.map(Value::to_string).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(sorted(&again), sorted(&demo));
    assert_eq!(app.count("outbox").await, before);
}
