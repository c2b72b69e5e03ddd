//! Answers to calls that mean the same: which calls get one, what it costs, and what becomes of a call
//! when nobody can say what it means.

use crate::matrix::Caller;
use crate::recall::{POLICY, costs, neighbour, said, send, streamed, told};
use crate::support::{EMBED, MODEL, Stack, World, at, provider, wait_for};
use contract::channel::cache_answers;
use contract::id::{ModelId, OrgId, RouteId};
use contract::snapshot::{
    CachePolicy, CacheScope, CacheSemantic, Lifecycle, OrgRecord, Record, RoutePolicy, RouteRecord,
};
use contract::usage::{Cached, Outcome};
use redis::Commands as _;
use reqwest::Response;
use serde_json::{Value, json};
use simulator::Switches;
use std::time::{Duration, Instant};

/// Two questions that mean the same, and one that does not.
const FAR: &str = "please tell me how far the moon is from the earth on most days";
const DISTANCE: &str = "please tell me how far the moon is from our earth on most days";
const OTHER: &str = "who wrote the song that everybody sings in the street";

/// A gateway whose plan compares calls, and who compares them: a provider of its own.
struct Scene {
    stack: Stack,
    embedder: simulator::Handle,
}

fn model(n: u8) -> ModelId {
    ModelId::new(at(), &[n; 10])
}

pub fn policy(alike_min: u16) -> CachePolicy {
    CachePolicy { semantic: Some(CacheSemantic { model_id: model(2), alike_min }), ..POLICY }
}

impl Scene {
    async fn open() -> Self {
        Self::of(|_| {}).await
    }

    async fn of(change: impl FnOnce(&mut World)) -> Self {
        let embedder = simulator::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let base_url = embedder.base_url();
        let stack = Stack::of(move |world| {
            let two = provider(2, base_url);
            world.deployments[1].provider_id = two.id;
            world.providers.push(two);
            world.plan.cache = policy(850);
            change(world);
        })
        .await;
        Self { stack, embedder }
    }

    /// Asks, and says how that was answered.
    async fn how(&self, body: &Value) -> String {
        let response = send(&self.stack, body).await;
        let how = told(&response).to_owned();
        response.bytes().await.unwrap();
        how
    }

    fn compared(&self) -> u64 {
        self.embedder.stats().calls
    }

    fn counted(&self, result: &str) -> bool {
        let text = self.stack.gateway.tools.telemetry.render(&[]);
        let line = format!("tollgate_cache_compares_total{{result=\"{result}\"}} ");
        text.lines().any(|one| one.strip_prefix(&line).is_some_and(|count| count != "0"))
    }

    fn switch(&self, text: &str) {
        let mut switches = Switches::default();
        switches.apply_text(text).unwrap();
        self.embedder.set_switches(switches);
    }
}

fn ask(text: &str) -> Value {
    json!({"model": MODEL, "temperature": 0, "messages": [{"role": "user", "content": text}]})
}

fn similarity(response: &Response) -> f64 {
    response.headers()["x-tollgate-cache-similarity"].to_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_call_that_means_the_same_is_given_the_kept_answer_says_how_alike_and_costs_its_part() {
    let scene = Scene::open().await;
    let stack = &scene.stack;
    let first: Value = send(stack, &ask(FAR)).await.json().await.unwrap();
    assert_eq!(scene.compared(), 1);
    let response = send(stack, &ask(DISTANCE)).await;
    assert_eq!((told(&response), &response.headers()["age"]), ("semantic", &"0".parse().unwrap()));
    assert!((0.85..1.0).contains(&similarity(&response)), "{}", similarity(&response));
    let second: Value = response.json().await.unwrap();
    let text = "/choices/0/message/content";
    assert_eq!(first.pointer(text), second.pointer(text));
    // As a stream, too, and in another dialect.
    let response = send(stack, &streamed(ask(DISTANCE))).await;
    assert_eq!(told(&response), "semantic");
    assert_eq!(first.pointer(text).unwrap(), &said(&response.text().await.unwrap()));
    let messages = json!({"model": MODEL, "temperature": 0, "max_tokens": 100,
        "messages": [{"role": "user", "content": DISTANCE}]});
    let response = stack.post("/v1/messages").json(&messages).send().await.unwrap();
    // Its bound on tokens is another.
    assert_eq!(told(&response), "miss");
    let mut messages = messages;
    messages["messages"][0]["content"] = FAR.into();
    let response = stack.post("/v1/messages").json(&messages).send().await.unwrap();
    assert_eq!(told(&response), "semantic");
    assert!(!Caller::Messages.read(&response.json().await.unwrap()).0.is_empty());
    assert_eq!((stack.sim.stats().calls, scene.compared()), (2, 5));
    // What was asked in the same words needs no comparison.
    assert_eq!(scene.how(&ask(FAR)).await, "hit");
    assert_eq!(scene.compared(), 5);
    // What means something else is another call.
    assert_eq!(scene.how(&ask(OTHER)).await, "miss");

    let events = stack.events(7).await;
    let (made, alike) = (&events[0], &events[1]);
    assert_eq!((made.cached, made.attempts, made.attempts_made.len()), (None, 1, 1));
    costs(made, 100);
    assert_eq!(
        (alike.cached, alike.attempts, alike.outcome),
        (Some(Cached::Semantic), 0, Outcome::Ok)
    );
    assert_eq!(alike.tokens, made.tokens, "those of the call that was made");
    costs(alike, 10);
    for event in [made, alike] {
        let by = &event.attempts_made[0];
        assert!(by.compared && by.reported && !by.overtaken && by.status == 200, "{by:?}");
        assert_eq!(by.deployment_id, stack.world.deployments[1].id);
        assert!(by.tokens.input > 0, "the platform's cost is told");
    }
    assert!(events[5].attempts_made.is_empty(), "an identical call is compared with nothing");
}

#[tokio::test]
async fn whatever_else_differs_is_another_call_however_alike_the_questions_are() {
    let scene = Scene::open().await;
    let with = |text: &str, change: &dyn Fn(&mut Value)| {
        let mut body = ask(text);
        change(&mut body);
        body
    };
    let turns = |body: &mut Value, before: Value| {
        body["messages"].as_array_mut().unwrap().insert(0, before);
    };
    let picture = |bytes: &str| json!({"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{bytes}")}});
    let shown = |body: &mut Value, bytes: &str| {
        let text = body["messages"][0]["content"].take();
        body["messages"][0]["content"] = json!([picture(bytes), {"type": "text", "text": text}]);
    };
    let changes: [&dyn Fn(&mut Value); 9] = [
        &|_| {},
        &|body| turns(body, json!({"role": "system", "content": "be brief"})),
        &|body| turns(body, json!({"role": "system", "content": "be brief, please"})),
        &|body| turns(body, json!({"role": "user", "content": "hello"})),
        &|body| body["max_tokens"] = 90.into(),
        &|body| body["seed"] = 7.into(),
        &|body| body["response_format"] = json!({"type": "json_object"}),
        &|body| shown(body, "iVBORw0KGgo="),
        &|body| shown(body, "iVBORw0KGgoA"),
    ];
    for change in changes {
        assert_eq!(scene.how(&with(FAR, change)).await, "miss", "{}", with(FAR, change));
    }
    for change in changes {
        assert_eq!(
            scene.how(&with(DISTANCE, change)).await,
            "semantic",
            "{}",
            with(DISTANCE, change)
        );
    }
    // A question that names another number, and what ends otherwise than with one text.
    assert_eq!(
        scene.how(&ask("how many people lived in Rome in the year 1900 or so")).await,
        "miss"
    );
    assert_eq!(
        scene.how(&ask("how many people lived in Rome in the year 1950 or so")).await,
        "miss"
    );
    let compared = scene.compared();
    for texts in [[FAR, "now"], [DISTANCE, "now"]] {
        let parts = texts.map(|text| json!({"type": "text", "text": text}));
        let body = with("", &|body| body["messages"][0]["content"] = json!(parts));
        assert_eq!(scene.how(&body).await, "miss");
    }
    assert_eq!(scene.compared(), compared, "nobody is asked what cannot be compared");
    // What may differ from call to call is neither kept nor compared.
    let mut warm = ask(FAR);
    warm["temperature"] = 1.into();
    assert_eq!(scene.how(&warm).await, "miss");
    let with_tools = with(FAR, &|body| {
        body["tools"] =
            json!([{"type": "function", "function": {"name": "pay", "parameters": {}}}]);
    });
    assert_eq!(scene.how(&with_tools).await, "bypass");
    assert_eq!(scene.compared(), compared);
}

#[tokio::test]
async fn no_organisation_and_no_part_that_does_not_share_gets_anothers_answer() {
    for (scope, same_org) in [(CacheScope::Org, "semantic"), (CacheScope::App, "miss")] {
        let other = OrgId::new(at(), &[9; 10]);
        let mut keys = Vec::new();
        let scene = Scene::of(|world| {
            world.plan.cache.scope = scope;
            let slug = "other".to_owned();
            world.more.push(Record::Org(OrgRecord { id: other, slug, ..world.org.clone() }));
            keys = vec![neighbour(world, 2, world.org.id), neighbour(world, 3, other)];
        })
        .await;
        assert_eq!(scene.how(&ask(FAR)).await, "miss");
        for (key, how) in keys.iter().zip([same_org, "miss"]) {
            let url = scene.stack.url("/v1/chat/completions");
            let request = scene.stack.client.post(url).bearer_auth(key);
            let response = request.json(&ask(DISTANCE)).send().await.unwrap();
            assert_eq!((response.status().as_u16(), told(&response)), (200, how), "{scope:?}");
        }
    }
}

#[tokio::test]
async fn how_alike_two_must_be_is_as_the_plan_says_from_one_moment_to_the_next() {
    let scene = Scene::open().await;
    assert_eq!(scene.how(&ask(FAR)).await, "miss");
    let mut plan = scene.stack.world.plan.clone();
    plan.cache = policy(999);
    scene.stack.publish(Record::Plan(plan.clone())).await;
    assert_eq!(scene.how(&ask(DISTANCE)).await, "miss");
    // By case and marks alone these two differ, which the embedding model here does not see.
    assert_eq!(scene.how(&ask(&FAR.to_uppercase())).await, "semantic");
    plan.cache = POLICY;
    scene.stack.publish(Record::Plan(plan)).await;
    let compared = scene.compared();
    assert_eq!(scene.how(&ask(&DISTANCE.to_uppercase())).await, "miss");
    assert_eq!(scene.compared(), compared, "a plan that compares nothing asks nobody");
}

#[tokio::test]
async fn without_an_embedding_model_that_answers_calls_are_made_and_nobody_waits_for_it_for_long() {
    let scene = Scene::open().await;
    assert_eq!(scene.how(&ask(FAR)).await, "miss");
    scene.switch("hang=headers");
    let started = Instant::now();
    assert_eq!(scene.how(&ask(DISTANCE)).await, "miss");
    let took = started.elapsed();
    assert!((Duration::from_secs(2)..Duration::from_secs(8)).contains(&took), "{took:?}");
    assert!(scene.counted("late"));
    assert_eq!(
        scene.how(&ask(DISTANCE)).await,
        "hit",
        "it is kept for identical calls all the same"
    );
    // What it answers is nothing that can be compared.
    scene.switch("not_json=1");
    assert_eq!(scene.how(&ask("one more thing that nobody has asked for yet")).await, "miss");
    scene.switch("status=500");
    let words = ["red", "green", "blue", "white"];
    for word in words {
        assert_eq!(scene.how(&ask(&format!("is it {word} then"))).await, "miss");
    }
    assert!(scene.counted("failed"));
    // After five in a row it is left alone for a while, as soon as anybody asks.
    scene.switch("");
    let compared = scene.compared();
    assert_eq!(scene.how(&ask("is it black then")).await, "miss");
    assert_eq!(scene.compared(), compared);
    assert!(scene.counted("left"));
    let events = scene.stack.events(9).await;
    assert!(events.iter().all(|event| event.outcome == Outcome::Ok));
    let late = &events[1].attempts_made[0];
    assert!(late.compared && !late.reported && late.tokens.total() == 0, "{late:?}");
}

#[tokio::test]
async fn a_model_that_is_retired_disabled_or_no_embedding_model_compares_nothing() {
    let scene = Scene::open().await;
    assert_eq!(scene.how(&ask(FAR)).await, "miss");
    assert_eq!(scene.how(&ask(DISTANCE)).await, "semantic");
    let mut retired = scene.stack.world.models[1].clone();
    assert_eq!(retired.name, EMBED);
    retired.state = Lifecycle::Retired;
    scene.stack.publish(Record::Model(retired)).await;
    assert_eq!(scene.how(&ask(DISTANCE)).await, "miss");
    scene.stack.publish(Record::Model(scene.stack.world.models[1].clone())).await;
    assert_eq!(scene.how(&ask(&DISTANCE.to_uppercase())).await, "semantic");
    let mut plan = scene.stack.world.plan.clone();
    plan.cache.semantic = Some(CacheSemantic { model_id: model(1), alike_min: 850 });
    scene.stack.publish(Record::Plan(plan)).await;
    assert_eq!(
        scene.how(&ask("tell me how far the moon is from the earth on most days")).await,
        "miss"
    );
    assert_eq!(scene.compared(), 3);
}

#[tokio::test]
async fn a_question_is_told_to_no_region_that_its_call_may_not_go_to() {
    let scene = Scene::of(|world| {
        world.deployments[0].region = "eu".into();
        world.deployments[1].region = "us".into();
        let route = RouteRecord {
            id: RouteId::new(at(), &[1; 10]),
            model_id: world.models[0].id,
            org_id: None,
            version: 1,
            policy: RoutePolicy { regions: vec!["eu".into()], ..RoutePolicy::default() },
        };
        world.more.push(Record::Route(route));
    })
    .await;
    assert_eq!(scene.how(&ask(FAR)).await, "miss");
    assert_eq!(scene.how(&ask(DISTANCE)).await, "miss");
    assert_eq!(scene.compared(), 0);
    let mut moved = scene.stack.world.deployments[1].clone();
    moved.region = "eu".into();
    scene.stack.publish(Record::Deployment(moved)).await;
    assert_eq!(scene.how(&ask(OTHER)).await, "miss");
    assert_eq!(scene.compared(), 1);
}

#[tokio::test]
async fn what_is_thrown_away_is_alike_to_nothing_and_callers_have_their_say() {
    let scene = Scene::open().await;
    assert_eq!(scene.how(&ask(FAR)).await, "miss");
    let with = async |control: &'static str, text: &str| {
        let request = scene.stack.post("/v1/chat/completions").header("cache-control", control);
        told(&request.json(&ask(text)).send().await.unwrap()).to_owned()
    };
    assert_eq!(with("no-store", DISTANCE).await, "bypass");
    assert_eq!(with("max-age=0", DISTANCE).await, "miss");
    assert_eq!(with("max-age=60", &FAR.to_uppercase()).await, "semantic");
    let org = OrgRecord { purges: 1, ..scene.stack.world.org.clone() };
    scene.stack.publish(Record::Org(org)).await;
    assert_eq!(scene.how(&ask(&FAR.to_uppercase())).await, "miss");
}

#[tokio::test]
async fn a_crowd_that_asks_the_same_is_compared_once_and_shares_what_is_found() {
    let scene = Scene::open().await;
    assert_eq!(scene.how(&ask(FAR)).await, "miss");
    scene.switch("latency_ms=1200");
    let body = ask(DISTANCE);
    let crowd = (0..50).map(|_| async { send(&scene.stack, &body).await });
    let mut hows: Vec<String> =
        futures::future::join_all(crowd).await.iter().map(|r| told(r).into()).collect();
    hows.sort_unstable();
    assert_eq!(
        (hows[0].as_str(), hows[48].as_str(), hows[49].as_str()),
        ("coalesced", "coalesced", "semantic")
    );
    assert_eq!((scene.stack.sim.stats().calls, scene.compared()), (1, 2));
    let events = scene.stack.events(51).await;
    for event in &events[1..] {
        costs(event, if event.cached == Some(Cached::Semantic) { 10 } else { 50 });
    }
}

#[tokio::test]
async fn nothing_that_was_said_or_asked_is_readable_in_redis() {
    let scene = Scene::open().await;
    let answer: Value = send(&scene.stack, &ask(FAR)).await.json().await.unwrap();
    let said = answer["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
    let name = cache_answers(scene.stack.world.org.id);
    let mut link = scene.stack.redis.connect();
    wait_for("Redis has the answer and the question", || {
        link.hlen::<_, usize>(&name).unwrap() == 2
    })
    .await;
    let all: Vec<(Vec<u8>, Vec<u8>)> = link.hgetall(&name).unwrap();
    let said = said.as_bytes();
    for (field, value) in all {
        for piece in [&said[..said.len().min(12)], b"answer", b"tokens", b"moon"] {
            assert!(!value.windows(piece.len()).any(|window| window == piece), "{field:?}");
        }
    }
}
