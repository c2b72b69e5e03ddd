//! A Redis for tests that are not written in Rust: one server, a set under Sentinel or a cluster.

use clap::{Args, ValueEnum};
use redis_link::servers::Servers;
use serde_json::json;

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Server,
    Sentinel,
    Cluster,
}

#[derive(Debug, Args)]
pub struct Redis {
    #[arg(long, value_enum)]
    kind: Kind,
}

impl Redis {
    /// Takes commands, a line each: `kill KEY` kills the master that serves a key, `restart` starts
    /// what was killed again, `flush` empties all, `port KEY` says where the master of a key is. Each
    /// is answered with a line when it is done.
    ///
    /// # Errors
    /// Standard output is closed.
    pub fn run(&self) -> anyhow::Result<()> {
        let mut servers = Servers::start_as(match self.kind {
            Kind::Server => redis_link::Kind::Server,
            Kind::Sentinel => redis_link::Kind::Sentinel,
            Kind::Cluster => redis_link::Kind::Cluster,
        });
        crate::say(&json!({"url": servers.url()}))?;
        for line in std::io::stdin().lines() {
            let line = line?;
            if let Some(key) = line.trim().strip_prefix("port ") {
                crate::say(&json!({"port": servers.master_of(key)}))?;
                continue;
            }
            let done = match line.trim().split_once(' ').unwrap_or((line.trim(), "")) {
                ("kill", key) => {
                    servers.kill_master_of(key);
                    true
                }
                ("restart", _) => servers.restart(),
                ("flush", _) => {
                    servers.flush();
                    true
                }
                _ => false,
            };
            crate::say(&json!({"done": done}))?;
        }
        Ok(())
    }
}
