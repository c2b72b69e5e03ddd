//! Pools of replicas: the operator writes one, sees how the gateways find it, and takes replicas out.

use crate::support::{Call, Portal, id, ok, refusal};
use axum::response::Response;
use contract::error::ErrorCode;
use serde_json::{Value, json};

const AT: &str = "2026-03-01T00:00:00Z";

fn pool() -> Value {
    json!({"server": "sglang", "found": {"by": "list", "addresses": ["gpu-1:8000", "gpu-2:8000"]},
        "metrics_path": "/metrics", "scrape_ms": 150, "concurrency_max": 16,
        "queue": {"calls_max": 500, "wait_ms_max": 20_000}, "affinity": true, "gpus": 2,
        "draining": ["gpu-2:8000"]})
}

fn provider(n: u8) -> Value {
    let mut provider = json!({"id": id("prov", n), "slug": "gpus", "name": "Our GPUs",
        "base_url": "http://replicas/v1", "dialect": "openai", "auth": "none",
        "has_credential": false, "disabled": false, "deployment_count": 1, "created_at": AT,
        "version": 4});
    if n == 1 {
        provider["pool"] = pool();
    }
    provider
}

fn replicas() -> Value {
    let seen = |n: u8, state: Value, fault: Value| json!({"gateway_id": id("gw", n), "state": state, "fault": fault});
    json!({"at": AT, "provider_id": id("prov", 1), "gateways": 2, "gateways_telling": 2,
    "waiting": 12, "faults": ["the name <b> has no address"], "replicas": [
        {"address": "gpu-1:8000", "draining": false, "in_flight": 7, "seen": [
            seen(1, json!("ready"), Value::Null),
            seen(2, json!("down"), json!("it refused the connection"))],
         "metrics": {"running": 9, "queued": 3, "kv_permille": 625, "read_ms_ago": 80}},
        {"address": "gpu-2:8000", "draining": true, "in_flight": null, "metrics": null,
         "seen": [seen(1, Value::Null, Value::Null), seen(2, Value::Null, Value::Null)]},
    ]})
}

fn play(call: &Call) -> Option<Response> {
    let what = call.what.replace(&id("prov", 1), "{pool}").replace(&id("prov", 2), "{plain}");
    let body = &call.body;
    match what.as_str() {
        "GET /v1/admin/providers/{pool}" => ok(provider(1)),
        "GET /v1/admin/providers/{plain}" => ok(provider(2)),
        "GET /v1/admin/providers/{pool}/replicas" => ok(replicas()),
        "POST /v1/admin/providers" if body["pool"]["scrape_ms"] == 1 => refusal(
            ErrorCode::RequestInvalid,
            &[
                ("/pool/found/addresses/1", "gpu-2 has no port"),
                ("/pool/scrape_ms", "use 50 to 5000 milliseconds"),
                ("/pool/queue/wait_ms_max", "use 1 to 120000 milliseconds"),
            ],
        ),
        "POST /v1/admin/providers" if body["pool"]["found"]["by"] == "dns" => {
            refusal(ErrorCode::RequestInvalid, &[("/pool/found/port", "Dns."), ("/pool", "Whole.")])
        }
        "POST /v1/admin/providers" | "PATCH /v1/admin/providers/{pool}" => ok(provider(1)),
        "POST /v1/admin/providers/{pool}/drain" if body["address"] == "gpu-1:8000" => refusal(
            ErrorCode::RequestInvalid,
            &[("/address", "that would leave no replica to take calls")],
        ),
        "POST /v1/admin/providers/{pool}/drain" => ok(provider(1)),
        _ => None,
    }
}

fn typed<'a>(by: &'a str, addresses: &'a str, scrape_ms: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("version", "4"),
        ("slug", "gpus"),
        ("name", "Our GPUs"),
        ("base_url", "http://replicas/v1"),
        ("dialect", "openai"),
        ("auth", "none"),
        ("pool_by", by),
        ("pool_addresses", addresses),
        ("pool_name", "sgl.internal"),
        ("pool_port", "30000"),
        ("pool_every_s", "5"),
        ("pool_server", "sglang"),
        ("pool_metrics_path", "/metrics"),
        ("pool_scrape_ms", scrape_ms),
        ("pool_concurrency_max", "16"),
        ("pool_calls_max", "500"),
        ("pool_wait_ms_max", "20000"),
        ("pool_affinity", "true"),
        ("pool_gpus", "2"),
    ]
}

#[tokio::test]
async fn a_pool_is_written_in_the_form_and_what_drains_in_it_goes_on_draining() {
    let mut portal = Portal::start(play).await.signed_in("operator");
    let here = format!("/admin/providers/{}", id("prov", 1));
    let shown = portal.get(&here).await.body;
    for words in ["gpu-1:8000\ngpu-2:8000", "value=\"150\"", "SGLang", &format!("{here}/replicas")]
    {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let fields = typed("list", "GPU-2:8000 \r\n\r\n gpu-3:8000", "150");
    assert_eq!(portal.post(&here, &fields).await.to(), here);
    let what = format!("PATCH /v1/admin/providers/{}", id("prov", 1));
    let sent = portal.asked.last(&what).body["pool"].clone();
    let mut wanted = pool();
    wanted["found"]["addresses"] = json!(["GPU-2:8000", "gpu-3:8000"]);
    assert_eq!(sent, wanted);
    portal.post(&here, &typed("list", "gpu-1:8000", "150")).await;
    let sent = portal.asked.last(&what).body["pool"].clone();
    assert_eq!(sent.get("draining"), None, "a replica that is gone drains no more");
    portal.post(&here, &typed("", "gpu-1:8000", "150")).await;
    assert_eq!(portal.asked.last(&what).body["pool"], Value::Null);
}

#[tokio::test]
async fn what_is_wrong_with_a_pool_is_said_at_its_field_and_nothing_typed_is_lost() {
    let mut portal = Portal::start(play).await.signed_in("operator");
    let new = "/admin/providers/new";
    portal.post("/admin/providers", &typed("list", "gpu-1:8000\ngpu-2", "1")).await;
    let shown = portal.get(new).await.body;
    for words in [
        "gpu-2 has no port",
        "href=\"#field-pool_addresses\"",
        "href=\"#field-pool_scrape_ms\"",
        "href=\"#field-pool_wait_ms_max\"",
        "gpu-1:8000\ngpu-2",
        "value=\"20000\"",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    portal.post("/admin/providers", &typed("dns", "", "100")).await;
    let shown = portal.get(new).await.body;
    for words in ["href=\"#field-pool_port\"", "href=\"#field-pool_by\"", "sgl.internal"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let asked = portal.asked.count("POST /v1/admin/providers");
    portal.post("/admin/providers", &typed("list", "gpu-1:8000", "soon")).await;
    let shown = portal.get(new).await.body;
    assert!(
        shown.contains("Enter a whole number, such as 100.") && shown.contains("value=\"soon\"")
    );
    assert_eq!(portal.asked.count("POST /v1/admin/providers"), asked);
}

#[tokio::test]
async fn replicas_are_shown_as_each_gateway_finds_them_and_what_none_tells_of_as_unknown() {
    let mut portal = Portal::start(play).await.signed_in("operator");
    let here = format!("/admin/providers/{}/replicas", id("prov", 1));
    let shown = portal.get(&here).await.body;
    for words in [
        "Ready: 1 of 2 gateways",
        "Failing, rests: 1 of 2 gateways",
        "it refused the connection",
        "the name &lt;b&gt; has no address",
        "62.5 %, read 80 ms ago",
        "KV cache of gpu-1:8000",
        "Unknown",
        ">unknown<",
        "Let it work again",
        "Look again",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let plain = format!("/admin/providers/{}/replicas", id("prov", 2));
    let shown = portal.get(&plain).await.body;
    assert!(shown.contains("one address, its own") && !shown.contains("<table"), "{shown}");
}

#[tokio::test]
async fn a_replica_is_drained_by_its_button_and_a_refusal_stays_to_be_read() {
    let mut portal = Portal::start(play).await.signed_in("operator");
    let here = format!("/admin/providers/{}/replicas", id("prov", 1));
    let drain = format!("/admin/providers/{}/drain", id("prov", 1));
    let what = format!("POST /v1{drain}");
    let fields = [("address", "gpu-2:8000"), ("draining", "false")];
    assert_eq!(portal.post(&drain, &fields).await.to(), here);
    assert_eq!(portal.asked.last(&what).body, json!({"address": "gpu-2:8000", "draining": false}));
    assert!(portal.get(&here).await.body.contains("It gets calls again."));
    let fields = [("address", "gpu-1:8000"), ("draining", "true")];
    assert_eq!(portal.post(&drain, &fields).await.to(), here);
    let shown = portal.get(&here).await.body;
    assert!(shown.contains("that would leave no replica to take calls"), "{shown}");
    let mut owner = Portal::start(play).await.signed_in("owner");
    assert_eq!(owner.get(&here).await.status, 404);
    assert_eq!(owner.asked.count(&what), 0);
}
