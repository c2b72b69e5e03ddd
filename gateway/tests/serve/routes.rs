//! Routes as callers meet them: the rule that matches decides, what may not answer never does, and
//! every answer says how it came about.

use crate::support::{MODEL, Stack, World, chat, deployment, error};
use contract::id::{ModelId, OrgId, RouteId};
use contract::snapshot::{Feature, Record, RoutePolicy, RouteRecord};
use serde_json::{Value, json};
use uuid::Uuid;

/// A route of the platform, or of an org, for the world's chat model.
fn route(world: &mut World, n: u128, org_id: Option<OrgId>, policy: Value) {
    let policy: RoutePolicy = serde_json::from_value(policy).unwrap();
    let (id, model_id) = (RouteId(Uuid::from_u128(n)), world.models[0].id);
    world.more.push(Record::Route(RouteRecord { id, model_id, org_id, version: 4, policy }));
}

/// A second and a third place of the chat model, in regions, told apart by what they call it.
fn places(world: &mut World) {
    world.deployments[0].region = "us".into();
    world.deployments.push(deployment(3, 1, 1, "sim-eu"));
    world.deployments.push(deployment(4, 1, 1, "sim-canary"));
    world.deployments[2].region = "eu".into();
    world.deployments[3].weight = 0;
}

/// What the route's header says after the route, and which place answered.
fn told(response: &reqwest::Response) -> (String, String) {
    let header = response.headers().get("x-tollgate-route").map(|value| value.to_str().unwrap());
    let header = header.expect("the answer says how it came about");
    let (way, place) = header.split_once("place=").unwrap();
    let (place, attempt) = place.split_once("; ").unwrap();
    assert_eq!(attempt, "attempt=1");
    let (id, names) = way.split_once("; ").unwrap();
    assert!(id.starts_with("rte_") && id.ends_with("/4"), "{id}");
    (names.trim_end_matches("; ").to_owned(), place.to_owned())
}

async fn ask(stack: &Stack, change: impl FnOnce(&mut Value)) -> reqwest::Response {
    let mut body = chat("");
    change(&mut body);
    stack.post("/v1/chat/completions").json(&body).send().await.unwrap()
}

#[tokio::test]
async fn the_rule_that_matches_decides_by_header_metadata_and_what_the_request_holds() {
    let stack = Stack::of(|w| {
        places(w);
        let (us, eu) = (w.deployments[0].id, w.deployments[2].id);
        let rule = |name: &str, when: &str, to| {
            json!({"name": name, "when": when, "pick": "ordered", "among": [to]})
        };
        let rules = json!([
            rule("gold", "header['x-tier'] == 'gold' && org == 'acme'", eu),
            rule("tools", "tools > 0 && !stream", eu),
            rule("batch", "metadata['kind'] == 'batch' || user == 'robot'", eu),
            {"name": "all others", "pick": "ordered", "among": [us, eu]},
        ]);
        route(w, 1, None, json!({"rules": rules}));
    })
    .await;
    let (us, eu) =
        (stack.world.deployments[0].id.to_string(), stack.world.deployments[2].id.to_string());
    let plain = stack.chat("").await;
    assert_eq!(told(&plain), ("rule=all_others".into(), us));
    let gold = stack.post("/v1/chat/completions").header("x-tier", "gold").json(&chat(""));
    assert_eq!(told(&gold.send().await.unwrap()), ("rule=gold".into(), eu.clone()));
    let tool =
        json!([{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]);
    let tools = ask(&stack, |body| body["tools"] = tool).await;
    assert_eq!(told(&tools), ("rule=tools".into(), eu.clone()));
    let batch = ask(&stack, |body| body["metadata"] = json!({"kind": "batch"})).await;
    assert_eq!(told(&batch), ("rule=batch".into(), eu.clone()));
    let robot = ask(&stack, |body| body["user"] = json!("robot")).await;
    assert_eq!(told(&robot), ("rule=batch".into(), eu));
    let stream = stack.chat_stream("").await;
    assert_eq!(told(&stream).0, "rule=all_others");
}

#[tokio::test]
async fn a_call_never_leaves_its_regions_and_is_refused_where_none_is_left() {
    let stack = Stack::of(|w| {
        places(w);
        let all = json!([{"name": "all", "pick": "weighted"}]);
        route(w, 1, None, json!({"rules": all, "regions": ["eu"]}));
    })
    .await;
    let eu = stack.world.deployments[2].clone();
    for _ in 0..20 {
        assert_eq!(told(&stack.chat("").await).1, eu.id.to_string());
    }
    let mut closed = eu;
    closed.disabled = true;
    stack.publish(Record::Deployment(closed)).await;
    let refused = stack.chat("").await;
    let message = error(refused).await;
    assert_eq!((message.0, message.1.as_str()), (403, "residency.none"));
}

#[tokio::test]
async fn a_canary_gets_its_users_and_keeps_them() {
    let stack = Stack::of(|w| {
        places(w);
        let part =
            json!({"name": "new", "basis_points": 5000, "deployment_id": w.deployments[3].id});
        let split = json!({"name": "try", "parts": [part]});
        let rule =
            json!({"name": "all", "pick": "weighted", "sticky": {"by": "user"}, "split": split});
        route(w, 1, None, json!({"rules": [rule]}));
    })
    .await;
    let canary = stack.world.deployments[3].id.to_string();
    let mut on_it = 0;
    for n in 0..40 {
        let user = |body: &mut Value| body["user"] = json!(format!("user-{n}"));
        let (first, second) = (told(&ask(&stack, user).await), told(&ask(&stack, user).await));
        assert_eq!(first, second, "user {n} moved");
        let is_canary = first.1 == canary;
        assert_eq!(first.0.contains("split=try/new"), is_canary, "{first:?}");
        on_it += usize::from(is_canary);
    }
    assert!((8..=32).contains(&on_it), "{on_it}");
}

#[tokio::test]
async fn an_orgs_own_route_wins_over_the_platforms_and_without_any_nothing_is_told() {
    let stack = Stack::of(|w| {
        places(w);
        let (us, eu) = (w.deployments[0].id, w.deployments[2].id);
        let to =
            |name: &str, to| json!({"rules": [{"name": name, "pick": "ordered", "among": [to]}]});
        route(w, 1, None, to("platform", us));
        route(w, 2, Some(w.org.id), to("own", eu));
        route(w, 3, Some(OrgId(Uuid::from_u128(9))), to("anothers", us));
    })
    .await;
    assert_eq!(told(&stack.chat("").await).0, "rule=own");
    let plain = Stack::start().await;
    assert!(plain.chat("").await.headers().get("x-tollgate-route").is_none());
}

#[tokio::test]
async fn a_place_that_lacks_what_a_call_asks_for_is_left_out_even_of_another_model() {
    let stack = Stack::of(|w| {
        places(w);
        let mut other = w.models[0].clone();
        other.id = ModelId(Uuid::from_u128(0x333));
        other.name = "house/other".into();
        w.deployments[2].lacks = vec![Feature::Vision, Feature::Tools];
        w.deployments[3].model_id = other.id;
        w.deployments[3].weight = 100;
        w.models.push(other);
        let among = json!([w.deployments[2].id, w.deployments[3].id]);
        let rule = json!({"name": "all", "pick": "ordered", "among": among});
        route(w, 1, None, json!({"rules": [rule]}));
    })
    .await;
    let (small, other) = (stack.world.deployments[2].id, stack.world.deployments[3].id);
    assert_eq!(told(&stack.chat("").await).1, small.to_string());
    let tool =
        json!([{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]);
    let tools = ask(&stack, |body| body["tools"] = tool).await;
    assert_eq!(told(&tools).1, other.to_string());
    // Billed as the model that was asked for.
    let event = &stack.events(2).await[1];
    assert_eq!(event.model_id, stack.world.models[0].id);
}

#[tokio::test]
async fn a_route_whose_conditions_this_gateway_cannot_read_keeps_its_regions() {
    let stack = Stack::of(|w| {
        places(w);
        let rules = json!([
            {"name": "new", "when": "moon_phase == 'full'", "pick": "ordered", "among": [w.deployments[0].id]},
            {"name": "all", "pick": "ordered"},
        ]);
        route(w, 1, None, json!({"rules": rules, "regions": ["eu"]}));
    })
    .await;
    let answer = stack.chat("").await;
    assert_eq!(told(&answer), ("rule=default".into(), stack.world.deployments[2].id.to_string()));
    assert_eq!(stack.world.models[0].name, MODEL);
}
