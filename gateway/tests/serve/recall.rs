//! Answers that are given again: what is kept, for whom, and what it costs.

use crate::matrix::{CALLERS, Caller, PROVIDERS, place};
use crate::support::{
    EMBED, MODEL, Stack, World, at, chat, deterministic, error, pepper, rates, wait_for,
};
use contract::channel::cache_answers;
use contract::id::{AppId, KeyId, OrgId, SubscriptionId};
use contract::key::{self, KeyEnv};
use contract::snapshot::{
    AppRecord, CacheExact, CachePolicy, CacheScope, KeyRecord, KeySecret, Metric, OrgRecord,
    Record, SubscriptionRecord, Window,
};
use contract::usage::{Cached, Outcome, UsageEvent};
use redis::Commands as _;
use reqwest::Response;
use serde_json::{Value, json};
use simulator::Switches;
use std::time::{Duration, Instant};

pub const POLICY: CachePolicy = CachePolicy {
    exact: CacheExact::Deterministic,
    ttl_s: 600,
    scope: CacheScope::Org,
    semantic: None,
    hit_price_percent: 10,
    coalesce: true,
    coalesced_price_percent: 50,
};

pub async fn stack(policy: CachePolicy) -> Stack {
    Stack::of(move |world| world.plan.cache = policy).await
}

/// A call that may be kept.
pub fn body(switches: &str) -> Value {
    let mut body = chat(switches);
    body["temperature"] = 0.into();
    body
}

pub fn streamed(mut body: Value) -> Value {
    body["stream"] = true.into();
    body
}

pub async fn send(stack: &Stack, body: &Value) -> Response {
    let response = stack.post("/v1/chat/completions").json(body).send().await.unwrap();
    assert_eq!(response.status(), 200, "{:?}", response.headers());
    response
}

pub fn told(response: &Response) -> &str {
    response.headers().get("x-tollgate-cache").map_or("", |told| told.to_str().unwrap())
}

/// Sends it, and says how it was answered.
pub async fn asked(stack: &Stack, body: &Value) -> String {
    let response = send(stack, body).await;
    let how = told(&response).to_owned();
    response.bytes().await.unwrap();
    how
}

pub fn said(text: &str) -> String {
    let (said, whole) = Caller::Chat.read_stream(text);
    assert!(whole, "{text}");
    said
}

pub fn costs(event: &UsageEvent, percent: u8) {
    assert_eq!(event.cost_nanos, rates().price_of_part(&event.used(), percent), "{event:?}");
    assert_eq!(event.price_percent, percent);
}

pub fn switch(stack: &Stack, text: &str) {
    let mut switches = Switches::default();
    switches.apply_text(text).unwrap();
    stack.sim.set_switches(switches);
}

#[tokio::test]
async fn the_same_call_again_asks_no_provider_and_costs_what_the_plan_says() {
    let stack = Stack::of(|world| {
        world.plan.cache = POLICY;
        world.limit(Metric::Money, Window::Lifetime, 1_000_000_000);
        world.limit(Metric::Requests, Window::Lifetime, 2);
    })
    .await;
    let body = body("tokens=30 cached_tokens=2");
    let first = send(&stack, &body).await;
    assert_eq!(told(&first), "miss");
    let first: Value = first.json().await.unwrap();
    let request = stack.post("/v1/chat/completions").header("x-tollgate-include-cost", "1");
    let second = request.json(&body).send().await.unwrap();
    assert_eq!(told(&second), "hit");
    assert_eq!(second.headers()["age"], "0");
    let cost = second.headers()["x-tollgate-cost-usd"].to_str().unwrap().to_owned();
    let second: Value = second.json().await.unwrap();
    for same in ["/id", "/model", "/choices/0/message/content", "/choices/0/finish_reason"] {
        assert_eq!(first.pointer(same).unwrap(), second.pointer(same).unwrap(), "{same}");
    }
    for same in ["prompt_tokens", "completion_tokens", "prompt_tokens_details"] {
        assert_eq!(first["usage"][same], second["usage"][same], "{same}");
    }
    assert_eq!(stack.sim.stats().calls, 1);

    let [made, kept] = &stack.events(2).await[..] else { panic!() };
    assert_eq!((made.cached, made.attempts), (None, 1));
    costs(made, 100);
    assert_eq!((kept.cached, kept.attempts, kept.outcome), (Some(Cached::Exact), 0, Outcome::Ok));
    assert_eq!((kept.deployment_id, kept.tokens), (None, made.tokens));
    costs(kept, 10);
    assert_eq!(contract::money::Usd(kept.cost_nanos).to_string(), cost);
    assert_eq!(kept.limits[0].used, kept.cost_nanos.0, "limits count what it costs");
    // It is a call all the same.
    let refused = stack.post("/v1/chat/completions").json(&body).send().await.unwrap();
    assert_eq!(error(refused).await.1, "limit.requests");
}

/// A call that means the same in every dialect.
fn request(caller: Caller, stream: bool) -> (String, Value) {
    let (path, mut body) = caller.request("Hello [[sim tokens=12 chunks=4]]", stream, false);
    match caller {
        Caller::Gemini => {
            body["generationConfig"] = json!({"temperature": 0, "maxOutputTokens": 200});
        }
        Caller::Responses => {
            body["temperature"] = 0.into();
            body["max_output_tokens"] = 200.into();
        }
        Caller::Chat | Caller::Messages | Caller::Cohere => {
            body["temperature"] = 0.into();
            body["max_tokens"] = 200.into();
        }
    }
    (path, body)
}

#[tokio::test]
async fn what_any_provider_said_once_plain_or_streamed_is_told_to_every_dialect_both_ways() {
    for (nth, (dialect, base, auth)) in PROVIDERS.iter().enumerate() {
        let (dialect, base, auth) = (*dialect, *base, *auth);
        let stack = Stack::of(move |world| {
            world.plan.cache = POLICY;
            place(world, dialect, base, auth, None);
        })
        .await;
        let mut first = None;
        for caller in CALLERS {
            for stream in if nth % 2 == 0 { [true, false] } else { [false, true] } {
                let (path, body) = request(caller, stream);
                let response = stack.post(&path).json(&body).send().await.unwrap();
                let (status, how) = (response.status(), told(&response).to_owned());
                let text = response.text().await.unwrap();
                let pair = format!("{caller:?} stream={stream} of {dialect:?}: {text}");
                assert_eq!(status, 200, "{pair}");
                assert_eq!(how, if first.is_none() { "miss" } else { "hit" }, "{pair}");
                let (said, whole) = match stream {
                    true => caller.read_stream(&text),
                    false => (caller.read(&serde_json::from_str(&text).unwrap()).0, true),
                };
                assert!(whole && !said.is_empty(), "{pair}");
                assert_eq!(*first.get_or_insert_with(|| said.clone()), said, "{pair}");
            }
        }
        assert_eq!(stack.sim.stats().calls, 1, "{dialect:?}");
        let events = stack.events(2 * CALLERS.len()).await;
        for event in &events[1..] {
            assert_eq!((event.cached, event.tokens), (Some(Cached::Exact), events[0].tokens));
            costs(event, 10);
        }
    }
}

#[tokio::test]
async fn a_list_of_geminis_is_told_whole_from_what_was_kept() {
    let stack = stack(POLICY).await;
    let path = format!("/v1beta/models/{MODEL}:streamGenerateContent");
    let (_, body) = request(Caller::Gemini, true);
    for how in ["miss", "hit"] {
        let response = stack.post(&path).json(&body).send().await.unwrap();
        assert_eq!(told(&response), how);
        let list: Vec<Value> = response.json().await.unwrap();
        assert_eq!(list.last().unwrap()["candidates"][0]["finishReason"], "STOP");
    }
}

#[tokio::test]
async fn what_may_differ_or_act_or_was_no_whole_answer_is_never_kept() {
    let stack = stack(POLICY).await;
    let with = |field: &str, value: Value| {
        let mut body = body("");
        body[field] = value;
        body
    };
    let tool = json!([{"type": "function", "function": {"name": "pay", "parameters": {}}}]);
    let picture = json!([{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": "https://example.com/now.png"}}]}]);
    for (what, how) in [
        (with("tools", tool), "bypass"),
        (with("web_search_options", json!({})), "bypass"),
        (with("messages", picture), "bypass"),
        // Shared while it is under way, and no longer.
        (with("temperature", json!(0.1)), "miss"),
        (chat(""), "miss"),
        // Cut at its bound.
        (with("max_tokens", json!(5)), "miss"),
    ] {
        let calls = stack.sim.stats().calls;
        assert_eq!(asked(&stack, &what).await, how, "{what}");
        assert_eq!(asked(&stack, &what).await, how, "{what}");
        assert_eq!(stack.sim.stats().calls, calls + 2, "{what}");
    }
    // A failure is no answer, nor is a stream that broke.
    switch(&stack, "status=400");
    let refused = stack.post("/v1/chat/completions").json(&body("")).send().await.unwrap();
    assert_eq!(refused.status(), 400);
    switch(&stack, "cut_after=2");
    let cut = send(&stack, &streamed(body(""))).await.text().await.unwrap();
    assert!(!cut.contains("[DONE]"));
    switch(&stack, "");
    assert_eq!(asked(&stack, &body("")).await, "miss");
    assert_eq!(asked(&stack, &body("")).await, "hit");
}

#[tokio::test]
async fn embeddings_and_rankings_are_kept_in_the_words_that_they_were_asked_in() {
    let stack = Stack::of(|world| {
        world.plan.cache = POLICY;
        let mut ranks = world.models[0].clone();
        (ranks.id, ranks.name) = (contract::id::ModelId::new(at(), &[3; 10]), "house/rank".into());
        ranks.modality = contract::snapshot::Modality::Rerank;
        let mut price = world.prices[0].clone();
        (price.id, price.model_id) = (contract::id::PriceId::new(at(), &[3; 10]), ranks.id);
        let mut cohere = world.providers[0].clone();
        (cohere.id, cohere.slug) = (contract::id::ProviderId::new(at(), &[3; 10]), "cohere".into());
        (cohere.dialect, cohere.auth) =
            (contract::snapshot::Dialect::Cohere, contract::snapshot::Auth::None);
        (cohere.credential, cohere.base_url) =
            (None, format!("{}/v2", cohere.base_url.trim_end_matches("/v1")));
        let mut place = world.deployments[0].clone();
        (place.id, place.model_id) = (contract::id::DeploymentId::new(at(), &[3; 10]), ranks.id);
        place.provider_id = cohere.id;
        world.product.model_ids.push(ranks.id);
        world.models.push(ranks);
        world.prices.push(price);
        world.providers.push(cohere);
        world.deployments.push(place);
    })
    .await;
    let ask = async |path: &str, body: &Value| {
        let response = stack.post(path).json(body).send().await.unwrap();
        assert_eq!(response.status(), 200, "{body}");
        (told(&response).to_owned(), response.text().await.unwrap())
    };
    let embed = json!({"model": EMBED, "input": ["one", "two"]});
    let (how, first) = ask("/v1/embeddings", &embed).await;
    assert_eq!(how, "miss");
    let user = json!({"user": "u-7", "input": ["one", "two"], "model": EMBED});
    assert_eq!(ask("/v1/embeddings", &user).await, ("hit".into(), first.clone()));
    for (change, value) in [
        ("input", json!(["two", "one"])),
        ("input", json!("one")),
        ("dimensions", json!(64)),
        ("encoding_format", json!("base64")),
    ] {
        let mut other = embed.clone();
        other[change] = value;
        assert_eq!(ask("/v1/embeddings", &other).await.0, "miss", "{other}");
        assert_eq!(ask("/v1/embeddings", &other).await.0, "hit", "{other}");
    }
    let cohere = json!({"model": EMBED, "texts": ["one", "two"], "input_type": "search_query"});
    let (how, text) = ask("/v2/embed", &cohere).await;
    assert!(how == "miss" && text != first, "another dialect has other words");
    assert_eq!(ask("/v2/embed", &cohere).await, ("hit".into(), text));
    let rank = json!({"model": "house/rank", "query": "red", "documents": ["blue", "red"]});
    let (how, first) = ask("/v2/rerank", &rank).await;
    assert_eq!(how, "miss");
    assert_eq!(ask("/v2/rerank", &rank).await, ("hit".into(), first));
    assert_eq!(stack.sim.stats().calls, 7);
    let events = stack.events(14).await;
    let (made, kept) = (&events[0], &events[1]);
    assert_eq!((kept.cached, kept.attempts, kept.tokens), (Some(Cached::Exact), 0, made.tokens));
    costs(made, 100);
    costs(kept, 10);
    assert!(made.cost_nanos.0 > kept.cost_nanos.0 && kept.cost_nanos.0 > 0);
    // Under way together they are one call.
    let body = json!({"model": EMBED, "input": "as one [[sim latency_ms=800]]"});
    let answers = futures::future::join_all((0..20).map(|_| ask("/v1/embeddings", &body))).await;
    assert!(answers.iter().all(|(_, text)| *text == answers[0].1));
    assert_eq!(stack.sim.stats().calls, 8);
}

#[tokio::test]
async fn a_plan_may_keep_all_calls_or_none() {
    let all = stack(CachePolicy { exact: CacheExact::All, coalesce: false, ..POLICY }).await;
    assert_eq!(asked(&all, &chat("")).await, "miss");
    assert_eq!(asked(&all, &chat("")).await, "hit");
    // As soon as the plan says so, with what is there.
    let mut plan = all.world.plan.clone();
    plan.cache.hit_price_percent = 0;
    all.publish(Record::Plan(plan.clone())).await;
    assert_eq!(asked(&all, &chat("")).await, "hit");
    costs(&all.events(3).await[2], 0);
    plan.cache = CachePolicy::default();
    all.publish(Record::Plan(plan)).await;
    assert_eq!(asked(&all, &chat("")).await, "");
}

#[tokio::test]
async fn a_caller_may_ask_for_a_fresh_answer_or_for_nothing_to_be_kept() {
    let stack = stack(POLICY).await;
    let with = async |control: &'static str| {
        let request = stack.post("/v1/chat/completions").header("cache-control", control);
        let response = request.json(&body("")).send().await.unwrap();
        (told(&response).to_owned(), stack.sim.stats().calls)
    };
    assert_eq!(with("no-store").await, ("bypass".into(), 1));
    assert_eq!(with("").await, ("miss".into(), 2), "nothing was kept");
    assert_eq!(with("no-cache").await, ("miss".into(), 3));
    assert_eq!(with("max-age=60").await, ("hit".into(), 3));
    assert_eq!(with("max-age=0").await, ("miss".into(), 4));
    assert_eq!(with("no-store").await, ("bypass".into(), 5));
}

#[tokio::test]
async fn what_is_thrown_away_is_found_no_more_as_soon_as_a_gateway_hears_of_it() {
    let stack = stack(POLICY).await;
    assert_eq!(asked(&stack, &body("")).await, "miss");
    assert_eq!(asked(&stack, &body("")).await, "hit");
    let org = OrgRecord { purges: 1, ..stack.world.org.clone() };
    let started = Instant::now();
    stack.publish(Record::Org(org)).await;
    assert_eq!(asked(&stack, &body("")).await, "miss");
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    assert_eq!(asked(&stack, &body("")).await, "hit");
    let mut product = stack.world.product.clone();
    product.purges = 1;
    stack.publish(Record::Product(product)).await;
    assert_eq!(asked(&stack, &body("")).await, "miss");
}

/// Another app, of the same team or of another org, and its key.
pub fn neighbour(world: &mut World, n: u8, org: OrgId) -> String {
    let made = key::make(KeyEnv::Live, deterministic(n));
    let app_id = AppId::new(at(), &[n; 10]);
    let team_id = world.app.team_id;
    let secrets = vec![KeySecret { hash: made.hash(&pepper()).unwrap(), expires_at: None }];
    world.more.push(Record::App(AppRecord { id: app_id, org_id: org, team_id, disabled: false }));
    world.more.push(Record::Key(KeyRecord {
        id: KeyId::new(at(), &[n; 10]),
        org_id: org,
        app_id,
        public_id: made.public_id.clone(),
        secrets,
        ..world.key.clone()
    }));
    world.more.push(Record::Subscription(SubscriptionRecord {
        id: SubscriptionId::new(at(), &[n; 10]),
        org_id: org,
        app_id,
        ..world.subscription.clone()
    }));
    made.reveal().to_owned()
}

#[tokio::test]
async fn answers_are_shared_as_widely_as_the_plan_says_and_never_with_another_organisation() {
    for (scope, same_team) in
        [(CacheScope::Org, "hit"), (CacheScope::Team, "hit"), (CacheScope::App, "miss")]
    {
        let other = OrgId::new(at(), &[9; 10]);
        let mut keys = Vec::new();
        let stack = Stack::of(|world| {
            world.plan.cache = CachePolicy { scope, ..POLICY };
            let slug = "other".to_owned();
            world.more.push(Record::Org(OrgRecord { id: other, slug, ..world.org.clone() }));
            keys = vec![neighbour(world, 2, world.org.id), neighbour(world, 3, other)];
        })
        .await;
        assert_eq!(asked(&stack, &body("")).await, "miss");
        for (key, how) in keys.iter().zip([same_team, "miss"]) {
            let request = stack.client.post(stack.url("/v1/chat/completions")).bearer_auth(key);
            let response = request.json(&body("")).send().await.unwrap();
            assert_eq!((response.status().as_u16(), told(&response)), (200, how), "{scope:?}");
        }
    }
}

#[tokio::test]
async fn a_hit_that_its_limits_do_not_admit_is_refused_like_any_call() {
    let stack = Stack::of(|world| {
        world.plan.cache = POLICY;
        world.limit(Metric::OutputTokens, Window::Lifetime, 3_000);
    })
    .await;
    let body = streamed(body("tokens=1600 chunks=16"));
    assert_eq!(asked(&stack, &body).await, "miss");
    // What is left is less than what was kept.
    let response = stack.post("/v1/chat/completions").json(&body).send().await.unwrap();
    let (status, code, _) = error(response).await;
    assert_eq!((status, code.as_str()), (402, "budget.exhausted"));
    let events = stack.events(2).await;
    assert_eq!((events[1].outcome, events[1].cost_nanos.0), (Outcome::UpstreamError, 0));
}

#[tokio::test]
async fn what_is_kept_is_in_redis_too_and_calls_go_on_without_it() {
    let mut stack = stack(POLICY).await;
    assert_eq!(asked(&stack, &body("")).await, "miss");
    let kept = cache_answers(stack.world.org.id);
    let count = || stack.redis.connect().hlen::<_, usize>(&kept).unwrap();
    wait_for("Redis has it", || count() == 1).await;
    stack.redis.stop();
    assert_eq!(asked(&stack, &body("")).await, "hit");
    assert_eq!(asked(&stack, &body("tokens=3")).await, "miss");
    assert_eq!(asked(&stack, &body("tokens=3")).await, "hit");
}
