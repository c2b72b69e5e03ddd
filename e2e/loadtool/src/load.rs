//! The loads: closed (as fast as answers come), at a rate, and streams held open.

use crate::figures::Figures;
use crate::wire::{Connection, Events};
use anyhow::{Context as _, ensure};
use clap::Args;
use std::cell::Cell;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep_until};

/// What is called, and over how many connections.
#[derive(Debug, Clone, Args)]
pub struct Target {
    /// `http://127.0.0.1:PORT/v1/chat/completions`
    #[arg(long)]
    url: String,
    #[arg(long, env = "TOLLGATE_KEY", hide_env_values = true)]
    key: Option<String>,
    /// The JSON body of every call.
    #[arg(long, required_unless_present = "body_file")]
    body: Option<String>,
    /// A file with the body, where it is longer than an argument may be.
    #[arg(long, conflicts_with = "body")]
    body_file: Option<PathBuf>,
    /// What a whole stream ends with; nothing: it need only end as HTTP asks.
    #[arg(long, default_value = "data: [DONE]\n\n")]
    end: String,
    #[arg(long, default_value_t = 32)]
    connections: u64,
    /// A call that takes longer is given up as failed.
    #[arg(long, default_value_t = 60)]
    timeout_s: u64,
}

#[derive(Debug, Clone, Args)]
pub struct Calls {
    #[command(flatten)]
    target: Target,
    /// Calls or streams in all.
    #[arg(long)]
    count: u64,
}

#[derive(Debug, Clone, Args)]
pub struct Rate {
    #[command(flatten)]
    target: Target,
    /// Calls a second.
    #[arg(long)]
    rate: u32,
    #[arg(long, default_value_t = 5)]
    seconds: u32,
    /// Calls are streams, and latency is the time to their first piece.
    #[arg(long)]
    stream: bool,
}

#[derive(Debug, Clone, Args)]
pub struct Hold {
    #[command(flatten)]
    target: Target,
}

/// A target made ready: where to connect and what to send.
struct Aim {
    address: SocketAddr,
    request: Vec<u8>,
    end: Vec<u8>,
    timeout: Duration,
}

impl Target {
    fn aim(&self) -> anyhow::Result<Rc<Aim>> {
        ensure!((1..=4096).contains(&self.connections), "--connections: from 1 to 4096");
        let (address, host, path) = crate::target(&self.url)?;
        let key = self.key.as_ref().map(|key| format!("authorization: Bearer {key}\r\n"));
        let body = match (&self.body, &self.body_file) {
            (Some(body), _) => body.clone(),
            (None, Some(file)) => std::fs::read_to_string(file)
                .with_context(|| format!("--body-file {}", file.display()))?,
            (None, None) => String::new(),
        };
        let request = format!(
            "POST /{path} HTTP/1.1\r\nhost: {host}\r\nuser-agent: tollgate-load\r\n\
             content-type: application/json\r\naccept: */*\r\n{}content-length: {}\r\n\r\n{}",
            key.unwrap_or_default(),
            body.len(),
            body,
        );
        let timeout = Duration::from_secs(self.timeout_s);
        let end = self.end.clone().into_bytes();
        Ok(Rc::new(Aim { address, request: request.into_bytes(), end, timeout }))
    }
}

/// How far latency counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    First,
    End,
}

/// One connection, opened again after a failure.
struct Caller {
    aim: Rc<Aim>,
    connection: Option<Connection>,
    figures: Figures,
}

impl Caller {
    fn new(aim: Rc<Aim>) -> Self {
        Self { aim, connection: None, figures: Figures::default() }
    }

    /// One call or stream; its time counts from `since`, to its first piece or to its end.
    async fn call(&mut self, stream: bool, to: Until, since: impl Fn() -> Instant) {
        let aim = self.aim.clone();
        match tokio::time::timeout(aim.timeout, self.ask(stream)).await {
            Ok(Ok(Some(first))) => {
                let at = if to == Until::First { first } else { Instant::now() };
                self.figures.answered_in(at.saturating_duration_since(since()));
            }
            Ok(Ok(None)) => {}
            Ok(Err(error)) => self.fail(error.to_string()),
            Err(_) => self.fail("no whole answer in time".to_owned()),
        }
    }

    fn fail(&mut self, what: String) {
        self.connection = None;
        self.figures.failed += 1;
        self.figures.problem(what);
    }

    /// When the first piece of a 2xx came, if it came whole.
    async fn ask(&mut self, stream: bool) -> std::io::Result<Option<Instant>> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(Connection::open(self.aim.address).await?),
        };
        let (mut events, mut said) = (Events::new(&self.aim.end), Vec::new());
        let mut first = None;
        let status = connection
            .ask(&self.aim.request, |piece| {
                first.get_or_insert_with(Instant::now);
                if stream {
                    events.feed(piece);
                }
                if said.len() < 300 {
                    said.extend(piece.iter().take(300));
                }
            })
            .await?;
        if !(200..300).contains(&status) {
            self.figures.refused += 1;
            self.figures.problem(format!("{status} {}", String::from_utf8_lossy(&said)));
            return Ok(None);
        }
        if stream && !events.ended() {
            self.figures.failed += 1;
            self.figures.problem("a stream did not end as it should".to_owned());
            return Ok(None);
        }
        self.figures.events += events.seen;
        Ok(Some(first.unwrap_or_else(Instant::now)))
    }
}

/// `count` calls or streams over all connections, each connection busy all the time.
///
/// # Errors
/// A target that cannot be aimed at.
pub async fn closed(calls: &Calls, stream: bool) -> anyhow::Result<Figures> {
    let aim = calls.target.aim()?;
    let left = Rc::new(Cell::new(calls.count));
    each(calls.target.connections, |_| {
        let (mut caller, left) = (Caller::new(aim.clone()), left.clone());
        async move {
            while let Some(rest) = left.get().checked_sub(1) {
                left.set(rest);
                let sent = Instant::now();
                caller.call(stream, Until::End, || sent).await;
                back_off(&caller).await;
            }
            caller.figures
        }
    })
    .await
}

/// A server that is down fails at once; without a pause its clients would only burn CPU.
async fn back_off(caller: &Caller) {
    if caller.connection.is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Calls at a constant rate. A call that was due while its connection was still busy counts from
/// then; the timer's own lateness counts for nobody.
///
/// # Errors
/// A target that cannot be aimed at.
pub async fn rate(rate: &Rate) -> anyhow::Result<Figures> {
    let aim = rate.target.aim()?;
    let count = u64::from(rate.rate) * u64::from(rate.seconds);
    let gap = Duration::from_secs(1) / rate.rate.max(1);
    let (stream, until) = (rate.stream, if rate.stream { Until::First } else { Until::End });
    let (step, start) = (rate.target.connections, Instant::now() + Duration::from_millis(20));
    each(step, |nth| {
        let mut caller = Caller::new(aim.clone());
        async move {
            let mut turn = nth;
            while turn < count {
                let due = start + gap * u32::try_from(turn).unwrap_or(u32::MAX);
                let late = Instant::now() > due;
                sleep_until(due).await;
                let sent = if late { due } else { Instant::now() };
                caller.call(stream, until, || sent).await;
                back_off(&caller).await;
                turn += step;
            }
            caller.figures
        }
    })
    .await
}

/// Opens all streams, prints how many have begun, and drops them when standard input ends.
///
/// # Errors
/// A target that cannot be aimed at, or standard output is closed.
pub async fn hold(hold: &Hold) -> anyhow::Result<()> {
    let aim = hold.target.aim()?;
    let begun = Rc::new(Cell::new(0_u64));
    let (wanted, deadline) = (hold.target.connections, Instant::now() + aim.timeout);
    let local = LocalSet::new();
    for _ in 0..wanted {
        let (aim, begun) = (aim.clone(), begun.clone());
        local.spawn_local(async move {
            let mut first = true;
            let mut connection = Connection::open(aim.address).await?;
            let count = |_: &[u8]| {
                if std::mem::take(&mut first) {
                    begun.set(begun.get() + 1);
                }
            };
            connection.ask(&aim.request, count).await
        });
    }
    local
        .run_until(async {
            while begun.get() < wanted && Instant::now() < deadline {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            crate::say(&serde_json::json!({"begun": begun.get(), "wanted": wanted}))?;
            let input = || std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            tokio::task::spawn_blocking(input).await??;
            anyhow::Ok(())
        })
        .await
}

/// Runs one task for each connection and adds their figures up.
async fn each<F>(connections: u64, task: impl Fn(u64) -> F) -> anyhow::Result<Figures>
where
    F: Future<Output = Figures> + 'static,
{
    let (local, began) = (LocalSet::new(), Instant::now());
    let tasks: Vec<_> = (0..connections).map(|nth| local.spawn_local(task(nth))).collect();
    let sum = local.run_until(async {
        let mut sum = Figures::default();
        for task in tasks {
            sum.add(task.await.context("a connection's task failed")?);
        }
        anyhow::Ok(sum)
    });
    Ok(sum.await?.over(began.elapsed()))
}
