//! Versions, aliases, cut-overs and brown-outs as operators handle them, and what an app's people and
//! readers of the catalogue see of a model that goes away.

use crate::support::{Call, Portal, id, ok, refusal};
use axum::response::Response;
use contract::error::ErrorCode;
use serde_json::{Value, json};

const AT: &str = "2026-03-01T00:00:00Z";
const SUNSET: &str = "2026-06-01T00:00:00Z";

fn page(items: &[Value]) -> Option<Response> {
    ok(json!({"items": items, "has_more": false}))
}

fn cut_over(n: u8, state: &str, is_reversible: bool) -> Value {
    json!({"id": id("cut", n), "name": "aurora", "to": "aurora@v2", "at": AT, "state": state,
        "is_reversible": is_reversible, "created_by_name": "Ada <i>", "created_at": AT,
        "before": "aurora"})
}

fn version() -> Value {
    json!({"id": id("mdv", 1), "model_id": id("mdl", 1), "label": "v2", "state": "active",
        "deployment_ids": [id("dep", 1)], "created_at": AT, "version": 3})
}

fn model() -> Value {
    json!({"id": id("mdl", 1), "name": "aurora", "display_name": "Aurora", "modality": "chat",
        "state": "deprecated", "deprecated_at": AT, "sunset_at": SUNSET, "successor": "borealis",
        "leads_to": "aurora@v2", "versions": [version()], "aliases": ["best"],
        "brown_outs": [{"id": id("brn", 1), "model_id": id("mdl", 1), "starts_at": AT,
            "ends_at": SUNSET, "percent": 25, "answer": "gone"}],
        "context_tokens_max": 8192, "output_tokens_max": 4096, "deployments": [], "price": null,
        "created_at": AT, "version": 2})
}

fn affected() -> Value {
    json!({"org_id": id("org", 1), "org_slug": "acme", "org_name": "Acme", "app_id": id("app", 1),
        "app_name": "Shop <b>", "requests": 12345, "last_at": AT,
        "told": [{"step": "deprecated", "at": AT}]})
}

fn play(call: &Call) -> Option<Response> {
    let mut what = call.what.clone();
    for (kind, name) in [
        ("mdl", "{model}"),
        ("mdv", "{version}"),
        ("cut", "{cut}"),
        ("als", "{alias}"),
        ("brn", "{brown}"),
        ("app", "{app}"),
    ] {
        what = what.replace(&id(kind, 1), name);
    }
    match what.as_str() {
        "GET /v1/admin/models/{model}" | "PATCH /v1/admin/models/{model}" => ok(model()),
        "GET /v1/admin/models/{model}/prices" | "GET /v1/admin/providers" => page(&[]),
        "GET /v1/admin/deployments/health" => {
            ok(json!({"at": AT, "gateways": 0, "deployments": []}))
        }
        "GET /v1/admin/models/{model}/affected-apps" => page(&[affected()]),
        "GET /v1/admin/cut-overs" => {
            page(&[cut_over(1, "done", true), cut_over(2, "scheduled", false)])
        }
        "GET /v1/admin/aliases" => page(&[json!({"id": id("als", 1), "name": "best",
            "to": "aurora", "model_name": "aurora", "created_at": AT, "version": 1})]),
        "POST /v1/admin/aliases" if call.body["to"] == "nobody" => refusal(
            ErrorCode::RequestInvalid,
            &[("/to", "There is no model and no alias `nobody`.")],
        ),
        "POST /v1/admin/aliases" => ok(json!({"id": id("als", 1), "name": "best", "to": "aurora",
            "model_name": "aurora", "created_at": AT, "version": 1})),
        "DELETE /v1/admin/aliases/{alias}" => refusal(ErrorCode::Conflict, &[]),
        "POST /v1/admin/cut-overs" | "POST /v1/admin/cut-overs/{cut}/rollback" => {
            ok(cut_over(3, "done", true))
        }
        "DELETE /v1/admin/cut-overs/{cut}" | "DELETE /v1/admin/brown-outs/{brown}" => {
            ok(Value::Null)
        }
        "POST /v1/admin/models/{model}/versions" => ok(version()),
        "PATCH /v1/admin/model-versions/{version}" => ok(version()),
        "POST /v1/admin/models/{model}/brown-outs" => ok(model()["brown_outs"][0].clone()),
        "GET /v1/orgs/acme/apps/{app}" => ok(json!({"id": id("app", 1), "team_id": id("team", 1),
            "team_name": "Default", "slug": "shop", "name": "Shop", "description": "",
            "disabled": false, "created_at": AT, "version": 7})),
        "GET /v1/orgs/acme/apps/{app}/deprecations" => ok(json!([{"model_id": id("mdl", 1),
            "model_name": "aurora", "state": "deprecated", "sunset_at": SUNSET,
            "successor": "borealis", "requests": 4, "last_at": AT}])),
        "GET /v1/orgs/acme/keys" | "GET /v1/orgs/acme/limits" => page(&[]),
        "GET /v1/orgs/acme/subscriptions" => page(&[]),
        "GET /v1/catalog/aurora" => ok(json!({"id": id("prod", 1), "slug": "aurora",
            "name": "Aurora", "kind": "model", "summary": "A model.", "description": "",
            "plans": [], "models": [{"id": id("mdl", 1), "name": "aurora",
                "display_name": "Aurora", "modality": "chat", "state": "deprecated",
                "context_tokens_max": 1, "output_tokens_max": 1, "provider_names": [],
                "regions": [], "price": null, "sunset_at": SUNSET, "successor": "borealis"}]})),
        _ => None,
    }
}

fn life() -> String {
    format!("/admin/models/{}/life", id("mdl", 1))
}

#[tokio::test]
async fn a_models_life_is_on_one_page_and_names_are_text() {
    let mut portal = Portal::start(play).await.signed_in("operator");
    let page = portal.get(&life()).await.body;
    for part in [
        "aurora@v2",
        "borealis",
        "best",
        "25 %",
        "410: programs give up",
        "Acme",
        "12,345",
        "<div>deprecated",
        "Take it back",
        "Cancel",
    ] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    assert!(page.contains("Ada &lt;i&gt;") && page.contains("Shop &lt;b&gt;"), "{page}");
    let mut owner = Portal::start(play).await.signed_in("owner");
    assert_eq!(owner.get(&life()).await.status, 404);
    assert_eq!(owner.get("/admin/aliases").await.status, 404);
}

#[tokio::test]
async fn the_end_of_a_model_is_sent_as_typed_and_only_of_a_deprecated_one() {
    let mut portal = Portal::start(play).await.signed_in("operator");
    let here = format!("/admin/models/{}", id("mdl", 1));
    let shown = portal.get(&here).await.body;
    assert!(shown.contains("value=\"2026-06-01T00:00\"") && shown.contains("borealis"));
    let edit = |state, sunset_at| {
        [
            ("version", "2"),
            ("display_name", "Aurora"),
            ("state", state),
            ("context_tokens_max", "8192"),
            ("output_tokens_max", "4096"),
            ("sunset_at", sunset_at),
            ("successor", "borealis"),
        ]
    };
    portal.post(&here, &edit("deprecated", "2026-07-01T08:00")).await;
    let sent = portal.asked.last(&format!("PATCH /v1{here}")).body;
    assert_eq!(sent["sunset_at"], "2026-07-01T08:00:00Z");
    assert_eq!(sent["successor"], "borealis");
    portal.post(&here, &edit("retired", "2026-07-01T08:00")).await;
    assert_eq!(portal.asked.last(&format!("PATCH /v1{here}")).body["sunset_at"], Value::Null);
    portal.post(&here, &edit("deprecated", "soon")).await;
    assert!(portal.get(&here).await.body.contains("Enter a date and time"));
}

#[tokio::test]
async fn cut_overs_are_made_cancelled_and_taken_back_with_one_button_each() {
    let mut portal = Portal::start(play).await.signed_in("operator");
    let model = id("mdl", 1);
    let new = [("model", model.as_str()), ("name", "aurora"), ("to", "aurora@v2"), ("at", "")];
    let answer = portal.post("/admin/cut-overs", &new).await;
    assert_eq!(answer.to(), life());
    let sent = portal.asked.last("POST /v1/admin/cut-overs").body;
    assert_eq!((&sent["to"], &sent["at"]), (&json!("aurora@v2"), &Value::Null));
    let later = [("name", "best"), ("to", "aurora"), ("at", "2026-04-01T00:00")];
    assert_eq!(portal.post("/admin/cut-overs", &later).await.to(), "/admin/aliases");
    let sent = portal.asked.last("POST /v1/admin/cut-overs").body;
    assert_eq!(sent["at"], "2026-04-01T00:00:00Z");
    let one = format!("/admin/cut-overs/{}", id("cut", 1));
    let fields = [("model", model.as_str())];
    assert_eq!(portal.post(&format!("{one}/rollback"), &fields).await.to(), life());
    assert_eq!(portal.asked.count(&format!("POST /v1{one}/rollback")), 1);
    portal.post(&format!("{one}/cancel"), &fields).await;
    assert_eq!(portal.asked.count(&format!("DELETE /v1{one}")), 1);
}

#[tokio::test]
async fn versions_and_brown_outs_are_sent_as_typed() {
    let mut portal = Portal::start(play).await.signed_in("operator");
    let here = format!("/admin/models/{}", id("mdl", 1));
    portal.post(&format!("{here}/versions"), &[("label", "v3")]).await;
    let sent = portal.asked.last(&format!("POST /v1{here}/versions")).body;
    assert_eq!(sent, json!({"label": "v3"}));
    let edit = [("version", "3"), ("state", "deprecated"), ("sunset_at", "2026-04-01T00:00")];
    portal.post(&format!("{here}/versions/{}", id("mdv", 1)), &edit).await;
    let sent = portal.asked.last(&format!("PATCH /v1/admin/model-versions/{}", id("mdv", 1)));
    assert_eq!(sent.body, json!({"state": "deprecated", "sunset_at": "2026-04-01T00:00:00Z"}));
    let mut new = [
        ("starts_at", "2026-05-01T08:00"),
        ("ends_at", "2026-05-01T09:00"),
        ("percent", "25"),
        ("answer", "gone"),
    ];
    portal.post(&format!("{here}/brown-outs"), &new).await;
    let sent = portal.asked.last(&format!("POST /v1{here}/brown-outs")).body;
    assert_eq!((&sent["percent"], &sent["answer"]), (&json!(25), &json!("gone")));
    assert_eq!(sent["ends_at"], "2026-05-01T09:00:00Z");
    new[2].1 = "many";
    portal.post(&format!("{here}/brown-outs"), &new).await;
    assert_eq!(portal.asked.count(&format!("POST /v1{here}/brown-outs")), 1);
    assert!(portal.get(&life()).await.body.contains("Enter a whole number"));
    portal.post(&format!("{here}/brown-outs/{}/delete", id("brn", 1)), &[]).await;
    assert_eq!(portal.asked.count(&format!("DELETE /v1/admin/brown-outs/{}", id("brn", 1))), 1);
}

#[tokio::test]
async fn an_aliass_refusal_finds_its_field() {
    let mut portal = Portal::start(play).await.signed_in("operator");
    let page = portal.get("/admin/aliases").await.body;
    assert!(page.contains("best") && page.contains("Delete"), "{page}");
    portal.post("/admin/aliases", &[("name", "best"), ("to", "nobody")]).await;
    let page = portal.get("/admin/aliases").await.body;
    assert!(page.contains("There is no model and no alias `nobody`."), "{page}");
    let delete = format!("/admin/aliases/{}/delete", id("als", 1));
    portal.post(&delete, &[]).await;
    assert!(portal.get("/admin/aliases").await.body.contains("role=\"alert\""));
}

#[tokio::test]
async fn an_apps_people_and_readers_of_the_catalogue_see_that_a_model_goes_away() {
    let mut portal = Portal::start(play).await.signed_in("developer");
    let page = portal.get(&format!("/o/acme/apps/{}", id("app", 1))).await.body;
    assert!(page.contains("Models that this app calls go away"), "{page}");
    assert!(page.contains("Use borealis instead."), "{page}");
    let page = portal.get("/catalog/aurora").await.body;
    assert!(page.contains("This model goes away.") && page.contains("Use borealis instead."));
}
