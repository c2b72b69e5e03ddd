//! Two organisations, three apps, one question after another, answered in every way that the cache has:
//! whose answer each caller gets is told by the id that the provider gave it when it was made.

use crate::alike::policy;
use crate::recall::{neighbour, told};
use crate::support::{EMBED, MODEL, Stack, at, wait_for};
use contract::id::OrgId;
use contract::snapshot::{CachePolicy, CacheScope, OrgRecord, Record};
use futures::StreamExt as _;
use gateway::recall::CacheBounds;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use std::collections::HashMap;

/// Calls of each scene.
const CALLS: usize = 1_500;
/// Calls under way at once.
const AT_ONCE: usize = 48;

/// One call, and what came of it.
#[derive(Debug, Clone)]
struct Asked {
    /// Who: 0 and 1 are apps of one team, 2 is another organisation's.
    by: usize,
    subject: usize,
    how: String,
    /// The id of the answer.
    id: String,
}

/// Questions of a subject differ in one word; those of two subjects share none.
fn question(subject: usize, words: usize) -> String {
    let of_subject: Vec<String> = (0..12)
        .map(|n| format!("{}{}", ["ka", "lo", "mi", "nu"][n % 4], word(subject * 12 + n)))
        .collect();
    format!("{} {}", of_subject.join(" "), word(9_000 + words))
}

/// A word without digits, which would be numbers.
fn word(n: usize) -> String {
    n.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect()
}

fn id_of(text: &str, stream: bool) -> String {
    let first = match stream {
        true => text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap(),
        false => text,
    };
    let value: Value = serde_json::from_str(first).unwrap();
    value["id"].as_str().unwrap().to_owned()
}

/// Many calls of three apps at once, with everything that a plan may allow.
async fn scene(scope: CacheScope, cache: CacheBounds) -> Vec<Asked> {
    let other = OrgId::new(at(), &[9; 10]);
    let mut keys = Vec::new();
    let stack = Stack::keeping(
        |world| {
            world.plan.cache = CachePolicy { scope, ttl_s: 2, ..policy(850) };
            let slug = "other".to_owned();
            world.more.push(Record::Org(OrgRecord { id: other, slug, ..world.org.clone() }));
            keys = vec![neighbour(world, 2, world.org.id), neighbour(world, 3, other)];
        },
        cache,
    )
    .await;
    keys.insert(0, stack.world.key_text.clone());
    let mut chance = StdRng::seed_from_u64(5);
    let calls = (0..CALLS).map(|_| {
        let (by, subject) = (chance.random_range(0..3_usize), chance.random_range(0..8_usize));
        let (words, stream) = (chance.random_range(0..6_usize), chance.random_range(0..2) == 0);
        let (stack, key) = (&stack, &keys[by]);
        async move {
            let text = format!("{} [[sim latency_ms=20 tokens=4]]", question(subject, words));
            let body = json!({"model": MODEL, "temperature": 0, "stream": stream,
                "messages": [{"role": "user", "content": text}]});
            let request = stack.client.post(stack.url("/v1/chat/completions")).bearer_auth(key);
            let response = request.json(&body).send().await.unwrap();
            assert_eq!(response.status(), 200);
            let how = told(&response).to_owned();
            let id = id_of(&response.text().await.unwrap(), stream);
            Asked { by, subject, how, id }
        }
    });
    let answered = futures::stream::iter(calls).buffer_unordered(AT_ONCE).collect().await;
    let embedded = stack.world.models.iter().any(|model| model.name == EMBED);
    assert!(embedded);
    wait_for("all calls are settled", || {
        stack.gateway.tools.telemetry.render(&[]).contains("tollgate_requests_in_flight 0\n")
    })
    .await;
    answered
}

#[tokio::test]
async fn of_thousands_of_calls_of_two_organisations_at_once_each_gets_an_answer_made_for_its_own() {
    let usual = || CacheBounds { compare_ms: 5_000, ..CacheBounds::default() };
    for (scope, bounds) in [
        (CacheScope::Org, usual()),
        (CacheScope::Team, CacheBounds { bytes_max: 0, ..usual() }),
        (CacheScope::App, usual()),
    ] {
        let answered = scene(scope, bounds).await;
        // Who made each answer, and of what.
        let made: HashMap<&str, &Asked> =
            answered.iter().filter(|one| one.how == "miss").map(|one| (&*one.id, one)).collect();
        let mut hows: HashMap<&str, usize> = HashMap::new();
        for one in &answered {
            *hows.entry(&one.how).or_default() += 1;
            let maker = made.get(&*one.id).unwrap_or_else(|| panic!("nobody made {one:?}"));
            let shares = match scope {
                CacheScope::App => one.by == maker.by,
                CacheScope::Team | CacheScope::Org => (one.by == 2) == (maker.by == 2),
            };
            assert!(shares && one.subject == maker.subject, "{one:?} was made by {maker:?}");
        }
        println!("{scope:?}: {hows:?}");
        for how in ["miss", "hit", "coalesced", "semantic"] {
            assert!(hows.get(how).is_some_and(|count| *count > 10), "{how}: {hows:?}");
        }
    }
}
