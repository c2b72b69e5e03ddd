//! What pools are for, against replicas that take turns, in the same run. Service times are those of
//! language models, so that what else the machine does matters little. `POOL_BENCH_S` makes the runs
//! longer than the few seconds that they take as tests.

use super::{Pooled, ReplicaState};
use crate::support::MODEL;
use futures::StreamExt as _;
use gateway::chance::Chance;
use std::time::{Duration, Instant};

fn seconds(usual: u64) -> u64 {
    std::env::var("POOL_BENCH_S").map_or(usual, |text| text.parse().unwrap())
}

/// Evenly spread over 0 to 1.
fn draw(chance: &Chance) -> f64 {
    (chance.next() >> 11) as f64 / (1_u64 << 53) as f64
}

/// Streamed calls that come as they come, so many a second on average, whether earlier ones are
/// answered or not. Times to first content, in milliseconds, sorted.
async fn arrivals(
    pooled: &Pooled,
    (rate, seconds): (f64, u64),
    tokens: u64,
    prompt: impl Fn(&Chance) -> String,
) -> Vec<f64> {
    let chance = Chance::seeded(20_261_124);
    let begun = Instant::now();
    let (mut at, mut calls) = (0.0, Vec::new());
    while at < seconds as f64 {
        at += -(1.0 - draw(&chance)).ln() / rate;
        let said = format!("{} [[sim tokens={tokens}]]", prompt(&chance));
        let body = serde_json::json!({"model": MODEL, "stream": true,
            "messages": [{"role": "system", "content": said}, {"role": "user", "content": "Go"}]});
        let request = pooled.stack.post("/v1/chat/completions").json(&body);
        tokio::time::sleep_until((begun + Duration::from_secs_f64(at)).into()).await;
        calls.push(tokio::spawn(async move {
            let sent = Instant::now();
            let mut stream = request.send().await.unwrap().bytes_stream();
            let mut text = Vec::new();
            let mut first = None;
            while let Some(bytes) = stream.next().await {
                text.extend_from_slice(&bytes.unwrap());
                first.get_or_insert_with(|| sent.elapsed());
            }
            assert!(text.ends_with(b"data: [DONE]\n\n"), "{}", text.escape_ascii());
            first.unwrap().as_secs_f64() * 1_000.0
        }));
    }
    let mut took = Vec::new();
    for call in calls {
        took.push(call.await.unwrap());
    }
    took.sort_by(f64::total_cmp);
    took
}

fn percentile(sorted: &[f64], percent: usize) -> f64 {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}

/// Four replicas of which the last is a quarter as quick as the first, at 80 % of what they can do.
#[tokio::test]
async fn with_unequal_replicas_the_first_token_comes_in_half_the_time_that_turns_take() {
    let speeds = [
        "batch_max=4,prefill_us=200,decode_us=9000,decode_more_us=1000",
        "batch_max=4,prefill_us=200,decode_us=9000,decode_more_us=1000",
        "batch_max=4,prefill_us=400,decode_us=18000,decode_more_us=2000",
        "batch_max=4,prefill_us=800,decode_us=36000,decode_more_us=4000",
    ];
    // Full, a replica of the first kind writes 4 answers of 24 tokens in 24 × 12 ms, after prompts of
    // about 4 × 10 ms: 12 a second; all four 12 + 12 + 6 + 3.
    let rate = 0.8 * 33.0;
    let prompt = |chance: &Chance| format!("{:032x}", chance.next());
    let mut told = Vec::new();
    for turns in [true, false] {
        let pooled = Pooled::of(&speeds, |policy| policy.affinity = false, |_| {}).await;
        pooled.all(ReplicaState::Ready).await;
        pooled.pool().take_turns(turns);
        let took = arrivals(&pooled, (rate, seconds(6)), 24, prompt).await;
        let shares: Vec<_> = pooled.replicas.iter().map(|one| one.stats().calls).collect();
        let name = if turns { "turns" } else { "score" };
        let (p50, p95) = (percentile(&took, 50), percentile(&took, 95));
        eprintln!(
            "{name}: {} calls {shares:?}, first token p50 {p50:.0} ms, p95 {p95:.0} ms",
            took.len()
        );
        told.push(p95);
    }
    assert!(told[1] * 2.0 <= told[0], "p95 {:.0} ms by score, {:.0} ms by turns", told[1], told[0]);
}

/// Sixteen long beginnings, of which each replica can keep about four.
#[tokio::test]
async fn calls_that_begin_alike_stay_together_and_the_replicas_caches_hit_twice_as_often() {
    let speed = "batch_max=8,prefill_us=50,decode_us=4000,decode_more_us=200,cache_blocks=270";
    let prompt = |chance: &Chance| {
        let nth = chance.next() % 16;
        format!(
            "[{nth:02}] {}",
            format!("You are assistant number {nth:02} of this house. ").repeat(90)
        )
    };
    let mut told = Vec::new();
    for affinity in [false, true] {
        let pooled = Pooled::of(&[speed; 4], |policy| policy.affinity = affinity, |_| {}).await;
        pooled.all(ReplicaState::Ready).await;
        let took = arrivals(&pooled, (30.0, seconds(6)), 8, prompt).await;
        let (looked, hits) = pooled
            .replicas
            .iter()
            .map(|one| one.cached())
            .fold((0, 0), |(looked, hits), (more_looked, more_hits)| {
                (looked + more_looked, hits + more_hits)
            });
        let share = hits as f64 / looked as f64;
        let (p50, p95) = (percentile(&took, 50), percentile(&took, 95));
        eprintln!(
            "affinity {affinity}: {} calls, {:.0} % of prompts in caches, first token p50 {p50:.0} ms, p95 {p95:.0} ms",
            took.len(),
            share * 100.0
        );
        told.push(share);
    }
    assert!(told[1] >= 2.0 * told[0], "{told:?}");
}
