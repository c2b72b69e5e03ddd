//! A Redis of the test's own, on a free port, gone with the test.

use backend::config;
use redis::aio::ConnectionManager;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub struct TestRedis {
    port: u16,
    child: Child,
}

impl TestRedis {
    pub async fn start() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let redis = Self { port, child: spawn(port) };
        redis.answers().await;
        redis
    }

    /// Kills it, and starts an empty one in its place.
    pub async fn replace(&mut self) {
        self.stop();
        self.child = spawn(self.port);
        self.answers().await;
    }

    pub fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub fn config(&self) -> config::Redis {
        config::Redis { url: format!("redis://127.0.0.1:{}", self.port) }
    }

    /// A connection as the programs have.
    pub fn link(&self) -> ConnectionManager {
        backend::redis_link::connect(&self.config()).unwrap()
    }

    async fn answers(&self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let pong: redis::RedisResult<String> =
                redis::cmd("PING").query_async(&mut self.link()).await;
            if pong.is_ok() {
                return;
            }
            assert!(Instant::now() < deadline, "redis-server does not answer: {pong:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn spawn(port: u16) -> Child {
    Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no"])
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-server is installed")
}

impl Drop for TestRedis {
    fn drop(&mut self) {
        self.stop();
    }
}
