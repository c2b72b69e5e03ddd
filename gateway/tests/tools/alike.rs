//! Answers to questions that mean the same, without a gateway around them: nothing crosses a wall,
//! nothing grows without bound, and two gateways find what either answered.

use crate::recall::{CALLS, Caller, HOUR_MS, Shelved, kept, some_key, text};
use crate::redis_server::RedisServer;
use crate::world::id;
use contract::id::OrgId;
use contract::seal::MasterKey;
use gateway::link::{Link, Purpose};
use gateway::recall::{CacheBounds, Compared, Near, Question, Recall, Vector};
use gateway::telemetry::Telemetry;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use std::sync::Arc;
use std::time::Duration;

/// A gateway's memory, before a Redis that it may share with others.
fn gateway(redis: &RedisServer, bounds: CacheBounds) -> (Recall, tokio::task::JoinHandle<()>) {
    let (recall, librarian) = Recall::new(bounds, &MasterKey::new("m", [5; 32]));
    let within = Duration::from_secs(20);
    let link = Link::new(redis.address(), Purpose::Cache, within, Arc::new(Telemetry::default()));
    (recall, tokio::spawn(librarian.run(link)))
}

/// What a question means: the same but for a little for those of one subject.
fn means(subject: u64, words: u64) -> Vector {
    let mut of_subject = StdRng::seed_from_u64(subject);
    let mut of_words = StdRng::seed_from_u64(1_000 + words);
    let numbers: Vec<f64> = (0..64)
        .map(|_| of_subject.random_range(-1.0..1.0) + of_words.random_range(-0.1..0.1))
        .collect();
    Vector::of(&numbers).unwrap()
}

#[tokio::test]
async fn of_a_hundred_thousand_calls_that_mean_the_same_no_answer_crosses_on_two_gateways() {
    let redis = RedisServer::start();
    // One keeps answers in Redis alone, and knows of questions what Redis tells.
    let forgetful = CacheBounds { bytes_max: 0, ..CacheBounds::default() };
    let (one, first) = gateway(&redis, CacheBounds::default());
    let (two, second) = gateway(&redis, forgetful);
    let mut chance = StdRng::seed_from_u64(11);
    let mut purges = [0_u64; 2];
    let (mut exact, mut alike, mut across, mut made) = (0, 0, 0, 0);
    let mut makers = std::collections::HashMap::new();
    for nth in 0..CALLS {
        let now_ms = i64::try_from(nth).unwrap() * 6;
        // One call of four is the other one's, which asks Redis for each.
        let at = chance.random_range(0..4_usize) / 3;
        let recall = [&one, &two][at];
        let caller = Caller::chosen(&mut chance);
        let org = usize::from(caller.org != OrgId(id(10)));
        if chance.random_range(0..3_000) == 0 {
            purges[org] += 1;
        }
        let (subject, words) = (chance.random_range(0..8_u64), chance.random_range(0..16_u64));
        let rest = chance.random_range(0..2_u8);
        let key = caller.key(purges[org], &format!("{rest} {subject} {words}"));
        // All but the words: who may share it, and what it is an answer to.
        let mark = caller.mark(purges[org], &format!("rest {rest} subject {subject}"));
        let young = (now_ms, 60_000);
        if let Some(found) = recall.store.find(&key, now_ms, 60_000) {
            assert_eq!(text(&found.answer), mark);
            exact += 1;
            continue;
        }
        let partition = caller.key(purges[org], &format!("rest {rest}"));
        let compared = Compared { partition, means: means(subject, words) };
        if let Some((how, found)) = recall.find_alike(&compared, 900, young).await {
            assert!(how >= 900, "{how}");
            assert_eq!(text(&found.answer), mark);
            alike += 1;
            across += usize::from(makers.get(&(mark, found.at_ms)) != Some(&at));
            continue;
        }
        makers.insert((mark.clone(), now_ms), at);
        recall.keep(key, &Arc::new(kept(&mark, now_ms)), Some(compared), 60_000);
        made += 1;
    }
    println!(
        "{exact} from memory, {alike} that mean the same ({across} of another gateway), {made} made"
    );
    assert!(exact > 500 && alike > 50_000 && across > 1_000 && made > 1_000);
    first.abort();
    second.abort();
}

#[tokio::test]
async fn questions_that_another_gateway_answered_are_found_and_sealed_ones_of_another_key_are_not()
{
    let redis = RedisServer::start();
    let (one, _first) = gateway(&redis, CacheBounds::default());
    let compared = |n| Compared { partition: some_key(1), means: means(1, n) };
    one.keep(some_key(2), &Arc::new(kept("said", 0)), Some(compared(1)), HOUR_MS);
    let young = (1, HOUR_MS);
    let mut found = None;
    for _ in 0..100 {
        // Who starts now knows nothing yet.
        let (two, _second) = gateway(&redis, CacheBounds::default());
        found = two.find_alike(&compared(2), 900, young).await;
        if found.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let (alike, answer) = found.expect("Redis tells");
    assert!(alike >= 900 && text(&answer.answer) == "said", "{alike}");
    let (stranger, librarian) = Recall::new(CacheBounds::default(), &MasterKey::new("m", [6; 32]));
    let within = Duration::from_secs(20);
    let link = Link::new(redis.address(), Purpose::Cache, within, Arc::new(Telemetry::default()));
    let _third = tokio::spawn(librarian.run(link));
    assert!(stranger.find_alike(&compared(2), 900, young).await.is_none());
    assert!(stranger.find(some_key(2), 1, HOUR_MS).await.is_none());
    // Without memory for questions there is nothing to compare with, and without Redis little.
    let none = CacheBounds { questions_bytes_max: 0, ..CacheBounds::default() };
    let (forgetful, _fourth) = gateway(&redis, none);
    assert!(forgetful.find_alike(&compared(2), 900, young).await.is_none());
    let nothing = CacheBounds { redis_bytes_max: 0, ..CacheBounds::default() };
    let (alone, _fifth) = gateway(&redis, nothing);
    assert!(alone.find_alike(&compared(2), 900, young).await.is_none());
}

#[tokio::test]
async fn a_list_of_questions_in_redis_is_bounded_and_leaves_room_for_answers() {
    let shelved = Shelved::start(40_000).await;
    let (list, org) = (some_key(1), OrgId(id(1)));
    let entry = |n: u32| n.to_le_bytes().repeat(100);
    for n in 0..200 {
        shelved.shelf.add(list, &entry(n), 0, HOUR_MS);
    }
    shelved.keep(some_key(2), &kept("last", 0), HOUR_MS).await;
    assert_eq!(shelved.find(some_key(2), 0).await.as_deref(), Some("last"));
    // Orders that are given at once are carried out in any order; this one comes after them.
    shelved.shelf.add(list, &entry(999), 0, HOUR_MS);
    shelved.keep(some_key(4), &kept("then", 0), HOUR_MS).await;
    assert!(shelved.find(some_key(4), 0).await.is_some());
    let mut told = shelved.shelf.list(list, 400).await.unwrap();
    // A quarter of all there is, and each has forty bytes more.
    assert_eq!(told.len(), 10_000 / 440);
    assert_eq!(told[0], entry(999), "the newest first");
    told.sort();
    told.dedup();
    assert_eq!(told.len(), 10_000 / 440, "each of them once");
    let (count, bytes) = (shelved.count(org).await, shelved.bytes(org).await);
    assert!(count == 3 && bytes <= 40_000, "{count} {bytes}");
    // Entries of another length take the place of those that are there.
    shelved.shelf.add(list, &[7; 100], 0, HOUR_MS);
    shelved.keep(some_key(3), &kept("later", 0), HOUR_MS).await;
    assert!(shelved.find(some_key(3), 0).await.is_some());
    assert_eq!(shelved.shelf.list(list, 100).await.unwrap(), [vec![7; 100]]);
    assert_eq!(shelved.shelf.list(list, 400).await.unwrap(), Vec::<Vec<u8>>::new());
}

#[test]
fn questions_are_bounded_the_oldest_leave_and_old_ones_are_alike_to_nothing() {
    let near = Near::new(200_000);
    let question =
        |n: u32, at_ms| Question { answer: some_key(n), means: means(n.into(), 0), at_ms };
    for n in 0..1_200 {
        near.add(some_key(9_000), question(n, i64::from(n)));
    }
    let asked = |n: u32, young| near.find(&some_key(9_000), &means(n.into(), 0), 990, young);
    assert!(asked(100, (1_200, HOUR_MS)).is_empty(), "of a thousand the oldest have left");
    let newest = asked(1_199, (1_200, HOUR_MS));
    assert_eq!(newest[0], (1_000, some_key(1_199)));
    assert!(asked(1_000, (1_200, 100)).is_empty(), "it is older than that");
    near.forget(some_key(9_000), &some_key(1_199));
    assert!(asked(1_199, (1_200, HOUR_MS)).is_empty());
    // Many partitions have the room of few; one that is asked for stays.
    for n in 0..5_000 {
        near.add(some_key(10_000 + n), question(n, 0));
        assert!(near.find(&some_key(10_000), &means(0, 0), 990, (0, 1)).len() == 1, "after {n}");
        assert!(near.size().1 <= 200_000);
    }
    assert!(near.find(&some_key(10_001), &means(1, 0), 990, (0, 1)).is_empty());
}
