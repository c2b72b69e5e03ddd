//! Every operation of the OpenAPI document, called by those who may not. A new operation is
//! covered by existing; one that changes something in an org also needs a body in [`sample`].

use crate::harness::{Client, Reply, TestApp, TestOrg};
use contract::role::Role;
use http::Method;
use serde_json::{Value, json};

struct Operation {
    id: String,
    method: Method,
    path: String,
}

fn operations() -> Vec<Operation> {
    let text = backend::http::openapi::document().unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            operations.push(Operation {
                id: operation["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
            });
        }
    }
    assert!(operations.len() > 30);
    operations
}

fn is_open(operation: &Operation) -> bool {
    backend::http::stack::OPEN.contains(&(operation.method.as_str(), operation.path.as_str()))
}

fn is_with_key(operation: &Operation) -> bool {
    backend::http::stack::WITH_KEY.contains(&(operation.method.as_str(), operation.path.as_str()))
}

/// A member's, in an org; operators name orgs in rooms of their own.
fn is_of_org(operation: &Operation) -> bool {
    operation.path.starts_with("/v1/orgs/{org}")
}

/// A body that the operation would take, so that only the caller is wrong.
fn sample(operation: &Operation, org: &TestOrg) -> Value {
    match operation.id.as_str() {
        "create_team" | "create_org" => json!({"name": "Sample"}),
        "create_app" => json!({"name": "Sample", "team_id": org.team}),
        "create_key" => json!({"app_id": org.app, "name": "Sample", "env": "test"}),
        "create_invitation" => json!({"email": "sample@example.com", "role": "developer"}),
        "create_limit" => json!({
            "scope": {"kind": "app", "id": org.app},
            "metric": "requests", "window": "minute", "max": 1,
        }),
        "create_budget" => json!({
            "name": "Sample", "scope": {"kind": "app", "id": org.app}, "amount_usd": "1",
            "window": "month", "action": {"kind": "deny"},
        }),
        "raise_budget" => {
            json!({"add_usd": "1", "ends_at": "2026-03-02T00:00:00Z", "reason": "Sample"})
        }
        "create_webhook" => json!({"url": "https://example.com/hooks"}),
        "create_limit_override" => {
            json!({"max": 1, "ends_at": "2030-01-01T00:00:00Z", "reason": "Sample"})
        }
        "create_subscription" => json!({"app_id": org.app, "plan_id": absent("plan")}),
        "create_credit" => json!({"kind": "grant", "amount_usd": "1", "note": "Sample"}),
        "create_correction" => json!({"amount_usd": "1", "reason": "Sample"}),
        "drain_replica" => json!({"address": "10.0.0.1:8000", "draining": true}),
        "resolve_unknown" => json!({"resolution": "forgive", "reason": "Sample"}),
        "update_billing" => json!({"billing": "prepaid", "floor_usd": "0"}),
        "create_route" => json!({
            "model_id": absent("model"), "policy": {"rules": [{"name": "all", "pick": "weighted"}]},
        }),
        "accept_invitation" => json!({"token": "sample"}),
        _ => json!({}),
    }
}

/// Ids that nothing has.
fn filled(path: &str, org: &str, object: impl Fn(&str) -> String) -> String {
    let parts = path.split('/').map(|part| {
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            None => part.to_owned(),
            Some("org") => org.to_owned(),
            Some(name) => object(name),
        }
    });
    parts.collect::<Vec<_>>().join("/")
}

fn absent(name: &str) -> String {
    let prefix = match name {
        "person" => "per",
        "invitation" => "inv",
        "provider" => "prov",
        "model" => "mdl",
        "deployment" => "dep",
        "product" => "prod",
        "subscription" => "sub",
        "limit" => "lim",
        "budget" => "bud",
        "webhook" => "hook",
        "override" => "ovr",
        "route" => "rte",
        "request" => "req",
        "transaction" => "ltx",
        other => other,
    };
    format!("{prefix}_00000000000000000000000000")
}

async fn call(client: &Client, operation: &Operation, path: &str, org: &TestOrg) -> Reply {
    let has_body = matches!(operation.method, Method::POST | Method::PATCH | Method::PUT);
    let body = has_body.then(|| sample(operation, org).to_string());
    let mut request = client.request(operation.method.clone(), path, body);
    // One for each address: a call that was refused may still hold its key for a moment.
    let key = format!("{} {path}", operation.id);
    request.headers_mut().insert("idempotency-key", key.parse().unwrap());
    request.headers_mut().insert("if-match", "\"1\"".parse().unwrap());
    client.send(request).await
}

#[tokio::test]
async fn nobody_gets_through_any_door_but_the_open_ones() {
    let app = TestApp::start().await;
    let org = app.org("acme").await;
    for operation in operations().iter().filter(|operation| !is_open(operation)) {
        let path = filled(&operation.path, &org.slug, absent);
        let reply = call(&app.nobody(), operation, &path, &org).await;
        reply.refused(if is_with_key(operation) { "key.missing" } else { "session.missing" });
    }
}

#[tokio::test]
async fn every_open_door_leads_somewhere() {
    let known: Vec<_> = operations().into_iter().map(|o| (o.method.to_string(), o.path)).collect();
    for (method, path) in backend::http::stack::OPEN.iter().chain(backend::http::stack::WITH_KEY) {
        // Its document does not describe itself.
        let is_there =
            *path == "/openapi.json" || known.iter().any(|(m, p)| m == method && p == path);
        assert!(is_there, "{method} {path}");
    }
}

#[tokio::test]
async fn no_door_of_another_org_opens() {
    let app = TestApp::start().await;
    let (ours, theirs) = (app.org("ours").await, app.org("theirs").await);
    let owner = app.member(&ours, Role::Owner).await;
    for operation in operations().iter().filter(|operation| is_of_org(operation)) {
        for named in [theirs.slug.clone(), theirs.id.to_string()] {
            let path = filled(&operation.path, &named, absent);
            call(&owner, operation, &path, &theirs).await.refused("object.not_found");
        }
    }
    assert_eq!(app.count("audit_entries").await, 0);
}

#[tokio::test]
async fn an_auditor_changes_nothing_anywhere() {
    let app = TestApp::start().await;
    let org = app.org("acme").await;
    let auditor = app.member(&org, Role::Auditor).await;
    for operation in operations().iter().filter(|operation| is_of_org(operation)) {
        let path = filled(&operation.path, &org.slug, absent);
        let reply = call(&auditor, operation, &path, &org).await;
        if operation.method == Method::GET {
            assert!(reply.status.as_u16() < 500, "{}: {}", operation.id, reply.text);
        } else {
            assert_eq!(reply.json()["code"], "role.forbidden", "{}: {}", operation.id, reply.text);
        }
    }
    assert_eq!((app.count("audit_entries").await, app.count("outbox").await), (0, 0));
}

#[tokio::test]
async fn only_operators_are_let_into_the_operators_rooms() {
    let app = TestApp::start().await;
    let org = app.org("acme").await;
    let owner = app.member(&org, Role::Owner).await;
    for operation in operations().iter().filter(|operation| operation.path.starts_with("/v1/admin"))
    {
        let path = filled(&operation.path, &org.slug, absent);
        call(&owner, operation, &path, &org).await.refused("role.forbidden");
    }
    let operator = app.operator().await;
    for operation in operations().iter().filter(|operation| operation.path.starts_with("/v1/admin"))
    {
        if operation.method == Method::GET {
            let path = filled(&operation.path, &org.slug, absent);
            let status = call(&operator, operation, &path, &org).await.status.as_u16();
            assert!([200, 404].contains(&status), "{}: {status}", operation.id);
        }
    }
}

/// The strongest case: the caller may do everything in their own org, and names an object of
/// another in its address.
#[tokio::test]
async fn another_orgs_object_is_answered_like_one_that_is_not_there() {
    let app = TestApp::start().await;
    let (ours, theirs) = (app.org("ours").await, app.org("theirs").await);
    let owner = app.member(&ours, Role::Owner).await;
    let them = app.member(&theirs, Role::Owner).await;
    let key = json!({"app_id": theirs.app, "name": "k", "env": "live"});
    let key = them.post("/v1/orgs/theirs/keys", key).await.expect(201).json()["key"]["id"].clone();
    let invitation = json!({"email": "x@example.com", "role": "developer"});
    let invitation = them.post("/v1/orgs/theirs/invitations", invitation).await.expect(201).json();
    let limit = json!({"scope": {"kind": "app", "id": theirs.app}, "metric": "requests", "window": "minute", "max": 1});
    let limit = them.post("/v1/orgs/theirs/limits", limit).await.expect(201).json();
    let budget = json!({"name": "B", "scope": {"kind": "org", "id": theirs.id}, "amount_usd": "9", "window": "day", "action": {"kind": "deny"}});
    let budget = them.post("/v1/orgs/theirs/budgets", budget).await.expect(201).json();
    let raise = json!({"add_usd": "1", "ends_at": "2026-03-02T00:00:00Z", "reason": "r"});
    let raises = format!("/v1/orgs/theirs/budgets/{}/raises", budget["id"].as_str().unwrap());
    let raised = them.post(&raises, raise).await.expect(201).json();
    let webhook = json!({"url": "https://example.com/theirs"});
    let webhook = them.post("/v1/orgs/theirs/webhooks", webhook).await.expect(201).json();
    let mut sql = app.sql().await;
    let (model, route) = (uuid::Uuid::from_u128(7), uuid::Uuid::from_u128(8));
    sqlx::query(
        "insert into models values ($1, 'theirs', 'T', 'embedding', 'active', 0, 0, now())",
    )
    .bind(model)
    .execute(&mut sql)
    .await
    .unwrap();
    sqlx::query("insert into routes values ($1, $2, $3, 1, 1, now())")
        .bind(route)
        .bind(theirs.id.0)
        .bind(model)
        .execute(&mut sql)
        .await
        .unwrap();
    sqlx::query(
        "insert into route_versions values ($1, $1, $2, 1,
           '{\"rules\": [{\"name\": \"all\", \"pick\": \"weighted\"}]}', '', '', now())",
    )
    .bind(route)
    .bind(theirs.id.0)
    .execute(&mut sql)
    .await
    .unwrap();
    let person = them.get("/v1/me").await.json()["id"].clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let real = |name: &str| match name {
        "app" => theirs.app.to_string(),
        "team" => theirs.team.to_string(),
        "key" => text(&key),
        "invitation" => text(&invitation["id"]),
        "person" => text(&person),
        "limit" => text(&limit["id"]),
        "budget" => text(&budget["id"]),
        "raise" => text(&raised["raises"][0]["id"]),
        "webhook" => text(&webhook["webhook"]["id"]),
        "route" => contract::id::RouteId(route).to_string(),
        other => absent(other),
    };
    let before = (app.count("audit_entries").await, app.count("outbox").await);
    for operation in operations().iter().filter(|o| is_of_org(o) && o.path.matches('{').count() > 1)
    {
        let (theirs_path, nowhere) =
            (filled(&operation.path, "ours", real), filled(&operation.path, "ours", absent));
        let reply = call(&owner, operation, &theirs_path, &ours).await;
        let reference = call(&owner, operation, &nowhere, &ours).await;
        assert_eq!(reply.comparable(), reference.comparable(), "{}", operation.id);
        assert_eq!(reply.status.as_u16(), 404, "{}: {}", operation.id, reply.text);
    }
    assert_eq!((app.count("audit_entries").await, app.count("outbox").await), before);
}
