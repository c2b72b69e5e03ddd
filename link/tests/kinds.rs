//! The same words to one server, to a set under Sentinel and to a cluster; and what becomes of them
//! when a master dies.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where it cannot go on")]

use redis::streams::StreamReadReply;
use redis::{AsyncTypedCommands as _, RedisResult};
use redis_link::servers::Servers;
use redis_link::{Kind, Lasting, Script};
use std::time::{Duration, Instant};

const WITHIN: Duration = Duration::from_secs(5);

#[tokio::test]
async fn every_kind_takes_commands_scripts_transactions_and_reads_of_streams() {
    for kind in Kind::ALL {
        let servers = Servers::start_as(kind);
        let mut link = Lasting::new(servers.address(), WITHIN);
        for tag in ["{a}", "{b}", "{c}", "{config}"] {
            let (number, stream) = (format!("n:{tag}"), format!("s:{tag}"));
            let count = Script::new("return redis.call('INCRBY', KEYS[1], ARGV[1])");
            let mut call = count.prepare_invoke();
            call.key(&number).arg(5);
            assert_eq!(call.invoke_async::<i64>(&mut link).await.unwrap(), 5);
            let mut connection = servers.connection().await;
            assert_eq!(call.invoke_kept::<i64>(&mut connection).await.unwrap(), 10, "{kind:?}");

            let mut both = redis::pipe();
            both.atomic().incr(&number, 1).get(&number);
            let both: (i64, i64) = both.query_async(&mut link).await.unwrap();
            assert_eq!(both, (11, 11));
            link.set_options(&number, 3, redis::SetOptions::default()).await.unwrap();

            let mut read = redis::cmd("XREAD");
            read.arg("COUNT").arg(9).arg("BLOCK").arg(4_000).arg("STREAMS").arg(&stream).arg("0-0");
            let mut reader = Lasting::new(servers.address(), WITHIN);
            let read = tokio::spawn(async move {
                read.query_async::<Option<StreamReadReply>>(&mut reader).await.unwrap().unwrap()
            });
            redis::cmd("XADD")
                .arg(&stream)
                .arg("7-0")
                .arg("e")
                .arg("x")
                .query_async::<String>(&mut link)
                .await
                .unwrap();
            assert_eq!(read.await.unwrap().keys[0].ids[0].id, "7-0");
        }
    }
}

/// Tries until it works; says how long that took.
async fn until_it_works<T>(mut work: impl AsyncFnMut() -> RedisResult<T>) -> (T, Duration) {
    let begun = Instant::now();
    loop {
        match work().await {
            Ok(done) => return (done, begun.elapsed()),
            Err(error) => assert!(begun.elapsed() < Duration::from_secs(30), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_failover_is_followed_and_forgets_nothing_that_was_kept() {
    for kind in [Kind::Sentinel, Kind::Cluster] {
        let mut servers = Servers::start_as(kind);
        let mut link = Lasting::new(servers.address(), Duration::from_secs(1));
        let add = Script::new("return redis.call('RPUSH', KEYS[1], ARGV[1])");
        let mut connection = servers.connection().await;
        for n in 0..50 {
            let mut call = add.prepare_invoke();
            call.key("{a}:list").arg(n);
            call.invoke_kept::<i64>(&mut connection).await.unwrap();
        }
        let others: i64 = redis::cmd("INCR").arg("{b}:n").query_async(&mut link).await.unwrap();
        assert_eq!(others, 1);
        servers.kill_master_of("{a}:list");
        let (list, took) = until_it_works(async || {
            redis::cmd("LRANGE")
                .arg("{a}:list")
                .arg(0)
                .arg(-1)
                .query_async::<Vec<i64>>(&mut link)
                .await
        })
        .await;
        println!("{kind:?}: {took:?}");
        assert_eq!(list, (0..50).collect::<Vec<_>>());
        // And written to.
        let mut more = add.prepare_invoke();
        more.key("{a}:list").arg(50);
        until_it_works(async || more.invoke_async::<i64>(&mut link).await).await;
        // The dead one comes back as a replica, and nothing changes.
        assert!(servers.restart());
        let (list, _) = until_it_works(async || {
            redis::cmd("LRANGE")
                .arg("{a}:list")
                .arg(0)
                .arg(-1)
                .query_async::<Vec<i64>>(&mut link)
                .await
        })
        .await;
        assert!(list.len() >= 51);
    }
}

#[tokio::test]
async fn a_master_without_replicas_takes_nothing_that_must_be_kept() {
    let servers = Servers::start();
    let address: redis_link::Address = format!("{}?replicas=1", servers.url()).parse().unwrap();
    let mut connection = address.connect(WITHIN).await.unwrap();
    let script = Script::new("return redis.call('INCR', KEYS[1])");
    let mut call = script.prepare_invoke();
    call.key("n");
    let error = call.invoke_kept::<i64>(&mut connection).await.unwrap_err();
    assert!(error.to_string().contains("too few replicas"), "{error}");
    assert!(error.to_string().contains("0 of 1"), "{error}");
}

#[tokio::test]
async fn sentinels_that_do_not_know_the_master_say_so() {
    let servers = Servers::start_as(Kind::Sentinel);
    let url = servers.url().replace("/main", "/other");
    let address: redis_link::Address = url.parse().unwrap();
    let error = address.connect(WITHIN).await.unwrap_err().to_string();
    assert!(error.contains("knows no master") && error.contains("other"), "{error}");
}

#[tokio::test]
async fn a_link_lasts_through_a_restart_of_the_server_and_starts_before_it() {
    let mut servers = Servers::start();
    servers.kill();
    let mut link = Lasting::new(servers.address(), WITHIN);
    redis::cmd("PING").query_async::<String>(&mut link).await.unwrap_err();
    assert!(servers.restart());
    until_it_works(async || redis::cmd("SET").arg("a").arg(1).query_async::<()>(&mut link).await)
        .await;
    servers.kill();
    assert!(servers.restart());
    let (kept, _) =
        until_it_works(async || redis::cmd("GET").arg("a").query_async::<i64>(&mut link).await)
            .await;
    assert_eq!(kept, 1);
}
