//! Real redis-server processes for tests: one server, a master with two replicas under three
//! Sentinels, or a cluster of three masters with two replicas each. On free ports, in a folder of
//! their own, gone when the test ends. They keep what they acknowledged through `kill -9`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a helper of tests stops the test that it cannot help"
)]

use crate::address::{Address, Kind};
use crate::connection::Connection;
use redis::{Cmd, FromRedisValue, RedisResult};
use std::collections::HashMap;
use std::fmt;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(30);
const MASTERS: usize = 3;
const SLOTS: u32 = 16_384;
/// What the Sentinels call the set.
const SET: &str = "main";
const POLL: Duration = Duration::from_millis(10);

/// One process.
#[derive(Debug)]
struct Node {
    port: u16,
    args: Vec<String>,
    child: Option<Child>,
}

/// The servers of one test.
pub struct Servers {
    kind: Kind,
    folder: TempDir,
    nodes: Vec<Node>,
    sentinels: Vec<Node>,
}

impl fmt::Debug for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Servers({})", self.url())
    }
}

impl Servers {
    /// One server.
    #[must_use]
    pub fn start() -> Self {
        Self::start_as(Kind::Server)
    }

    /// Starts servers of a kind, and waits until they agree with each other.
    ///
    /// # Panics
    /// No servers can be started; is redis-server installed?
    #[must_use]
    pub fn start_as(kind: Kind) -> Self {
        for _ in 0..10 {
            let folder = TempDir::new().unwrap();
            let mut servers = Self { kind, folder, nodes: Vec::new(), sentinels: Vec::new() };
            // A port may have been taken between its choice and its use: then all is begun anew.
            if servers.run() {
                return servers;
            }
        }
        panic!("no {kind:?} of redis-server could be started; is it installed?");
    }

    fn run(&mut self) -> bool {
        match self.kind {
            Kind::Server => {
                self.nodes = vec![Node::new(free_ports(1)[0], self.folder.path(), &[])];
                self.nodes[0].start()
            }
            Kind::Sentinel => self.run_set(),
            Kind::Cluster => self.run_cluster(),
        }
    }

    fn run_set(&mut self) -> bool {
        let ports = free_ports(6);
        let master = ports[0].to_string();
        let careful = ["--min-replicas-to-write", "1", "--repl-diskless-sync-delay", "0"];
        for (n, port) in ports[..3].iter().enumerate() {
            let mut args = careful.to_vec();
            if n > 0 {
                args.extend(["--replicaof", "127.0.0.1", &master]);
            }
            self.nodes.push(Node::new(*port, self.folder.path(), &args));
        }
        if !self.nodes.iter_mut().all(Node::start) {
            return false;
        }
        until("the replicas follow", || {
            self.nodes[1..].iter().all(|node| node.info("master_link_status") == "up")
        });
        for port in &ports[3..] {
            let file = self.folder.path().join(format!("sentinel-{port}.conf"));
            let text = format!(
                "sentinel monitor {SET} 127.0.0.1 {master} 2\n\
                 sentinel down-after-milliseconds {SET} 700\n\
                 sentinel failover-timeout {SET} 3000\n\
                 sentinel parallel-syncs {SET} 2\n"
            );
            std::fs::write(&file, text).unwrap();
            self.sentinels.push(Node::sentinel(*port, self.folder.path(), &file));
        }
        if !self.sentinels.iter_mut().all(Node::start) {
            return false;
        }
        until("the Sentinels know each other and the replicas", || {
            self.sentinels.iter().all(|sentinel| {
                let told: HashMap<String, String> =
                    sentinel.ask(redis::cmd("SENTINEL").arg("MASTER").arg(SET)).unwrap_or_default();
                let is = |name: &str| told.get(name).map(String::as_str) == Some("2");
                is("num-slaves") && is("num-other-sentinels")
            })
        });
        true
    }

    fn run_cluster(&mut self) -> bool {
        let count = MASTERS * 3;
        let ports = free_ports(count * 2);
        for (port, bus) in ports[..count].iter().zip(&ports[count..]) {
            let (bus, file) = (bus.to_string(), format!("nodes-{port}.conf"));
            let args = [
                "--cluster-enabled",
                "yes",
                "--cluster-port",
                &bus,
                "--cluster-config-file",
                &file,
                "--cluster-node-timeout",
                "1000",
                "--min-replicas-to-write",
                "1",
                "--repl-diskless-sync-delay",
                "0",
            ];
            self.nodes.push(Node::new(*port, self.folder.path(), &args));
        }
        if !self.nodes.iter_mut().all(Node::start) {
            return false;
        }
        let share = SLOTS / 3;
        for (n, node) in (0_u32..).zip(&self.nodes[..MASTERS]) {
            let end = if n == 2 { SLOTS } else { (n + 1) * share };
            let mut slots = redis::cmd("CLUSTER");
            node.tell(slots.arg("ADDSLOTSRANGE").arg(n * share).arg(end - 1));
            node.tell(redis::cmd("CLUSTER").arg("SET-CONFIG-EPOCH").arg(n + 1));
        }
        for (port, bus) in ports[1..count].iter().zip(&ports[count + 1..]) {
            let mut meet = redis::cmd("CLUSTER");
            self.nodes[0].tell(meet.arg("MEET").arg("127.0.0.1").arg(port).arg(bus));
        }
        let known = count.to_string();
        until("the nodes know each other", || {
            self.nodes.iter().all(|node| node.cluster("cluster_known_nodes") == known)
        });
        for n in MASTERS..count {
            let id: String =
                self.nodes[n % MASTERS].ask(redis::cmd("CLUSTER").arg("MYID")).unwrap();
            // Refused until this node has heard of that one.
            until("a replica is taken on", || {
                self.nodes[n].ask::<String>(redis::cmd("CLUSTER").arg("REPLICATE").arg(&id)).is_ok()
            });
        }
        until("the cluster is complete", || {
            self.nodes.iter().all(|node| node.cluster("cluster_state") == "ok")
                && self.nodes[MASTERS..].iter().all(|n| n.info("master_link_status") == "up")
                && self.nodes[..MASTERS].iter().all(|n| n.info("connected_slaves") == "2")
        });
        true
    }

    /// The address as `REDIS_URL` has it.
    #[must_use]
    pub fn url(&self) -> String {
        let list = |nodes: &[Node]| {
            nodes.iter().map(|n| format!("127.0.0.1:{}", n.port)).collect::<Vec<_>>().join(",")
        };
        match self.kind {
            Kind::Server => format!("redis://{}", list(&self.nodes)),
            Kind::Sentinel => format!("redis+sentinel://{}/{SET}", list(&self.sentinels)),
            Kind::Cluster => format!("redis+cluster://{}", list(&self.nodes[..MASTERS])),
        }
    }

    #[must_use]
    pub fn address(&self) -> Address {
        self.url().parse().unwrap()
    }

    /// A connection that is patient with a busy machine.
    pub async fn connection(&self) -> Connection {
        let begun = Instant::now();
        loop {
            match self.address().connect(PATIENCE).await {
                Ok(connection) => return connection,
                Err(error) => assert!(begun.elapsed() < PATIENCE, "no connection: {error}"),
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Empties every server that may be written to.
    pub fn flush(&self) {
        for node in self.nodes.iter().filter(|node| node.info("role") == "master") {
            node.tell(redis::cmd("FLUSHALL").arg("SYNC"));
        }
    }

    /// The port of the master that serves `key`, as the others say.
    #[must_use]
    pub fn master_of(&self, key: &str) -> u16 {
        match self.kind {
            Kind::Server => self.nodes[0].port,
            Kind::Sentinel => {
                let mut command = redis::cmd("SENTINEL");
                command.arg("GET-MASTER-ADDR-BY-NAME").arg(SET);
                self.sentinels[0].ask::<(String, u16)>(&command).unwrap().1
            }
            Kind::Cluster => {
                let node = self.nodes.iter().find(|node| node.child.is_some()).unwrap();
                let slot: u32 = node.ask(redis::cmd("CLUSTER").arg("KEYSLOT").arg(key)).unwrap();
                let text: String = node.ask(redis::cmd("CLUSTER").arg("NODES")).unwrap();
                master_in(&text, slot)
            }
        }
    }

    /// Sets `key` to the run of the master that serves it, as the backend does with what it knows to
    /// be complete there. Says whether any master took it.
    pub fn set_to_run(&self, key: &str) -> bool {
        let mut set = redis::cmd("EVAL");
        set.arg(
            "return redis.call('SET', KEYS[1], \
             string.match(redis.call('INFO', 'server'), 'run_id:(%x+)'))",
        );
        set.arg(1).arg(key);
        let live = self.nodes.iter().filter(|node| node.child.is_some());
        live.map(|node| node.ask::<String>(&set).is_ok()).fold(false, |any, one| any | one)
    }

    /// `kill -9` of the master that serves `key`. Under Sentinel and in a cluster a replica takes
    /// its place after a while.
    pub fn kill_master_of(&mut self, key: &str) {
        let port = self.master_of(key);
        self.nodes.iter_mut().find(|node| node.port == port).unwrap().kill();
    }

    /// `kill -9` of every server; Sentinels live on.
    pub fn kill(&mut self) {
        self.nodes.iter_mut().for_each(Node::kill);
    }

    /// Deletes what servers that were killed had kept.
    pub fn forget(&self) {
        for node in self.nodes.iter().filter(|node| node.child.is_none()) {
            let folder = self.folder.path().join(node.port.to_string());
            std::fs::remove_dir_all(&folder).unwrap();
            std::fs::create_dir_all(&folder).unwrap();
        }
    }

    /// Starts servers that were killed again on their ports, with what they had kept; false when a
    /// port was taken by somebody else.
    pub fn restart(&mut self) -> bool {
        self.nodes.iter_mut().filter(|node| node.child.is_none()).all(Node::start)
    }
}

/// In the words of `CLUSTER NODES`: the port of the living master that has a slot.
fn master_in(text: &str, slot: u32) -> u16 {
    let has = |range: &str| {
        let (from, to) = range.split_once('-').unwrap_or((range, range));
        let bound = |text: &str| text.parse::<u32>().ok();
        bound(from).zip(bound(to)).is_some_and(|(from, to)| (from..=to).contains(&slot))
    };
    let line = text.lines().find(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        words[2].contains("master")
            && !words[2].contains("fail")
            && words[8..].iter().any(|w| has(w))
    });
    let place = line.unwrap().split(' ').nth(1).unwrap();
    place.split('@').next().unwrap().rsplit(':').next().unwrap().parse().unwrap()
}

impl Node {
    fn new(port: u16, folder: &Path, more: &[&str]) -> Self {
        let (port_text, folder) = (port.to_string(), folder.join(port.to_string()));
        std::fs::create_dir_all(&folder).unwrap();
        // It writes its log before it answers, and the system keeps what a dead process wrote.
        let args = ["--bind", "127.0.0.1", "--port", &port_text, "--save", "", "--appendonly"];
        let args = args.into_iter().chain(["yes", "--appendfsync", "no", "--dir"]);
        let mut args: Vec<String> = args.map(str::to_owned).collect();
        args.push(folder.to_str().unwrap().to_owned());
        args.extend(more.iter().map(|&word| word.to_owned()));
        Self { port, args, child: None }
    }

    fn sentinel(port: u16, folder: &Path, file: &Path) -> Self {
        let (port_text, file) = (port.to_string(), file.to_str().unwrap());
        let folder = folder.to_str().unwrap();
        let args =
            [file, "--sentinel", "--bind", "127.0.0.1", "--port", &port_text, "--dir", folder];
        Self { port, args: args.map(str::to_owned).to_vec(), child: None }
    }

    /// False when the process ended, as it does when its port is taken.
    fn start(&mut self) -> bool {
        self.kill();
        let mut child = Command::new("redis-server")
            .args(&self.args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if child.try_wait().unwrap().is_some() {
                return false;
            }
            if self.ask::<String>(&redis::cmd("PING")).is_ok() {
                self.child = Some(child);
                return true;
            }
            std::thread::sleep(POLL);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        false
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    fn ask<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        let client = redis::Client::open(("127.0.0.1", self.port))?;
        let mut connection = client.get_connection_with_timeout(Duration::from_secs(1))?;
        connection.set_read_timeout(Some(PATIENCE))?;
        command.query(&mut connection)
    }

    fn tell(&self, command: &Cmd) {
        self.ask::<String>(command).unwrap();
    }

    fn info(&self, name: &str) -> String {
        field(self.ask(redis::cmd("INFO").arg("replication")), name)
    }

    fn cluster(&self, name: &str) -> String {
        field(self.ask(redis::cmd("CLUSTER").arg("INFO")), name)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A line `name:value` of what a server says of itself; empty when it says nothing.
fn field(said: RedisResult<String>, name: &str) -> String {
    let text = said.unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value.unwrap_or_default().trim().to_owned()
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "it never came true that {what}");
        std::thread::sleep(POLL);
    }
}

fn free_ports(count: usize) -> Vec<u16> {
    let held: Vec<TcpListener> =
        (0..count).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    held.iter().map(|listener| listener.local_addr().unwrap().port()).collect()
}
