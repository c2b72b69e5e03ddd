//! The life of models as callers meet it: versions and aliases, names that lead elsewhere at an
//! instant, what answers say of an end, brown-outs, and what is gone.

use crate::support::{MODEL, Stack, World, chat, deployment, error};
use chrono::TimeDelta;
use contract::Timestamp;
use contract::id::{AliasId, BrownOutId, DeploymentId, ModelId, PriceId, RequestId, RouteId};
use contract::snapshot::{
    AliasRecord, BrownOut, BrownOutAnswer, CutOver, Lead, Lifecycle, ModelRecord, Record,
    RoutePolicy, RouteRecord, VersionLife,
};
use gateway::clock::Clock;
use serde_json::{Value, json};
use uuid::Uuid;

const NEXT: &str = "house/next";

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

/// An instant so many hours from now, at a full second.
fn hours(n: i64) -> Timestamp {
    let at = Clock::System.now() + TimeDelta::hours(n);
    Timestamp::from_timestamp(at.timestamp(), 0).unwrap()
}

/// A second chat model of the product, at a place of its own.
fn next(world: &mut World) -> ModelId {
    let next = ModelId(id(0x333));
    let model = ModelRecord { id: next, name: NEXT.into(), ..world.models[0].clone() };
    world.models.push(model);
    world.product.model_ids.push(next);
    let mut price = world.prices[0].clone();
    (price.id, price.model_id) = (PriceId(id(0x334)), next);
    world.prices.push(price);
    world.deployments.push(deployment(8, 1, 1, "sim-next"));
    world.deployments.last_mut().unwrap().model_id = next;
    next
}

/// A second place of the chat model, which runs the version `v2`.
fn second_version(world: &mut World, state: Lifecycle) {
    let version = |label: &str, state| VersionLife {
        label: label.into(),
        state,
        deprecated_at: Some(hours(-2)),
        sunset_at: None,
    };
    world.models[0].life.versions = vec![version("v2", state), version("v3", Lifecycle::Draft)];
    world.deployments.push(deployment(9, 1, 1, "sim-v2"));
    world.deployments.last_mut().unwrap().version = Some("v2".into());
}

fn alias(world: &mut World, n: u128, name: &str, lead: Lead) {
    let (id, created_at) = (AliasId(id(n)), hours(-1));
    let alias = AliasRecord { id, name: name.into(), lead, next: None, created_at };
    world.more.push(Record::Alias(alias));
}

fn to(model: ModelId, version: Option<&str>) -> Lead {
    Lead::Model { id: model, version: version.map(str::to_owned) }
}

fn deprecate(world: &mut World) {
    let next = next(world);
    world.models[0].state = Lifecycle::Deprecated;
    world.models[0].life.deprecated_at = Timestamp::from_timestamp(1_688_169_599, 0);
    world.models[0].life.sunset_at = Timestamp::from_timestamp(4_102_444_800, 0);
    world.models[0].life.successor_id = Some(next);
}

async fn named(stack: &Stack, model: &str) -> reqwest::Response {
    let mut body = chat("");
    body["model"] = model.into();
    stack.post("/v1/chat/completions").json(&body).send().await.unwrap()
}

/// What the provider was asked for by a call of `model`.
async fn answered_by(stack: &Stack, model: &str) -> String {
    let response = named(stack, model).await;
    assert_eq!(response.status(), 200, "{}", response.text().await.unwrap());
    let asked: Value = serde_json::from_slice(&stack.sim.last().body).unwrap();
    asked["model"].as_str().unwrap().to_owned()
}

fn header(response: &reqwest::Response, name: &str) -> Option<String> {
    Some(response.headers().get(name)?.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn several_versions_answer_at_once_each_by_its_label_and_the_bare_name_by_the_one_in_use() {
    let stack = Stack::of(|w| second_version(w, Lifecycle::Active)).await;
    for _ in 0..10 {
        assert_eq!(answered_by(&stack, MODEL).await, "sim-chat");
        assert_eq!(answered_by(&stack, "house/chat@v2").await, "sim-v2");
    }
    for unknown in ["house/chat@v9", "house/chat@v3", "house/chat@"] {
        let refused = error(named(&stack, unknown).await).await;
        assert_eq!(refused, (404, "model.unknown".into(), Some("model".into())), "{unknown}");
    }
    let mut model = stack.world.models[0].clone();
    model.life.lead = Some(to(model.id, Some("v2")));
    stack.publish(Record::Model(model)).await;
    for _ in 0..10 {
        assert_eq!(answered_by(&stack, MODEL).await, "sim-v2");
    }
}

#[tokio::test]
async fn a_rule_sends_a_part_of_the_bare_names_calls_to_another_version_but_none_that_name_one() {
    let stack = Stack::of(|w| {
        second_version(w, Lifecycle::Active);
        let canary: DeploymentId = w.deployments.last().unwrap().id;
        let part = json!({"name": "new", "basis_points": 10_000, "deployment_id": canary});
        let rule = json!({"name": "all", "pick": "weighted",
            "split": {"name": "try", "parts": [part]}});
        let policy: RoutePolicy = serde_json::from_value(json!({"rules": [rule]})).unwrap();
        let (id, model_id) = (RouteId(id(1)), w.models[0].id);
        let route = RouteRecord { id, model_id, org_id: None, version: 1, policy };
        w.more.push(Record::Route(route));
        w.models[0].life.versions[1].state = Lifecycle::Active;
        w.deployments.push(deployment(10, 1, 1, "sim-v3"));
        w.deployments.last_mut().unwrap().version = Some("v3".into());
    })
    .await;
    assert_eq!(answered_by(&stack, MODEL).await, "sim-v2");
    assert_eq!(answered_by(&stack, "house/chat@v3").await, "sim-v3");
}

#[tokio::test]
async fn an_alias_leads_through_others_to_a_model_and_its_name_is_listed() {
    let stack = Stack::of(|w| {
        second_version(w, Lifecycle::Active);
        let chat = w.models[0].id;
        alias(w, 1, "best", to(chat, None));
        alias(w, 2, "support", Lead::Alias { id: AliasId(id(1)) });
        alias(w, 3, "pinned", to(chat, Some("v2")));
        alias(w, 4, "nowhere", to(ModelId(id(99)), None));
        alias(w, 5, "circle", Lead::Alias { id: AliasId(id(5)) });
    })
    .await;
    assert_eq!(answered_by(&stack, "support").await, "sim-chat");
    assert_eq!(answered_by(&stack, "best@v2").await, "sim-v2");
    assert_eq!(answered_by(&stack, "pinned").await, "sim-v2");
    for unknown in ["nowhere", "circle", "pinned@v2", "nobody"] {
        let refused = error(named(&stack, unknown).await).await;
        assert_eq!((refused.0, refused.1.as_str()), (404, "model.unknown"), "{unknown}");
    }
    let list: Value = stack.get("/v1/models").send().await.unwrap().json().await.unwrap();
    let names: Vec<_> =
        list["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(names, [MODEL, "house/embed", "best", "pinned", "support"]);
    let shown: Value = stack.get("/v1/models/support").send().await.unwrap().json().await.unwrap();
    assert_eq!(shown["id"], "support");
}

#[tokio::test]
async fn a_name_leads_elsewhere_from_the_very_instant_of_its_cut_over_and_back_by_a_change() {
    let at = Timestamp::from_timestamp(1_900_000_000, 0).unwrap();
    let stack = Stack::of(|w| {
        let next = next(w);
        let chat = w.models[0].id;
        alias(w, 1, "best", to(chat, None));
        w.models[0].life.next = Some(CutOver { at, lead: to(next, None) });
    })
    .await;
    assert_eq!(answered_by(&stack, "best").await, "sim-chat");
    let snapshot = stack.gateway.tools.snapshot.load();
    let found = |now| snapshot.find("best", now).unwrap().model.record.name.clone();
    let before = at - TimeDelta::milliseconds(1);
    assert_eq!([found(before), found(at)], [MODEL, NEXT]);

    // As if it were then: the instant is over.
    let mut model = stack.world.models[0].clone();
    model.life.next.as_mut().unwrap().at = hours(-1);
    stack.publish(Record::Model(model.clone())).await;
    for name in ["best", MODEL] {
        assert_eq!(answered_by(&stack, name).await, "sim-next");
    }
    let event = stack.events(3).await.pop().unwrap();
    assert_eq!(event.model_id, ModelId(id(0x333)), "it is billed as what answered");
    // What the worker writes down says the same; and a rollback leads back.
    model.life.lead = model.life.next.take().map(|next| next.lead);
    stack.publish(Record::Model(model.clone())).await;
    assert_eq!(answered_by(&stack, MODEL).await, "sim-next");
    model.life.lead = None;
    stack.publish(Record::Model(model)).await;
    assert_eq!(answered_by(&stack, "best").await, "sim-chat");
}

#[tokio::test]
async fn where_a_name_leads_its_calls_stay_in_the_regions_of_its_own_route() {
    let stack = Stack::of(|w| {
        let next = next(w);
        w.deployments.last_mut().unwrap().region = "us".into();
        w.models[0].life.lead = Some(to(next, None));
        let rules = json!([{"name": "all", "pick": "weighted"}]);
        let policy = json!({"rules": rules, "regions": ["eu"]});
        let policy: RoutePolicy = serde_json::from_value(policy).unwrap();
        let (id, model_id, org_id) = (RouteId(id(1)), w.models[0].id, Some(w.org.id));
        w.more.push(Record::Route(RouteRecord { id, model_id, org_id, version: 1, policy }));
    })
    .await;
    assert_eq!(answered_by(&stack, NEXT).await, "sim-next");
    let (status, ..) = error(named(&stack, MODEL).await).await;
    assert!([403, 503].contains(&status), "{status}");
    assert_eq!(stack.sim.stats().calls, 1, "nothing left the region");
}

/// Calls of the chat model, plain and streamed, in each dialect that callers speak.
fn calls() -> Vec<(&'static str, String, Value)> {
    let messages = json!([{"role": "user", "content": "Hello"}]);
    let gemini = json!({"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]});
    let mut all = Vec::new();
    for stream in [false, true] {
        let chat = json!({"model": MODEL, "messages": messages, "stream": stream});
        let claude =
            json!({"model": MODEL, "messages": messages, "max_tokens": 9, "stream": stream});
        let responses = json!({"model": MODEL, "input": "Hello", "stream": stream});
        let method = if stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
        all.push(("chat", "/v1/chat/completions".to_owned(), chat.clone()));
        all.push(("messages", "/v1/messages".to_owned(), claude));
        all.push(("responses", "/v1/responses".to_owned(), responses));
        all.push(("cohere", "/v2/chat".to_owned(), chat));
        all.push(("gemini", format!("/v1beta/models/{MODEL}:{method}"), gemini.clone()));
    }
    all
}

fn said(response: &reqwest::Response) -> [Option<String>; 3] {
    ["deprecation", "sunset", "link"].map(|name| header(response, name))
}

#[tokio::test]
async fn a_deprecated_model_says_so_on_every_answer_plain_and_streamed_in_every_dialect() {
    let stack = Stack::of(deprecate).await;
    let expected = [
        Some("@1688169599".to_owned()),
        Some("Fri, 01 Jan 2100 00:00:00 GMT".to_owned()),
        Some("</v1/models/house%2Fnext>; rel=\"successor-version\"".to_owned()),
    ];
    for (dialect, path, body) in calls() {
        let response = stack.post(&path).json(&body).send().await.unwrap();
        assert_eq!(response.status(), 200, "{dialect} {path}");
        assert_eq!(said(&response), expected, "{dialect} {path} {body}");
        response.bytes().await.unwrap();
    }
    // Refusals say so too, and what is not deprecated says nothing.
    let wrong = json!({"model": MODEL, "input": "Hello"});
    let refused = stack.post("/v1/embeddings").json(&wrong).send().await.unwrap();
    assert_eq!((refused.status().as_u16(), said(&refused)), (400, expected.clone()));
    assert_eq!(said(&named(&stack, NEXT).await), [None, None, None]);
    let shown = stack.get(&format!("/v1/models/{MODEL}")).send().await.unwrap();
    assert_eq!(said(&shown), expected);
    assert_eq!(shown.json::<Value>().await.unwrap()["successor"], NEXT);
}

#[tokio::test]
async fn lists_say_what_goes_away_in_each_dialects_way() {
    let stack = Stack::of(deprecate).await;
    let get = async |name: &str, value: &str, path: &str| -> Value {
        stack.get(path).header(name, value).send().await.unwrap().json().await.unwrap()
    };
    let list = get("x-none", "", "/v1/models").await;
    let entry = |list: &Value, n: usize| list["data"][n].clone();
    assert_eq!(entry(&list, 0)["sunset_at"], "2100-01-01T00:00:00Z");
    assert_eq!(entry(&list, 0)["deprecated_at"], "2023-06-30T23:59:59Z");
    assert_eq!(entry(&list, 0)["successor"], NEXT);
    assert!(entry(&list, 1).get("sunset_at").is_none());
    let list = get("anthropic-version", "2023-06-01", "/v1/models").await;
    assert_eq!(entry(&list, 0)["successor"], NEXT);
    let list = get("x-goog-api-key", &stack.world.key_text, "/v1beta/models").await;
    assert_eq!(
        list["models"][0]["description"],
        "Deprecated. It answers until 2100-01-01T00:00:00Z. Use house/next."
    );
    let list = get("x-fern-sdk-name", "cohere", "/v1/models").await;
    assert_eq!(list["models"][0]["is_deprecated"], true);
}

#[tokio::test]
async fn a_deprecated_version_says_so_to_those_who_name_it() {
    let stack = Stack::of(|w| {
        second_version(w, Lifecycle::Deprecated);
        w.models[0].life.versions[0].sunset_at = Timestamp::from_timestamp(4_102_444_800, 0);
    })
    .await;
    let told = said(&named(&stack, "house/chat@v2").await);
    assert!(told[0].as_deref().is_some_and(|told| told.starts_with('@')), "{told:?}");
    assert_eq!(told[1].as_deref(), Some("Fri, 01 Jan 2100 00:00:00 GMT"));
    assert_eq!(told[2].as_deref(), Some("</v1/models/house%2Fchat>; rel=\"successor-version\""));
    assert_eq!(said(&named(&stack, MODEL).await), [None, None, None]);
    let mut model = stack.world.models[0].clone();
    model.life.versions[0].sunset_at = Some(hours(-1));
    stack.publish(Record::Model(model)).await;
    let refused = named(&stack, "house/chat@v2").await;
    let body: Value = refused.json().await.unwrap();
    assert_eq!(body["error"]["code"], "model.retired");
    let told = body["error"]["message"].as_str().unwrap();
    assert!(told.contains("`v2`") && told.contains("Call `house/chat`"), "{told}");
}

fn brown_out(percent: u8, answer: BrownOutAnswer) -> BrownOut {
    BrownOut { id: BrownOutId(id(7)), from: hours(-1), until: hours(1), percent, answer }
}

#[tokio::test]
async fn a_brown_out_refuses_precisely_its_share_and_the_share_can_be_foretold() {
    let stack = Stack::of(|w| {
        deprecate(w);
        w.models[0].life.brown_outs = vec![brown_out(25, BrownOutAnswer::Gone)];
    })
    .await;
    let one = brown_out(25, BrownOutAnswer::Gone);
    let mut refused = 0_u64;
    for _ in 0..200 {
        let response = named(&stack, MODEL).await;
        let call: RequestId = header(&response, "x-tollgate-request-id").unwrap().parse().unwrap();
        let is_refused = response.status() == 410;
        assert_eq!(is_refused, one.refuses(call), "{call}");
        refused += u64::from(is_refused);
    }
    assert!((20..=85).contains(&refused), "{refused} of 200");
    assert_eq!(stack.sim.stats().calls, 200 - refused, "no provider hears of a refused call");
    // The model that comes after it is not meant.
    assert_eq!(named(&stack, NEXT).await.status(), 200);
}

#[tokio::test]
async fn a_brown_outs_refusal_is_told_in_each_dialect_with_its_end_and_what_to_use() {
    for (answer, status, code) in [
        (BrownOutAnswer::Gone, 410, "model.brown_out_gone"),
        (BrownOutAnswer::Unavailable, 503, "model.brown_out"),
    ] {
        let stack = Stack::of(|w| {
            deprecate(w);
            w.models[0].life.brown_outs = vec![brown_out(100, answer)];
        })
        .await;
        for (dialect, path, body) in calls() {
            let response = stack.post(&path).json(&body).send().await.unwrap();
            assert_eq!(response.status().as_u16(), status, "{dialect}");
            assert_eq!(header(&response, "x-tollgate-error-code").as_deref(), Some(code));
            let wait: u64 = header(&response, "retry-after").unwrap().parse().unwrap();
            assert!((3_500..=3_600).contains(&wait), "{dialect}: {wait}");
            assert!(said(&response).iter().all(Option::is_some), "{dialect}");
            let text = response.text().await.unwrap();
            for part in ["goes away on 2100-01-01", "use `house/next` instead", "100 %"] {
                assert!(text.contains(part), "{dialect}: {part} is not in {text}");
            }
        }
        assert_eq!(stack.sim.stats().calls, 0);
        // Outside of its while, and of a model that is not deprecated, nothing is refused.
        let mut model = stack.world.models[0].clone();
        model.life.brown_outs[0].until = hours(-1);
        stack.publish(Record::Model(model)).await;
        assert_eq!(named(&stack, MODEL).await.status(), 200);
        let mut active = stack.world.models[0].clone();
        active.state = Lifecycle::Active;
        stack.publish(Record::Model(active)).await;
        assert_eq!(named(&stack, MODEL).await.status(), 200);
    }
}

#[tokio::test]
async fn what_is_retired_is_refused_naming_its_successor_unless_its_name_leads_there() {
    let stack = Stack::of(|w| {
        deprecate(w);
        w.models[0].life.sunset_at = Some(hours(-30));
    })
    .await;
    // Its time is over, though nobody has written that down yet.
    let refused = named(&stack, MODEL).await;
    assert!(said(&refused).iter().all(Option::is_some));
    let body: Value = refused.json().await.unwrap();
    assert_eq!(body["error"]["code"], "model.retired");
    let told = body["error"]["message"].as_str().unwrap();
    let day = hours(-30).format("%Y-%m-%d");
    assert_eq!(
        told,
        format!("The model `house/chat` was retired on {day}. Use `house/next` instead.")
    );
    let list: Value = stack.get("/v1/models").send().await.unwrap().json().await.unwrap();
    assert!(list["data"].as_array().unwrap().iter().all(|one| one["id"] != MODEL), "{list}");

    let mut model = stack.world.models[0].clone();
    model.state = Lifecycle::Retired;
    model.life.lead = Some(to(ModelId(id(0x333)), None));
    stack.publish(Record::Model(model)).await;
    assert_eq!(answered_by(&stack, MODEL).await, "sim-next");
    assert!(said(&named(&stack, MODEL).await).iter().all(Option::is_some));
}
