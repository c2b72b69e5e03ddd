//! A Redis that forgets when it dies.

use super::wait_for;
use std::process::{Child, Command, Stdio};

/// A Redis of this test's own.
pub struct Redis {
    child: Child,
    port: u16,
    pub url: String,
    dir: tempfile::TempDir,
}

impl Redis {
    pub async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let port = free_port();
        let url = format!("redis://127.0.0.1:{port}");
        let redis = Self { child: serve(port, dir.path()), port, url, dir };
        wait_for("Redis answers", || redis.try_connect().is_some()).await;
        redis
    }

    /// Ends it as a crash would.
    pub fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again, empty, on its old port.
    pub async fn restart(&mut self) {
        self.child = serve(self.port, self.dir.path());
        wait_for("Redis answers again", || self.try_connect().is_some()).await;
    }

    fn try_connect(&self) -> Option<redis::Connection> {
        redis::Client::open(self.url.as_str()).ok()?.get_connection().ok()
    }

    pub fn connect(&self) -> redis::Connection {
        self.try_connect().expect("Redis runs")
    }
}

fn serve(port: u16, dir: &std::path::Path) -> Child {
    Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
        .args(["--appendonly", "no", "--dir"])
        .arg(dir)
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-server is installed")
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
