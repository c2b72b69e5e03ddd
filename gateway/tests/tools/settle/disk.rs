//! Its files: what they hold, how many there are, and a disk that is full.

use super::{ROOM, Ship, call, event, intent, once, open, segments, shipped, unsettled};
use crate::redis_server::RedisServer;
use crate::world::id;
use contract::id::RequestId;
use gateway::settle::SpoolFull;
use gateway::telemetry::Count;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

#[test]
fn a_full_spool_refuses_new_work_and_has_room_for_what_is_under_way() {
    let state = TempDir::new().unwrap();
    let (settle, telemetry) = open(state.path(), 100_000);
    let mut under_way = Vec::new();
    let mut n = 0;
    let full = loop {
        match settle.intend(&intent(n)) {
            Ok(begun) => under_way.push((begun, n)),
            Err(full) => break full,
        }
        n += 1;
    };
    assert_eq!(full, SpoolFull::Limit);
    assert!(!settle.writable() && under_way.len() > 10, "{}", under_way.len());
    assert_eq!(settle.depth().intents, n as u64);
    for (begun, n) in under_way {
        settle.record(begun, &event(n));
    }
    assert!(settle.depth().bytes <= 100_000);
    assert_eq!((u128::from(settle.depth().events), settle.depth().intents), (n, 0));
    assert_eq!(telemetry.total(Count::SpoolRefused), 1);
}

#[tokio::test]
async fn a_full_spool_opens_again_when_redis_has_taken_it() {
    let redis = RedisServer::start();
    let state = TempDir::new().unwrap();
    let (settle, telemetry) = open(state.path(), 100_000);
    let mut n = 0;
    while call(&settle, n).is_ok() {
        n += 1;
    }
    assert!(!settle.writable());
    let mut ship = Ship::new(&settle, &redis, &telemetry);
    ship.all().await;
    assert!(settle.writable());
    call(&settle, n).unwrap();
    assert_eq!(ship.through(&redis).await, once(0..=n));
}

#[tokio::test]
async fn a_crowded_disk_keeps_what_redis_does_not_have() {
    let redis = RedisServer::start();
    let state = TempDir::new().unwrap();
    let (settle, telemetry) = open(state.path(), 100_000);
    let mut ship = Ship::new(&settle, &redis, &telemetry);
    // The backend takes nothing: ten times what the disk may hold.
    for n in 0..1_500 {
        call(&settle, n).unwrap();
        if n % 50 == 0 {
            ship.all().await;
        }
        assert!(settle.writable());
    }
    assert_eq!(ship.through(&redis).await, once(0..1_500));
    assert_eq!(settle.depth().bytes, 0);
}

#[tokio::test]
async fn a_disk_that_fills_up_between_a_calls_beginning_and_its_end_loses_neither() {
    let disk = TempDir::new().unwrap();
    let Some(_mounted) = Mounted::tmpfs(disk.path(), "10m") else {
        println!("skipped: mounting a small tmpfs takes root");
        return;
    };
    let redis = RedisServer::start();
    let (settle, telemetry) = open(disk.path(), ROOM);
    let under_way: Vec<_> = (0..4).map(|n| (settle.intend(&intent(n)).unwrap(), n)).collect();
    // Something else takes all the room there is, the reserve included.
    std::fs::remove_file(disk.path().join("spool/ballast")).unwrap();
    let hog = disk.path().join("hog");
    let mut file = std::fs::File::create(&hog).unwrap();
    while file.write_all(&[0; 4_096]).is_ok() {}
    drop(file);
    for (begun, n) in under_way {
        settle.record(begun, &event(n));
    }
    assert!(!settle.writable(), "no new call is begun");
    // What did not fit on the last page waits in memory; killed now, it would be told as a call
    // whose end is not known.
    assert!(settle.depth().intents > 0);
    assert_eq!(settle.intend(&intent(9)).unwrap_err(), SpoolFull::Disk);

    std::fs::remove_file(hog).unwrap();
    let mut ship = Ship::new(&settle, &redis, &telemetry);
    let running = ship.shipper.run(&mut ship.link);
    tokio::select! {
        () = running => unreachable!("it ships for ever"),
        _ = crate::world::eventually("the disk is used again", || settle.writable()) => {}
    }
    assert_eq!(settle.depth().intents, 0);
    call(&settle, 4).unwrap();
    ship.all().await;
    assert_eq!(shipped(&redis).await, once(0..=4));
    assert_eq!(unsettled(&redis).await, []);
}

#[tokio::test]
async fn a_full_disk_refuses_new_work_and_loses_nothing_that_was_recorded() {
    let disk = TempDir::new().unwrap();
    let Some(_mounted) = Mounted::tmpfs(disk.path(), "10m") else {
        println!("skipped: mounting a small tmpfs takes root");
        return;
    };
    let redis = RedisServer::start();
    let (settle, telemetry) = open(disk.path(), ROOM);
    let mut under_way = Vec::new();
    let mut recorded = 0;
    let full = loop {
        match settle.intend(&intent(recorded)) {
            // Some go on, and end on the reserve.
            Ok(begun) if recorded % 4 == 0 => under_way.push((begun, recorded)),
            Ok(begun) => settle.record(begun, &event(recorded)),
            Err(full) => break full,
        }
        recorded += 1;
    };
    assert_eq!(full, SpoolFull::Disk);
    assert!(!settle.writable() && under_way.len() > 100, "{}", under_way.len());
    for (begun, n) in under_way {
        settle.record(begun, &event(n));
    }
    assert_eq!(settle.depth().intents, 0, "the reserve was enough");
    drop(settle);

    mount(&["-o", "remount,size=30m", disk.path().to_str().unwrap()]);
    let (settle, _) = open(disk.path(), ROOM);
    Ship::new(&settle, &redis, &telemetry).all().await;
    assert_eq!(shipped(&redis).await, once(0..recorded));
    assert_eq!(unsettled(&redis).await, []);
    assert!(settle.writable());
}

#[tokio::test]
async fn a_torn_tail_costs_only_itself_and_the_file_is_kept() {
    let redis = RedisServer::start();
    let state = TempDir::new().unwrap();
    let (settle, telemetry) = open(state.path(), ROOM);
    for n in 0..3 {
        call(&settle, n).unwrap();
    }
    drop(settle);
    let path = state.path().join("spool").join(format!("{:020}.spool", 1));
    let length = std::fs::metadata(&path).unwrap().len();
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length - 5).unwrap();

    let (settle, _) = open(state.path(), ROOM);
    assert_eq!(Ship::new(&settle, &redis, &telemetry).through(&redis).await, once(0..2));
    assert_eq!(telemetry.total(Count::SpoolDamaged), 1);
    assert_eq!((segments(state.path(), "spool"), segments(state.path(), "damaged")), (0, 1));
    assert_eq!((settle.depth().events, settle.depth().bytes), (0, 0));
}

#[tokio::test]
async fn files_are_written_again_and_are_no_more_than_a_few() {
    let redis = RedisServer::start();
    let state = TempDir::new().unwrap();
    let (settle, telemetry) = open(state.path(), ROOM);
    let mut ship = Ship::new(&settle, &redis, &telemetry);
    for round in 0..10 {
        // More than a file has room for.
        let calls = round * 2_000..(round + 1) * 2_000;
        for n in calls.clone() {
            call(&settle, n).unwrap();
        }
        assert_eq!(ship.through(&redis).await, once(calls));
        assert_eq!(settle.depth().bytes, 0);
        assert!(segments(state.path(), "spool") <= 2, "all that a round takes");
    }
    drop((settle, ship));
    // What waits to be written again is nothing to a process that finds it.
    let (settle, telemetry) = open(state.path(), ROOM);
    assert_eq!((settle.depth().events, telemetry.total(Count::SpoolUnsettled)), (0, 0));
    assert_eq!(segments(state.path(), "spool"), 0);
}

#[tokio::test]
async fn a_file_that_was_written_again_tells_only_what_is_in_it_now() {
    let redis = RedisServer::start();
    let state = TempDir::new().unwrap();
    let (settle, telemetry) = open(state.path(), ROOM);
    let mut ship = Ship::new(&settle, &redis, &telemetry);
    for n in 0..500 {
        call(&settle, n).unwrap();
    }
    assert_eq!(ship.through(&redis).await, once(0..500));
    for n in 500..510 {
        call(&settle, n).unwrap();
    }
    let begun = settle.intend(&intent(510)).unwrap();
    assert_eq!(segments(state.path(), "spool"), 1, "it is the same file");
    // As after `kill -9`: behind the last record stand those of before.
    drop((settle, ship, begun));
    let (settle, telemetry) = open(state.path(), ROOM);
    assert_eq!(settle.depth().events, 11);
    let mut ship = Ship::new(&settle, &redis, &telemetry);
    ship.all().await;
    assert_eq!(unsettled(&redis).await, [(RequestId(id(510)), true)]);
    assert_eq!(ship.through(&redis).await, once(500..510));
    assert_eq!(telemetry.total(Count::SpoolDamaged), 0);
}

#[tokio::test]
async fn what_an_older_release_left_in_the_spool_is_shipped_and_its_open_calls_are_told() {
    let redis = RedisServer::start();
    let state = TempDir::new().unwrap();
    let spool = state.path().join("spool");
    std::fs::create_dir(&spool).unwrap();
    // Its files: a sum of nothing but the body, and no end but the file's.
    let mut file = std::fs::File::create(spool.join(format!("{:020}.seg", 7))).unwrap();
    let mut write = |letter: &str, json: String| {
        let body = letter.to_owned() + &json;
        file.write_all(&(body.len() as u32).to_le_bytes()).unwrap();
        file.write_all(&crc32fast::hash(body.as_bytes()).to_le_bytes()).unwrap();
        file.write_all(body.as_bytes()).unwrap();
    };
    for n in 1..=3 {
        write("i", serde_json::to_string(&intent(n)).unwrap());
    }
    write("v", intent(2).request_id.to_string());
    write("", serde_json::to_string(&event(1)).unwrap());

    let (settle, telemetry) = open(state.path(), ROOM);
    assert_eq!(settle.depth().events, 2);
    let mut ship = Ship::new(&settle, &redis, &telemetry);
    ship.all().await;
    assert_eq!(unsettled(&redis).await, [(RequestId(id(3)), true)]);
    assert_eq!(ship.through(&redis).await, once([1]));
    assert_eq!((segments(state.path(), "seg"), segments(state.path(), "damaged")), (0, 0));
}

struct Mounted<'a>(&'a Path);

fn mount(arguments: &[&str]) -> bool {
    let done = Command::new("mount").args(arguments).stderr(Stdio::null()).status();
    done.is_ok_and(|status| status.success())
}

impl<'a> Mounted<'a> {
    fn tmpfs(at: &'a Path, size: &str) -> Option<Self> {
        let size = format!("size={size}");
        mount(&["-t", "tmpfs", "-o", &size, "tmpfs", at.to_str()?]).then_some(Self(at))
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(self.0).status().ok();
    }
}
