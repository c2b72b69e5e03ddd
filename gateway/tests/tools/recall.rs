//! What is kept and what is shared, without a gateway around it: nothing crosses a wall, nothing
//! grows without bound, nothing old is given.

use crate::redis_server::RedisServer;
use crate::world::id;
use contract::channel::{cache_answers, cache_bytes, cache_ends};
use contract::id::{AppId, OrgId, TeamId};
use contract::key::KeyPepper;
use contract::seal::{BlobSeal, MasterKey};
use contract::snapshot::CacheScope;
use contract::usage::Tokens;
use dialect::neutral::{Answer, Candidate, Event, Part, Stop};
use dialect::replay::events_of;
use gateway::link::{Link, Purpose};
use gateway::meter::Measure;
use gateway::recall::{
    CacheSecret, Flights, Joined, Kept, KeyMaker, Librarian, Seat, Shelf, Step, Store, Tenant,
    TenantKey,
};
use gateway::telemetry::Telemetry;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

pub const HOUR_MS: i64 = 3_600_000;

fn secret() -> CacheSecret {
    CacheSecret::of(&KeyPepper::new([7; 32]))
}

fn seal() -> BlobSeal {
    BlobSeal::new(&MasterKey::new("m", [5; 32]), "kept")
}

/// Who calls, and how widely the plan shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    pub org: OrgId,
    team: TeamId,
    app: AppId,
    scope: CacheScope,
}

impl Caller {
    pub fn chosen(chance: &mut StdRng) -> Self {
        let mut pick = |of: u128| chance.random_range(0..of);
        // The same numbers in both orgs: only the org tells them apart.
        let (org, team, app) = (pick(2), pick(2), pick(3));
        let scope = [CacheScope::Org, CacheScope::Team, CacheScope::App];
        Self {
            org: OrgId(id(10 + org)),
            team: TeamId(id(20 + team)),
            app: AppId(id(30 + app)),
            scope: scope[pick(3) as usize],
        }
    }

    pub fn key(&self, purges: u64, asked: &str) -> TenantKey {
        let tenant = Tenant::new(self.org, self.team, self.app, self.scope);
        let mut maker = KeyMaker::new(&secret(), &tenant);
        maker.number(purges);
        maker.finish(|out| out.write_all(asked.as_bytes())).unwrap()
    }

    /// All that an answer must be of, to be given to this caller.
    pub fn mark(&self, purges: u64, asked: &str) -> String {
        let Self { org, team, app, scope } = self;
        let part = match scope {
            CacheScope::Org => String::new(),
            CacheScope::Team => team.to_string(),
            CacheScope::App => app.to_string(),
        };
        format!("{org} {} {part} {purges} {asked}", scope.as_str())
    }
}

pub fn kept(text: &str, at_ms: i64) -> Kept {
    let candidate =
        Candidate { parts: vec![Part::text(text)], stop: Stop::End, logprobs: None, native: None };
    let tokens = Tokens { input: 3, output: 9, ..Tokens::default() };
    let answer = Answer { candidates: vec![candidate], tokens: Some(tokens), ..Answer::default() };
    Kept { answer, as_told: None, measure: Measure::told(tokens, Default::default()), at_ms }
}

pub fn text(answer: &Answer) -> String {
    match &answer.candidates[0].parts[0].content {
        dialect::neutral::Content::Text { text, .. } => text.clone(),
        other => panic!("{other:?}"),
    }
}

fn step(seat: &mut Seat) -> Option<Step> {
    match seat.poll_step(&Context::from_waker(Waker::noop())) {
        Poll::Ready(step) => Some(step),
        Poll::Pending => None,
    }
}

/// What a follower has been told, whole.
fn followed(seat: &mut Seat) -> String {
    let mut said = String::new();
    loop {
        match step(seat).expect("the leader has ended") {
            Step::Events(events) => {
                for event in events {
                    if let Event::Delta { delta: dialect::neutral::Delta::Text(more), .. } = &*event
                    {
                        said.push_str(more);
                    }
                }
            }
            Step::Whole(kept) => {
                assert!(said.is_empty() || said == text(&kept.answer), "{said}");
                return text(&kept.answer);
            }
            Step::Failed(why) => panic!("{why:?}"),
        }
    }
}

pub struct Shelved {
    redis: RedisServer,
    pub shelf: Shelf,
    librarian: tokio::task::JoinHandle<()>,
}

impl Shelved {
    pub async fn start(bytes_max: usize) -> Self {
        let redis = RedisServer::start();
        let (shelf, librarian) = Librarian::new(bytes_max, seal());
        let link = Link::new(
            redis.address(),
            Purpose::Cache,
            Duration::from_secs(20),
            Arc::new(Telemetry::default()),
        );
        let librarian = tokio::spawn(librarian.run(link));
        Self { redis, shelf, librarian }
    }

    pub async fn count(&self, org: OrgId) -> usize {
        let mut connection = self.redis.connection().await;
        let mut command = redis::cmd("HLEN");
        command.arg(cache_answers(org)).query_async(&mut connection).await.unwrap()
    }

    pub async fn bytes(&self, org: OrgId) -> usize {
        let mut connection = self.redis.connection().await;
        let mut command = redis::cmd("GET");
        let bytes: Option<usize> =
            command.arg(cache_bytes(org)).query_async(&mut connection).await.unwrap();
        bytes.unwrap_or(0)
    }

    pub async fn keep(&self, key: TenantKey, kept: &Kept, ttl_ms: i64) {
        self.shelf.keep(key, &kept.write().unwrap(), kept.at_ms, ttl_ms);
    }

    /// Asks until Redis has answered everything before: orders are carried out as they come.
    pub async fn find(&self, key: TenantKey, now_ms: i64) -> Option<String> {
        for _ in 0..100 {
            if let Some(found) = self.shelf.find(key, now_ms, HOUR_MS).await {
                return Some(text(&found.kept.answer));
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        None
    }
}

/// The figure: one hundred thousand calls of two organisations that ask for the same.
pub const CALLS: usize = 100_000;

#[tokio::test]
async fn of_a_hundred_thousand_calls_of_two_organisations_in_every_mode_no_answer_crosses() {
    let shelved = Shelved::start(1 << 20).await;
    let mut chance = StdRng::seed_from_u64(7);
    let (store, flights) = (Store::new(1 << 18), Arc::new(Flights::default()));
    let mut purges = [0_u64; 2];
    let mut under_way: Vec<(TenantKey, String, gateway::recall::Pilot, Vec<Seat>)> = Vec::new();
    let (mut hits, mut shelf_hits, mut shared, mut made) = (0, 0, 0, 0);
    for nth in 0..CALLS {
        let now_ms = i64::try_from(nth).unwrap();
        let caller = Caller::chosen(&mut chance);
        let org = usize::from(caller.org != OrgId(id(10)));
        if chance.random_range(0..2_000) == 0 {
            purges[org] += 1;
        }
        let asked = format!("question {}", chance.random_range(0..40_u8));
        let (key, mark) = (caller.key(purges[org], &asked), caller.mark(purges[org], &asked));
        if let Some(found) = store.find(&key, now_ms, 5_000) {
            assert_eq!(text(&found.answer), mark);
            hits += 1;
        } else if nth % 10 == 0
            && let Some(found) = shelved.shelf.find(key, now_ms, 5_000).await
        {
            assert_eq!(text(&found.kept.answer), mark);
            shelf_hits += 1;
        } else {
            match flights.join(key) {
                Joined::Follow(seat) => {
                    let (_, leads, _, seats) =
                        under_way.iter_mut().find(|(of, ..)| *of == key).expect("its leader");
                    assert_eq!(*leads, mark);
                    seats.push(seat);
                    shared += 1;
                }
                Joined::Lead(pilot) => under_way.push((key, mark, pilot, Vec::new())),
            }
        }
        // Some call ends: as a stream, or at once.
        if under_way.len() > 8 {
            let at = chance.random_range(0..under_way.len());
            let (key, mark, pilot, mut seats) = under_way.swap_remove(at);
            let answer = kept(&mark, now_ms);
            if chance.random_range(0..2) == 0 {
                let events: Vec<_> =
                    events_of(&answer.answer, 7).into_iter().map(Arc::new).collect();
                pilot.tell(&events);
            }
            store.keep(key, Arc::new(answer.clone()), mark.len());
            shelved.keep(key, &answer, 5_000).await;
            pilot.land(Arc::new(answer));
            made += 1;
            for seat in &mut seats {
                assert_eq!(followed(seat), mark);
            }
        }
    }
    println!("{hits} from memory, {shelf_hits} from Redis, {shared} shared, {made} made");
    assert!(hits > 10_000 && shelf_hits > 50 && shared > 500 && made > 1_000);
    shelved.librarian.abort();
}

#[test]
fn keys_of_two_differ_in_whatever_they_differ_in_and_are_nothing_without_the_secret() {
    let caller = Caller {
        org: OrgId(id(1)),
        team: TeamId(id(2)),
        app: AppId(id(2)),
        scope: CacheScope::Team,
    };
    let key = caller.key(0, "what");
    assert_eq!(key, caller.key(0, "what"));
    // A team and an app of one number, and an org of that number, are three.
    let others = [
        Caller { scope: CacheScope::App, ..caller },
        Caller { scope: CacheScope::Org, ..caller },
        Caller { org: OrgId(id(2)), ..caller },
        Caller { team: TeamId(id(3)), ..caller },
    ];
    for other in others {
        assert_ne!(key, other.key(0, "what"), "{other:?}");
        assert_ne!(key.text(), other.key(0, "what").text(), "{other:?}");
    }
    assert_ne!(key, caller.key(1, "what"));
    assert_ne!(key, caller.key(0, "what "));
    let tenant = Tenant::new(caller.org, caller.team, caller.app, caller.scope);
    let elsewhere = CacheSecret::of(&KeyPepper::new([8; 32]));
    let mut maker = KeyMaker::new(&elsewhere, &tenant);
    maker.number(0);
    let other = maker.finish(|out| out.write_all(b"what")).unwrap();
    assert_ne!(key, other);
    assert!(!format!("{elsewhere:?}").contains('8'));
    // Where a piece ends is a part of it.
    let of = |pieces: [&[u8]; 2]| {
        let mut maker = KeyMaker::new(&secret(), &tenant);
        pieces.into_iter().for_each(|piece| maker.add(piece));
        maker.finish(|_| Ok(())).unwrap()
    };
    assert_ne!(of([b"ab", b"c"]), of([b"a", b"bc"]));
}

pub fn some_key(n: u32) -> TenantKey {
    let caller = Caller {
        org: OrgId(id(1)),
        team: TeamId(id(2)),
        app: AppId(id(3)),
        scope: CacheScope::Org,
    };
    caller.key(u64::from(n), "")
}

#[test]
fn memory_keeps_what_is_asked_for_within_its_bound_and_nothing_that_is_old() {
    let store = Store::new(16 * 20_000);
    let favourite = some_key(0);
    store.keep(favourite, Arc::new(kept("favourite", 0)), 100);
    for n in 1..5_000 {
        store.keep(some_key(n), Arc::new(kept("once", 0)), 100);
        assert!(store.find(&favourite, 0, 1).is_some(), "asked for all the time, after {n}");
        let (_, bytes) = store.size();
        assert!(bytes <= 16 * 20_000, "{bytes}");
    }
    let (count, _) = store.size();
    assert!((200..=530).contains(&count), "{count}");
    for (now_ms, is_there) in [(0, true), (60, true), (61, false), (-5_000, true), (-5_001, false)]
    {
        assert_eq!(store.find(&favourite, now_ms, 60).is_some(), is_there, "{now_ms}");
    }
    // The newer one counts; one that is larger than all there is, is not kept.
    store.keep(favourite, Arc::new(kept("newer", 100)), 100);
    assert_eq!(text(&store.find(&favourite, 100, 1).unwrap().answer), "newer");
    store.keep(some_key(9_999), Arc::new(kept("huge", 0)), 30_000);
    assert!(store.find(&some_key(9_999), 0, 1).is_none());
    assert!(Store::new(0).find(&favourite, 0, 1).is_none());
}

#[tokio::test]
async fn redis_keeps_a_bounded_number_of_bytes_for_each_organisation_and_forgets_by_itself() {
    let shelved = Shelved::start(20_000).await;
    let org = OrgId(id(1));
    let long = "x".repeat(1_500);
    for n in 0..40 {
        shelved.keep(some_key(n), &kept(&long, i64::from(n)), HOUR_MS).await;
    }
    assert_eq!(shelved.find(some_key(39), 40).await, Some(long.clone()));
    let (count, bytes) = (shelved.count(org).await, shelved.bytes(org).await);
    assert!((8..=13).contains(&count) && bytes <= 20_000, "{count} of {bytes} bytes");
    assert!(shelved.shelf.find(some_key(0), 40, HOUR_MS).await.is_none(), "the oldest left");
    // Too old for whoever asks, or from the future.
    assert!(shelved.shelf.find(some_key(39), 100, 60).await.is_none());
    assert!(shelved.shelf.find(some_key(39), -6_000, HOUR_MS).await.is_none());
    // What has ended leaves when something comes.
    shelved.keep(some_key(50), &kept("new", 2 * HOUR_MS), HOUR_MS).await;
    assert_eq!(shelved.find(some_key(50), 2 * HOUR_MS).await.as_deref(), Some("new"));
    assert_eq!(shelved.count(org).await, 1);
    // Sealed: a nonce before it, a tag behind it.
    let written = kept("new", 2 * HOUR_MS).write().unwrap().len() + 24 + 16;
    assert_eq!(shelved.bytes(org).await, written);
    let mut connection = shelved.redis.connection().await;
    for name in [cache_answers(org), cache_ends(org), cache_bytes(org)] {
        let ttl: i64 = redis::cmd("PTTL").arg(&name).query_async(&mut connection).await.unwrap();
        assert!((1..=HOUR_MS).contains(&ttl), "{name}: {ttl}");
    }
    // What cannot be read is not there.
    let field = some_key(50).text();
    let mut command = redis::cmd("HSET");
    command.arg(cache_answers(org)).arg(field).arg(b"{\"form\":2}");
    command.query_async::<()>(&mut connection).await.unwrap();
    assert!(shelved.shelf.find(some_key(50), 2 * HOUR_MS, HOUR_MS).await.is_none());
}

#[tokio::test]
async fn without_redis_nothing_is_found_and_nobody_waits_long() {
    let mut shelved = Shelved::start(1 << 20).await;
    shelved.keep(some_key(1), &kept("there", 0), HOUR_MS).await;
    assert!(shelved.find(some_key(1), 0).await.is_some());
    shelved.redis.kill();
    let started = std::time::Instant::now();
    for _ in 0..20 {
        assert!(shelved.shelf.find(some_key(1), 0, HOUR_MS).await.is_none());
    }
    assert!(started.elapsed() < Duration::from_millis(1_500), "{:?}", started.elapsed());
}

#[test]
fn followers_on_other_threads_get_everything_however_late_they_come() {
    let flights = Arc::new(Flights::default());
    let key = some_key(1);
    let Joined::Lead(pilot) = flights.join(key) else { panic!("somebody leads already") };
    let answer = kept(&"word ".repeat(500), 0);
    let events: Vec<_> = events_of(&answer.answer, 3).into_iter().map(Arc::new).collect();
    let waiting: Vec<_> = (0..8)
        .map(|_| {
            let Joined::Follow(mut seat) = flights.join(key) else { panic!("another leads") };
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                runtime.block_on(async {
                    let mut got = 0;
                    loop {
                        match std::future::poll_fn(|cx| seat.poll_step(cx)).await {
                            Step::Events(events) => got += events.len(),
                            Step::Whole(_) => return got,
                            Step::Failed(why) => panic!("{why:?}"),
                        }
                    }
                })
            })
        })
        .collect();
    for some in events.chunks(10) {
        pilot.tell(some);
    }
    let Joined::Follow(mut late) = flights.join(key) else { panic!("another leads") };
    pilot.land(Arc::new(answer.clone()));
    for thread in waiting {
        assert_eq!(thread.join().unwrap(), events.len());
    }
    assert_eq!(followed(&mut late), text(&answer.answer));
    assert_eq!(flights.count(), 0, "who asks now makes another call");
    assert!(matches!(flights.join(key), Joined::Lead(_)));
}
