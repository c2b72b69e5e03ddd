//! Providers and their credentials.

use crate::harness::{Shop, TestApp};
use contract::seal::{MasterKey, Sealed};
use serde_json::{Value, json};
use std::net::SocketAddr;

const SECRET: &str = "sk-very-secret";

fn new(base_url: &str) -> Value {
    json!({
        "slug": "acme-ai", "name": "Acme AI", "dialect": "openai", "auth": "bearer",
        "base_url": base_url, "credential": SECRET,
    })
}

#[tokio::test]
async fn a_credential_is_kept_sealed_and_never_comes_back() {
    let app = TestApp::start().await;
    let operator = app.operator().await;
    let made = operator.post("/v1/admin/providers", new("https://a.example/v1/")).await.expect(201);
    let provider = made.json();
    assert_eq!(provider["base_url"], "https://a.example/v1");
    assert_eq!(provider["has_credential"], true);
    let id = provider["id"].as_str().unwrap();
    let path = format!("/v1/admin/providers/{id}");
    let seen = [
        made.text.clone(),
        operator.get(&path).await.expect(200).text,
        operator.get("/v1/admin/providers").await.expect(200).text,
    ];
    assert!(seen.iter().all(|text| !text.contains(SECRET)), "{seen:?}");

    let mut sql = app.sql().await;
    let stored: String = sqlx::query_scalar("select sealed::text from provider_credentials")
        .fetch_one(&mut sql)
        .await
        .unwrap();
    assert!(!stored.contains(SECRET));
    let sealed: Sealed = serde_json::from_str(&stored).unwrap();
    let master = MasterKey::from_base64("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap();
    let opened = master.open(&format!("provider/{id}"), &sealed).unwrap();
    assert_eq!(opened.expose_str(), Some(SECRET));

    let logged: String =
        sqlx::query_scalar("select string_agg(coalesce(after::text, ''), '') from audit_entries")
            .fetch_one(&mut sql)
            .await
            .unwrap();
    assert!(logged.contains("acme-ai") && !logged.contains(SECRET), "{logged}");
    assert_eq!(app.count("outbox where kind = 'provider'").await, 1);
}

#[tokio::test]
async fn a_provider_that_could_not_be_called_is_refused_field_by_field() {
    let app = TestApp::start().await;
    let operator = app.operator().await;
    let bad = json!({
        "slug": "Not A Slug", "name": " ", "dialect": "openai", "auth": "bearer",
        "base_url": "ftp://x",
    });
    let refused = operator.post("/v1/admin/providers", bad).await.refused("request.invalid");
    assert_eq!(refused.pointers(), ["/slug", "/name", "/base_url", "/credential"]);
    let unknown =
        json!({"slug": "a", "name": "A", "dialect": "latin", "auth": "none", "base_url": "x"});
    let refused = operator.post("/v1/admin/providers", unknown).await.refused("request.invalid");
    assert_eq!(refused.pointers(), ["/dialect"]);
    assert_eq!((app.count("providers").await, app.count("audit_entries").await), (0, 0));
}

#[tokio::test]
async fn a_stored_credential_does_not_follow_to_another_host() {
    let app = TestApp::start().await;
    let operator = app.operator().await;
    let made = operator.post("/v1/admin/providers", new("https://a.example/v1")).await.expect(201);
    let path = format!("/v1/admin/providers/{}", made.json()["id"].as_str().unwrap());
    let moved = json!({"base_url": "https://evil.example/v1"});
    let refused = operator.patch(&path, moved, 1).await.refused("request.invalid");
    assert_eq!(refused.pointers(), ["/credential"]);
    let same_host = json!({"base_url": "https://a.example/v2"});
    let kept = operator.patch(&path, same_host.clone(), 1).await.expect(200).json();
    assert_eq!((kept["has_credential"].clone(), kept["version"].clone()), (json!(true), json!(2)));
    operator.patch(&path, same_host, 1).await.refused("object.version_stale");
    let open = operator.patch(&path, json!({"auth": "none"}), 2).await.expect(200).json();
    assert_eq!(open["has_credential"], false);
    assert_eq!(app.count("provider_credentials").await, 0);
}

#[tokio::test]
async fn a_provider_in_use_is_not_removed_and_an_idle_one_is() {
    let app = TestApp::start().await;
    let shop = Shop::open(&app).await;
    let used = format!("/v1/admin/providers/{}", shop.provider);
    shop.operator.delete(&used).await.refused("object.conflict");
    let made =
        shop.operator.post("/v1/admin/providers", new("https://a.example")).await.expect(201);
    let idle = format!("/v1/admin/providers/{}", made.json()["id"].as_str().unwrap());
    shop.operator.delete(&idle).await.expect(204);
    shop.operator.delete(&idle).await.refused("object.not_found");
    assert_eq!(app.count("audit_entries where action = 'delete_provider'").await, 1);
}

/// A provider that knows one credential.
async fn upstream() -> SocketAddr {
    use axum::http::{HeaderMap, StatusCode};
    let models = async |headers: HeaderMap| {
        if headers.get("authorization").is_some_and(|v| v == "Bearer sk-very-secret") {
            (StatusCode::OK, r#"{"data":[{"id":"one"},{"id":"two"}]}"#)
        } else {
            (StatusCode::UNAUTHORIZED, r#"{"error":"sk-very-secret is the one I know"}"#)
        }
    };
    let router = axum::Router::new()
        .route("/v1/models", axum::routing::get(models))
        .route("/page/models", axum::routing::get(async || "<html>"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

#[tokio::test]
async fn a_test_says_what_a_provider_offers_or_what_is_wrong_with_it() {
    let app = TestApp::start().await;
    let operator = app.operator().await;
    let address = upstream().await;
    let made = operator
        .post("/v1/admin/providers", new(&format!("http://{address}/v1")))
        .await
        .expect(201);
    let path = format!("/v1/admin/providers/{}", made.json()["id"].as_str().unwrap());
    let test = async || operator.post(&format!("{path}/test"), json!({})).await.expect(200).json();
    let good = test().await;
    assert_eq!(
        (good["ok"].clone(), good["upstream_models"].clone()),
        (json!(true), json!(["one", "two"]))
    );
    for (version, change, word) in [
        (1, json!({"credential": "sk-wrong"}), "credential"),
        (
            2,
            json!({"base_url": format!("http://{address}/page"), "credential": "k"}),
            "list of models",
        ),
        (3, json!({"base_url": format!("http://{address}"), "credential": "k"}), "/v1"),
        (4, json!({"base_url": "http://127.0.0.1:9", "credential": "k"}), "No connection"),
    ] {
        operator.patch(&path, change, version).await.expect(200);
        let bad = test().await;
        assert_eq!(bad["ok"], false);
        let detail = bad["detail"].as_str().unwrap();
        assert!(detail.contains(word) && !detail.contains("sk-"), "{detail}");
    }
}

#[tokio::test]
async fn no_role_of_a_tenant_or_a_person_reaches_a_provider() {
    let app = TestApp::start().await;
    let mut sql = app.sql().await;
    for role in ["app_tenant", "app_person"] {
        for table in ["providers", "provider_credentials", "deployments", "usage_dead_letters"] {
            for privilege in ["select", "insert", "update", "delete"] {
                let may: bool = sqlx::query_scalar("select has_table_privilege($1, $2, $3)")
                    .bind(role)
                    .bind(table)
                    .bind(privilege)
                    .fetch_one(&mut sql)
                    .await
                    .unwrap();
                assert!(!may, "{role} may {privilege} {table}");
            }
        }
    }
}

#[tokio::test]
async fn a_provider_keeps_its_other_dialects_and_what_its_kind_needs() {
    let app = TestApp::start().await;
    let operator = app.operator().await;
    let mut body = new("https://eu-de.ml.example");
    body["dialect"] = "watsonx".into();
    body["auth"] = "ibm_iam".into();
    let refused = operator.post("/v1/admin/providers", body.clone()).await;
    assert_eq!(refused.refused("request.invalid").pointers(), ["/settings/project"]);
    body["also"] = json!(["openai", "responses"]);
    body["settings"] =
        json!({"project": "p-1", "api_version": "2024-10-08", "region": "", "vendor": "watsonx"});
    let made = operator.post("/v1/admin/providers", body).await.expect(201).json();
    let path = format!("/v1/admin/providers/{}", made["id"].as_str().unwrap());
    let kept = operator.get(&path).await.expect(200).json();
    assert_eq!(kept["also"], json!(["openai", "responses"]));
    let settings = json!({"project": "p-1", "api_version": "2024-10-08", "vendor": "watsonx"});
    assert_eq!(kept["settings"], settings);
}

/// Lists as vendors do, each for its own header and under its own path.
async fn vendors() -> SocketAddr {
    use axum::extract::RawQuery;
    use axum::http::{HeaderMap, StatusCode};
    use axum::routing::get;
    let list = |needs: &'static [(&'static str, &'static str)], page: &'static str, body| {
        get(async move |RawQuery(query): RawQuery, headers: HeaderMap| {
            let sent =
                |(name, value): &(&str, &str)| headers.get(*name).is_some_and(|v| v == value);
            let good = needs.iter().all(sent) && query.unwrap_or_default() == page;
            if good { (StatusCode::OK, body) } else { (StatusCode::UNAUTHORIZED, "") }
        })
    };
    let bearer: &[_] = &[("authorization", "Bearer sk-very-secret")];
    let anthropic: &[_] = &[("x-api-key", SECRET), ("anthropic-version", "2023-06-01")];
    let claude = r#"{"data":[{"type":"model","id":"one","display_name":"One"}],"has_more":false}"#;
    let gemini = r#"{"models":[{"name":"models/one","displayName":"One"}]}"#;
    let cohere = r#"{"models":[{"name":"one","endpoints":["chat"]}],"next_page_token":""}"#;
    let llama_cpp = r#"{"models":[{"name":"one"}],"object":"list","data":[{"id":"one"}]}"#;
    let router = axum::Router::new()
        .route("/anthropic/v1/models", list(anthropic, "limit=1000", claude))
        .route("/v1beta/models", list(&[("x-goog-api-key", SECRET)], "pageSize=1000", gemini))
        .route("/v1/models", list(bearer, "page_size=1000", cohere))
        .route("/together/models", list(bearer, "", r#"[{"id":"one","type":"chat"}]"#))
        .route("/openrouter/models", list(bearer, "", r#"{"data":[{"id":"one","name":"One"}]}"#))
        .route("/llama/models", list(bearer, "", llama_cpp))
        .route("/api/tags", list(bearer, "", r#"{"models":[{"name":"one","model":"one"}]}"#))
        .route("/neither/models", list(bearer, "", r#"{"object":"list"}"#));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

#[tokio::test]
async fn each_dialects_list_of_models_is_asked_for_and_read_as_its_vendor_has_it() {
    let app = TestApp::start().await;
    let operator = app.operator().await;
    let address = vendors().await;
    let test = async |slug: &str, dialect: &str, auth: &str, base: &str| {
        let body = json!({
            "slug": slug, "name": slug, "dialect": dialect, "auth": auth,
            "base_url": format!("http://{address}{base}"), "credential": SECRET,
        });
        let made = operator.post("/v1/admin/providers", body).await.expect(201).json();
        let path = format!("/v1/admin/providers/{}/test", made["id"].as_str().unwrap());
        operator.post(&path, json!({})).await.expect(200).json()
    };
    for (slug, dialect, auth, base) in [
        ("anthropic", "anthropic", "x_api_key", "/anthropic/v1"),
        ("gemini", "gemini", "google_api_key", "/v1beta"),
        ("cohere", "cohere", "bearer", "/v2"),
        ("together", "openai", "bearer", "/together"),
        ("openrouter", "openai", "bearer", "/openrouter"),
        ("llama-cpp", "openai", "bearer", "/llama"),
        ("ollama", "ollama", "bearer", ""),
    ] {
        let said = test(slug, dialect, auth, base).await;
        assert_eq!(said["upstream_models"], json!(["one"]), "{slug}: {said}");
    }
    let said = test("cohere-host", "cohere", "bearer", "").await;
    assert!(said["detail"].as_str().unwrap().contains("/v2"), "{said}");
    let said = test("neither", "openai", "bearer", "/neither").await;
    assert!(said["detail"].as_str().unwrap().contains("list of models"), "{said}");
}

#[tokio::test]
async fn how_an_endpoint_lays_out_predictions_is_checked_place_by_place_and_kept() {
    let app = TestApp::start().await;
    let operator = app.operator().await;
    let mut body = new("https://models.example");
    body["dialect"] = "predict".into();
    let refused = operator.post("/v1/admin/providers", body.clone()).await;
    assert_eq!(refused.refused("request.invalid").pointers(), ["/settings/predict"]);
    let map = json!({"path": "/v1/models/{model}:predict", "input": "/instances", "layout": "rows",
        "outputs": [{"name": "y", "pointer": "/predictions", "datatype": "FP32"}]});
    for (field, value, place) in [
        ("path", json!("v1/predict"), "/settings/predict/path"),
        ("input", json!("instances"), "/settings/predict/input"),
        ("with", json!([1]), "/settings/predict/with"),
        ("outputs", json!([]), "/settings/predict/outputs"),
        (
            "outputs",
            json!([{"name": "y", "pointer": "p", "datatype": "FP32"}]),
            "/settings/predict/outputs/0/pointer",
        ),
        (
            "outputs",
            json!([{"name": "y", "pointer": "/p", "datatype": "FLOAT"}]),
            "/settings/predict/outputs/0/datatype",
        ),
    ] {
        let mut bad = map.clone();
        bad[field] = value;
        body["settings"] = json!({ "predict": bad });
        let refused = operator.post("/v1/admin/providers", body.clone()).await;
        assert_eq!(refused.refused("request.invalid").pointers(), [place]);
    }
    body["settings"] = json!({"predict": map, "vendor": "kserve_predict"});
    let made = operator.post("/v1/admin/providers", body).await.expect(201).json();
    let path = format!("/v1/admin/providers/{}", made["id"].as_str().unwrap());
    let kept = operator.get(&path).await.expect(200).json();
    assert_eq!(kept["settings"]["predict"], map);
    let mut sql = app.sql().await;
    let logged: String = sqlx::query_scalar(
        "select after::text from audit_entries where action = 'create_provider'",
    )
    .fetch_one(&mut sql)
    .await
    .unwrap();
    assert!(logged.contains("/predictions"), "{logged}");
}
