//! A pool as its calls meet it: who gets a place, who waits, who is refused.

use super::*;
use contract::snapshot::{PoolQueue, ReplicaServer};
use dialect::metrics::Reading;
use proptest::prelude::*;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

fn policy(addresses: &[&str], concurrency_max: Option<u16>) -> PoolPolicy {
    PoolPolicy {
        server: ReplicaServer::Vllm,
        found: Discovery::List { addresses: addresses.iter().map(|one| (*one).into()).collect() },
        metrics_path: "/metrics".into(),
        metrics_port: None,
        scrape_ms: 50,
        concurrency_max,
        queue: PoolQueue { calls_max: 3, wait_ms_max: 10_000 },
        affinity: true,
        gpus: 1,
        draining: Vec::new(),
    }
}

fn pool(addresses: &[&str], concurrency_max: Option<u16>) -> Arc<Pool> {
    let policy = policy(addresses, concurrency_max);
    let pool = Pool::new(ProviderId(Uuid::from_u128(1)), policy.clone(), BreakerRule::default());
    pool.set_policy(&policy);
    Arc::new(pool)
}

fn wish(org: u128) -> Wish {
    Wish {
        org: contract::id::OrgId(Uuid::from_u128(org)),
        priority: 0,
        cost: 1,
        blocks: Box::default(),
        tried: Vec::new(),
        chance: 7,
    }
}

const A: &str = "10.0.0.1:8000";
const B: &str = "10.0.0.2:8000";
const C: &str = "10.0.0.3:8000";

fn at(seat: &Seat) -> &str {
    &seat.replica.address
}

fn far() -> Instant {
    Instant::now() + Duration::from_secs(600)
}

/// Polls once: the place, if there is one already.
async fn now<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
    std::future::poll_fn(|cx| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(cx) {
            std::task::Poll::Ready(told) => Some(told),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

fn read(pool: &Pool, address: &str, queued: u32, running: u32) {
    let replicas = pool.replicas();
    let replica = replicas.iter().find(|one| one.address == address).unwrap();
    replica.reads(Reading { queued, running, ..Reading::default() }, 0);
}

#[test]
fn a_call_goes_where_least_is_done_and_by_turns_only_where_that_is_asked_for() {
    let pool = pool(&[A, B, C], None);
    read(&pool, A, 0, 4);
    read(&pool, B, 0, 1);
    read(&pool, C, 2, 0);
    let first = pool.try_seat(&wish(1), 0).unwrap();
    assert_eq!(at(&first), B);
    pool.take_turns(true);
    let turns: Vec<_> = (0..3).map(|_| pool.try_seat(&wish(1), 0).unwrap()).collect();
    assert_eq!(turns.iter().map(at).collect::<Vec<_>>(), [A, B, C]);
}

#[test]
fn prompts_go_where_their_beginning_was_worked_on_until_that_one_is_too_busy() {
    let pool = pool(&[A, B, C], None);
    let alike = || Wish { blocks: (0..11).collect(), ..wish(1) };
    let first = pool.try_seat(&alike(), 0).unwrap();
    let home = at(&first).to_owned();
    let second = pool.try_seat(&alike(), 0).unwrap();
    assert_eq!(at(&second), home);
    let _third = pool.try_seat(&alike(), 0).unwrap();
    let fourth = pool.try_seat(&alike(), 0).unwrap();
    assert_ne!(at(&fourth), home, "eleven blocks are worth less than three calls");
    // What it knew is gone with a replica that failed.
    let replica = Arc::clone(&second.replica);
    second.ended_badly(0);
    assert_eq!(replica.prefixes().matched(&[0, 1]), 0);
}

#[test]
fn a_call_goes_to_no_replica_that_failed_it_while_another_is_left() {
    let pool = pool(&[A, B], None);
    let mut tried = Vec::new();
    for _ in 0..2 {
        let seat = pool.try_seat(&Wish { tried: tried.clone(), ..wish(1) }, 0).unwrap();
        assert!(!tried.iter().any(|one| Arc::ptr_eq(one, &seat.replica)));
        assert_eq!(pool.another(&tried, 0), Some(true));
        tried.push(Arc::clone(&seat.replica));
        seat.ended_badly(0);
    }
    assert_eq!(pool.another(&tried, 0), None);
    assert_eq!(pool.another(&[], 0), Some(false), "both failed their last call");
    assert!(pool.try_seat(&Wish { tried, ..wish(1) }, 0).is_some(), "better than nobody");
}

#[test]
fn a_replica_that_fails_again_and_again_is_left_alone_but_never_the_last_one() {
    let pool = pool(&[A, B], None);
    let fail = |address: &str, times: usize| {
        let replicas = pool.replicas();
        let replica = replicas.iter().find(|one| one.address == address).unwrap();
        (0..times).for_each(|_| replica.pulse.enter_anyway().ended_badly(1_000));
    };
    fail(A, 5);
    for _ in 0..20 {
        assert_eq!(at(&pool.try_seat(&wish(1), 1_001).unwrap()), B);
    }
    // It is probed by one call, and the next one goes elsewhere again.
    let probe = pool.try_seat(&wish(1), 6_001).unwrap();
    assert_eq!(at(&probe), A);
    assert_eq!(at(&pool.try_seat(&wish(1), 6_002).unwrap()), B);
    probe.ended_badly(6_003);
    fail(B, 5);
    assert!(pool.try_seat(&wish(1), 6_100).is_some(), "both are out, so both are called");
}

#[test]
fn one_that_drains_or_is_found_no_more_gets_no_calls_and_ends_those_it_has() {
    let pool = pool(&[A, B], None);
    // One each: the second goes where nothing is done yet.
    let seats = [(); 2].map(|()| pool.try_seat(&wish(1), 0).unwrap());
    let on_a = seats.into_iter().find(|seat| at(seat) == A).unwrap();
    let drained = PoolPolicy { draining: vec![A.into()], ..policy(&[A, B], None) };
    pool.set_policy(&drained);
    for _ in 0..10 {
        assert_eq!(at(&pool.try_seat(&wish(1), 0).unwrap()), B);
    }
    pool.set_policy(&policy(&[B, C], None));
    pool.tidy();
    assert_eq!(pool.replicas().len(), 3, "it works on a call");
    assert!(!on_a.replica.takes());
    drop(on_a);
    pool.tidy();
    assert_eq!(pool.replicas().len(), 2);
    pool.set_policy(&PoolPolicy { draining: vec![B.into(), C.into()], ..policy(&[B, C], None) });
    assert!(pool.try_seat(&wish(1), 0).is_none());
}

#[test]
fn an_answer_that_fails_takes_no_replica_away_and_is_told() {
    let pool = pool(&[A, B], None);
    pool.not_found("gpu.internal cannot be resolved".into());
    assert_eq!((pool.replicas().len(), pool.fault().is_some()), (2, true));
    pool.set_found(vec![A.into(), "nonsense".into(), A.into()]);
    assert_eq!(pool.replicas().len(), 1);
    assert!(pool.fault().unwrap().contains("\"nonsense\""));
    pool.set_found((0..300).map(|n| format!("10.1.{}.{}:80", n / 250, n % 250)).collect());
    assert_eq!(pool.replicas().len(), REPLICAS_MAX);
    assert!(pool.fault().unwrap().contains("300"));
}

#[tokio::test]
async fn a_full_pool_lets_calls_wait_and_gives_each_place_that_is_given_back_to_one() {
    let pool = pool(&[A], Some(2));
    let one = pool.try_seat(&wish(1), 0).unwrap();
    let two = pool.seat(wish(1), far(), 0).await.unwrap();
    assert!(pool.try_seat(&wish(1), 0).is_none());
    let mut third = Box::pin(pool.seat(wish(1), far(), 0));
    let mut fourth = Box::pin(pool.seat(wish(2), far(), 0));
    assert!(now(&mut third).await.is_none() && now(&mut fourth).await.is_none());
    assert_eq!(pool.waiting(), 2);
    one.ended_well(5, Duration::ZERO);
    let third = now(&mut third).await.unwrap().unwrap();
    assert!(now(&mut fourth).await.is_none());
    drop((two, third));
    assert!(now(&mut fourth).await.unwrap().is_ok());
    assert_eq!(pool.waiting(), 0);
}

#[tokio::test]
async fn a_caller_that_leaves_frees_its_place_in_line_and_one_it_was_given_unseen() {
    let pool = pool(&[A], Some(1));
    let first = pool.try_seat(&wish(1), 0).unwrap();
    let mut leaves = Box::pin(pool.seat(wish(1), far(), 0));
    let mut given = Box::pin(pool.seat(wish(1), far(), 0));
    let mut last = Box::pin(pool.seat(wish(1), far(), 0));
    for one in [&mut leaves, &mut given, &mut last] {
        assert!(now(one).await.is_none());
    }
    drop(leaves);
    assert_eq!(pool.waiting(), 2);
    drop(first);
    assert_eq!(pool.waiting(), 1, "the next one was given the place, and has not looked yet");
    drop(given);
    assert!(now(&mut last).await.unwrap().is_ok());
}

#[tokio::test]
async fn a_line_that_is_full_refuses_with_the_time_after_which_there_is_room() {
    let pool = pool(&[A], Some(1));
    let mut seat = pool.try_seat(&wish(1), 0).unwrap();
    // One call a second.
    for second in 1..=10 {
        seat.ended_well(second * 1_000, Duration::from_secs(1));
        seat = pool.try_seat(&wish(1), second * 1_000).unwrap();
    }
    let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(pool.seat(wish(1), far(), 10_000))).collect();
    for one in &mut waiting {
        assert!(now(one).await.is_none());
    }
    let Err(Full::Line { retry_after }) = pool.seat(wish(1), far(), 10_000).await else {
        panic!("there was room")
    };
    let wanted = Duration::from_secs(3)..=Duration::from_secs(4);
    assert!(wanted.contains(&retry_after), "four are ahead: {retry_after:?}");
    // An org that has less there makes room for itself at the cost of who has more.
    let mut other = Box::pin(pool.seat(wish(2), far(), 10_000));
    assert!(now(&mut other).await.is_none());
    let displaced = now(waiting.last_mut().unwrap()).await;
    assert!(matches!(displaced, Some(Err(Full::Line { .. }))), "{displaced:?}");
    assert_eq!(pool.waiting(), 3);
    drop(seat);
}

#[tokio::test]
async fn nobody_waits_longer_than_the_pool_or_the_call_allows() {
    let pool = pool(&[A], Some(1));
    let _seat = pool.try_seat(&wish(1), 0).unwrap();
    let waited = pool.seat(wish(1), Instant::now() + Duration::from_millis(2), 0).await;
    assert!(matches!(waited, Err(Full::Waited { .. })), "the call's own: {waited:?}");
    let mut soon = policy(&[A], Some(1));
    soon.queue.wait_ms_max = 2;
    pool.set_policy(&soon);
    let waited = pool.seat(wish(1), far(), 0).await;
    assert!(matches!(waited, Err(Full::Waited { .. })), "the pool's: {waited:?}");
    assert_eq!(pool.waiting(), 0);
}

#[tokio::test]
async fn what_other_gateways_send_takes_room_as_far_as_the_metrics_tell() {
    let pool = pool(&[A], Some(4));
    read(&pool, A, 1, 2);
    let one = pool.try_seat(&wish(1), 0).unwrap();
    assert!(pool.try_seat(&wish(1), 0).is_none());
    let mut waits = Box::pin(pool.seat(wish(1), far(), 0));
    assert!(now(&mut waits).await.is_none());
    // Theirs end; ours is the one that it works on.
    read(&pool, A, 0, 1);
    pool.look_again(0);
    assert!(now(&mut waits).await.unwrap().is_ok());
    drop(one);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever comes and goes: no replica has more than it may, nobody waits where there is room.
    #[test]
    fn no_place_is_lost_and_none_is_given_twice(acts in prop::collection::vec(0..6_u8, 1..200)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let told: Result<(), TestCaseError> = runtime.block_on(async {
            let pool = pool(&[A, B], Some(2));
            let (mut seats, mut waits) = (Vec::new(), Vec::new());
            for (n, act) in acts.into_iter().enumerate() {
                match act {
                    0..=2 => {
                        let pool = Arc::clone(&pool);
                        let wish = Wish { chance: n as u64 * 31, ..wish(u128::from(act) + 1) };
                        waits.push(Box::pin(async move { pool.seat(wish, far(), 0).await }));
                    }
                    3 if !seats.is_empty() => drop(seats.swap_remove(n % seats.len())),
                    4 if !waits.is_empty() => drop(waits.swap_remove(n % waits.len())),
                    _ => pool.look_again(0),
                }
                // Twice: the last may have displaced one that was asked before it.
                for _ in 0..2 {
                    let mut left = Vec::new();
                    for mut one in waits {
                        match now(&mut one).await {
                            Some(Ok(seat)) => seats.push(seat),
                            Some(Err(_)) => {}
                            None => left.push(one),
                        }
                    }
                    waits = left;
                }
                for replica in pool.replicas().iter() {
                    prop_assert!(replica.pulse.in_flight() <= 2);
                }
                prop_assert_eq!(pool.waiting(), waits.len());
                prop_assert!(waits.is_empty() || seats.len() == 4, "somebody waits where there is room");
            }
            Ok(())
        });
        told?;
    }
}
