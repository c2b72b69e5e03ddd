//! Budgets as callers meet them: what fits runs, and then calls are refused, slowed down or sent
//! on, as the budget says.

use crate::support::{Stack, World, chat, deployment, error, wait_for};
use contract::id::{ModelId, OrgId, PriceId};
use contract::money::{Nanos, Rates};
use contract::snapshot::{
    AtLimit, LimitKind, LimitRecord, LimitScope, Metric, PriceRecord, SpentBefore, Window,
};
use contract::usage::UsageEvent;
use futures::future::join_all;
use gateway::clock::Clock;
use uuid::Uuid;

const DOLLAR: i64 = 1_000_000_000;
const MINI: &str = "house/mini";

fn per_call(nanos: i64) -> Rates {
    Rates { per_call: Nanos(nanos), ..Rates::FREE }
}

/// Ten cents a call; a budget of so much a month on the org.
fn budget(world: &mut World, max: i64, at_limit: AtLimit) {
    world.prices[0].rates = per_call(DOLLAR / 10);
    world.limit(Metric::Money, Window::Month, max);
    let org_id = world.org.id;
    let last = world.limits.last_mut().unwrap();
    *last = LimitRecord {
        scope: LimitScope::Org(org_id),
        kind: LimitKind::Budget,
        at_limit,
        name: Some("Research".into()),
        ..last.clone()
    };
}

/// A second chat model, at a cent a call. Its id.
fn add_mini(world: &mut World) -> ModelId {
    let mut mini = world.models[0].clone();
    mini.id = ModelId(Uuid::from_u128(0x333));
    MINI.clone_into(&mut mini.name);
    let mut placed = deployment(3, 1, 1, "sim-mini");
    placed.model_id = mini.id;
    world.deployments.push(placed);
    world.prices.push(PriceRecord {
        id: PriceId(Uuid::from_u128(0x333)),
        model_id: mini.id,
        rates: per_call(DOLLAR / 100),
        ..world.prices[0].clone()
    });
    world.product.model_ids.push(mini.id);
    world.models.push(mini);
    world.models[2].id
}

fn downgraded(response: &reqwest::Response) -> Option<String> {
    let header = response.headers().get("x-tollgate-downgraded")?;
    Some(header.to_str().unwrap().to_owned())
}

async fn code(response: reqwest::Response) -> (u16, String) {
    let (status, code, _) = error(response).await;
    (status, code)
}

#[tokio::test]
async fn a_budget_of_a_dollar_lets_through_exactly_what_fits_and_names_itself_then() {
    let stack = Stack::of(|world| budget(world, DOLLAR, AtLimit::Deny)).await;
    let answers = join_all((0..25).map(|_| stack.chat(""))).await;
    let (ran, refused): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.status() == 200);
    assert_eq!((ran.len(), refused.len()), (10, 15));
    for answer in refused {
        let wait: i64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        let (_, end) = stack.world.limits[0].bounds(Clock::System.now());
        assert!((end - Clock::System.now().timestamp() - wait).abs() <= 2);
        let body: serde_json::Value = answer.json().await.unwrap();
        let said = body["error"]["message"].as_str().unwrap();
        assert_eq!(body["error"]["code"], "budget.exhausted");
        assert!(said.contains("“Research” is 1.00 USD per month of the organisation (bud_"));
        assert!(said.contains("the next period begins at 20"), "{said}");
    }
    assert_eq!(stack.sim.stats().calls, 10);
    let cost: i64 = stack.events(10).await.iter().map(|event| event.cost_nanos.0).sum();
    assert_eq!(cost, DOLLAR);
}

#[tokio::test]
async fn a_used_up_budget_sends_calls_on_to_its_cheaper_model_and_says_so() {
    let mut mini = None;
    let stack = Stack::of(|world| {
        let model_id = add_mini(world);
        mini = Some(model_id);
        budget(world, DOLLAR / 10, AtLimit::Downgrade { model_id });
    })
    .await;
    assert_eq!(downgraded(&stack.chat("").await), None);
    for _ in 0..3 {
        let answer = stack.chat("").await;
        assert_eq!((answer.status().as_u16(), downgraded(&answer)), (200, Some(MINI.into())));
    }
    let stream = stack.chat_stream("").await;
    assert_eq!(downgraded(&stream).as_deref(), Some(MINI));
    assert!(stream.text().await.unwrap().contains("[DONE]"));
    // Who asks for it by name gets it, and is told nothing.
    let mut named = chat("");
    named["model"] = MINI.into();
    let answer = stack.post("/v1/chat/completions").json(&named).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), downgraded(&answer)), (200, None));
    let events = stack.events(6).await;
    let (dear, cheap): (Vec<UsageEvent>, Vec<UsageEvent>) =
        events.into_iter().partition(|event| Some(event.model_id) != mini);
    assert_eq!((dear.len(), cheap.len()), (1, 5));
    assert!(cheap.iter().all(|event| event.cost_nanos.0 == DOLLAR / 100));
}

#[tokio::test]
async fn a_call_that_the_cheaper_model_cannot_take_is_refused_and_told_why() {
    let stack = Stack::of(|world| {
        let model_id = add_mini(world);
        world.product.model_ids.pop();
        budget(world, 0, AtLimit::Downgrade { model_id });
    })
    .await;
    let answer = stack.chat("").await;
    assert_eq!(answer.status(), 402);
    let body: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(body["error"]["code"], "budget.exhausted");
    let said = body["error"]["message"].as_str().unwrap();
    assert!(said.contains("not subscribed to a product with `house/mini`"), "{said}");
    assert_eq!(stack.sim.stats().calls, 0);
}

#[tokio::test]
async fn of_budgets_without_room_the_one_that_refuses_decides_and_a_circle_ends() {
    let stack = Stack::of(|world| {
        let model_id = add_mini(world);
        budget(world, DOLLAR / 10, AtLimit::Downgrade { model_id });
        budget(world, DOLLAR / 10, AtLimit::Deny);
    })
    .await;
    assert_eq!(stack.chat("").await.status(), 200);
    assert_eq!(code(stack.chat("").await).await, (402, "budget.exhausted".into()));
    assert_eq!(stack.sim.stats().calls, 1);

    let circle = Stack::of(|world| {
        let mini = add_mini(world);
        let dear = world.models[0].id;
        budget(world, 0, AtLimit::Downgrade { model_id: mini });
        world.limits[0].model_id = Some(dear);
        budget(world, 0, AtLimit::Downgrade { model_id: dear });
        world.limits[1].model_id = Some(mini);
    })
    .await;
    assert_eq!(code(circle.chat("").await).await, (402, "budget.exhausted".into()));
}

#[tokio::test]
async fn an_orgs_budget_on_a_plan_counts_only_its_own_calls_on_it() {
    let stack = Stack::of(|world| {
        budget(world, DOLLAR / 10, AtLimit::Deny);
        budget(world, 0, AtLimit::Deny);
        for limit in &mut world.limits {
            limit.scope = LimitScope::Plan(world.plan.id);
        }
        world.limits[1].org_id = Some(OrgId(Uuid::from_u128(9)));
    })
    .await;
    assert_eq!(stack.chat("").await.status(), 200);
    assert_eq!(code(stack.chat("").await).await, (402, "budget.exhausted".into()));
}

#[tokio::test]
async fn a_throttled_budget_is_told_when_there_is_room_and_has_it_then() {
    let now = Clock::System.now();
    let stack = Stack::of(|world| {
        budget(world, 864_000_000, AtLimit::Throttle { percent: 50 });
        world.prices[0].rates = per_call(10_000);
        let limit = &mut world.limits[0];
        limit.window = Window::Day;
        let (_, end) = limit.bounds(now);
        let until = contract::Timestamp::from_timestamp(end, 0).unwrap();
        // All that there is now was spent; each second brings half of a call.
        let amount = limit.max_at(now).0;
        limit.spent_before = Some(SpentBefore { amount, until });
    })
    .await;
    let answer = stack.chat("").await;
    let wait: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=2).contains(&wait), "{wait}");
    assert_eq!(code(answer).await, (429, "budget.throttled".into()));
    let began = std::time::Instant::now();
    loop {
        if stack.chat("").await.status() == 200 {
            break;
        }
        assert!(began.elapsed().as_secs() < 10, "never has room");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    wait_for("the call is recorded", || stack.sim.stats().calls == 1).await;
}
