//! One hard limit of each kind, many clients, several gateways. What was admitted is told by the
//! simulator's own record; a limit is passed when that is more than its maximum, whatever the
//! gateways believe.

use crate::seed::{self, Seed};
use crate::wire::Connection;
use anyhow::{Context as _, ensure};
use clap::Args;
use contract::snapshot::Metric;
use contract::usage::{Tokens, Units, Used};
use serde::{Deserialize, Serialize};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep};

/// How much of a limit must have been admitted when the first call is refused, in percent.
const USABLE_MIN: f64 = 95.0;
/// Calls at the same time that the limit on them allows.
const AT_ONCE: i64 = 100;
/// How long clients press on the limit on concurrency.
const PRESS: Duration = Duration::from_secs(4);
/// A client has had enough after so many refusals in a row.
const REFUSALS_MAX: u32 = 12;
const PATIENCE: Duration = Duration::from_secs(120);
/// Output tokens of a call.
const OUTPUT: u32 = 64;

const KINDS: [Metric; 6] = [
    Metric::Requests,
    Metric::Tokens,
    Metric::InputTokens,
    Metric::OutputTokens,
    Metric::Money,
    Metric::Concurrency,
];

#[derive(Debug, Args)]
pub struct Limits {
    #[command(flatten)]
    seed: Seed,
    /// `http://127.0.0.1:PORT` of a gateway that follows this Redis; as often as there are some.
    #[arg(long = "gateway", required = true)]
    gateways: Vec<String>,
    #[arg(long, default_value_t = 200)]
    clients: usize,
    /// So many calls fit each limit.
    #[arg(long, default_value_t = 4_000)]
    calls: u32,
}

/// What came of one kind.
#[derive(Debug, Serialize)]
struct Verdict {
    kind: &'static str,
    max: i64,
    /// What the simulator says was used; of concurrency, the most at once.
    admitted: i64,
    over: i64,
    /// Admitted when the first call was refused, in percent of the maximum.
    before_first_refusal: f64,
    in_the_end: f64,
    calls: usize,
    refused: usize,
    /// Answers that are neither.
    others: Vec<String>,
    seconds: f64,
}

/// A call as its client saw it.
struct Seen {
    began: Instant,
    ended: Instant,
    /// Absent: refused.
    admitted: Option<String>,
}

/// What the simulator says of a call.
#[derive(Debug, Deserialize)]
struct Served {
    request_id: String,
    input: u64,
    cached_input: u64,
    cache_write: u64,
    output: u64,
    reasoning: u64,
}

#[derive(Debug, Deserialize)]
struct Stats {
    running_max: i64,
}

impl Served {
    /// How much of what a limit counts.
    fn amount(&self, metric: Metric) -> i64 {
        let input = self.input + self.cached_input + self.cache_write;
        let output = self.output + self.reasoning;
        let tokens = Tokens {
            input: self.input,
            cached_input: self.cached_input,
            cache_write: self.cache_write,
            output: self.output,
            reasoning: self.reasoning,
            ..Tokens::default()
        };
        let count = match metric {
            Metric::Tokens => input + output,
            Metric::InputTokens => input,
            Metric::OutputTokens => output,
            Metric::Money => return seed::rates().price(&Used { tokens, units: Units::NONE }).0,
            _ => 1,
        };
        i64::try_from(count).unwrap_or(i64::MAX)
    }
}

impl Limits {
    /// # Errors
    /// A limit was passed, or too little of it was usable; or the programs do not answer.
    pub async fn run(&self) -> anyhow::Result<()> {
        ensure!((1..=2_000).contains(&self.clients), "--clients: from 1 to 2000");
        let one = self.probe().await?;
        let limits: Vec<(Metric, i64)> = KINDS
            .iter()
            .map(|metric| {
                let room = one.amount(*metric).saturating_mul(i64::from(self.calls));
                (*metric, if *metric == Metric::Concurrency { AT_ONCE } else { room })
            })
            .collect();
        let keys = seed::limited(&self.seed, &limits).await?;
        for gateway in &self.gateways {
            self.ready(gateway, keys.last().context("no kinds")?).await?;
        }
        let mut wrong = Vec::new();
        for ((metric, max), key) in limits.into_iter().zip(&keys) {
            let verdict = self.press(metric, max, key).await?;
            crate::say(&verdict)?;
            if verdict.over > 0 {
                wrong.push(format!("{}: {} over the limit", verdict.kind, verdict.over));
            }
            if verdict.before_first_refusal < USABLE_MIN {
                let share = verdict.before_first_refusal;
                wrong.push(format!("{}: {share:.1} % before the first refusal", verdict.kind));
            }
            if !verdict.others.is_empty() || verdict.refused == 0 {
                let first = verdict.others.first().map_or("nothing was refused", String::as_str);
                wrong.push(format!("{}: {first}", verdict.kind));
            }
        }
        ensure!(wrong.is_empty(), "{}", wrong.join("; "));
        Ok(())
    }

    fn body(metric: Metric, stream: bool) -> String {
        let wait = if metric == Metric::Concurrency { " latency_ms=150" } else { "" };
        let said = format!("Say why a gateway is worth having. [[sim tokens={OUTPUT}{wait}]]");
        serde_json::json!({
            "model": "bench-chat", "max_tokens": OUTPUT, "stream": stream,
            "messages": [{"role": "user", "content": said}],
        })
        .to_string()
    }

    /// What one call uses, asked of the simulator directly.
    async fn probe(&self) -> anyhow::Result<Served> {
        let base = self.seed.upstream();
        ask(base, "POST", "/_sim/reset", None, "").await?;
        let body = Self::body(Metric::Requests, false).replace("bench-chat", "sim-chat");
        ask(base, "POST", "/v1/chat/completions", Some("any"), &body).await?;
        self.served().await?.pop().context("the simulator recorded nothing")
    }

    async fn served(&self) -> anyhow::Result<Vec<Served>> {
        let text = ask(self.seed.upstream(), "GET", "/_sim/requests", None, "").await?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// Waits until a gateway knows a key.
    async fn ready(&self, gateway: &str, key: &str) -> anyhow::Result<()> {
        let began = Instant::now();
        while let Err(error) = ask(gateway, "GET", "/v1/models", Some(key), "").await {
            ensure!(began.elapsed() < Duration::from_secs(15), "{gateway} is not ready: {error}");
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// All clients call until they are refused again and again.
    async fn press(&self, metric: Metric, max: i64, key: &str) -> anyhow::Result<Verdict> {
        ask(self.seed.upstream(), "POST", "/_sim/reset", None, "").await?;
        let began = Instant::now();
        let shared = Rc::new(Shared::default());
        let local = LocalSet::new();
        for n in 0..self.clients {
            let gateway = self.gateways.get(n % self.gateways.len()).context("no gateway")?;
            let body = Self::body(metric, n / self.gateways.len() % 2 == 1);
            let request = request(gateway, "POST", "/v1/chat/completions", Some(key), &body)?;
            let (address, ..) = crate::target(gateway)?;
            let client = Client { address, request, metric, shared: shared.clone(), began };
            local.spawn_local(client.run());
        }
        local.await;
        let seconds = began.elapsed().as_secs_f64();
        let served = self.served().await?;
        let stats = ask(self.seed.upstream(), "GET", "/_sim/stats", None, "").await?;
        let stats: Stats = serde_json::from_slice(&stats)?;
        Ok(verdict(metric, max, &shared, &served, &stats, seconds))
    }
}

#[derive(Default)]
struct Shared {
    seen: RefCell<Vec<Seen>>,
    others: RefCell<Vec<String>>,
    given_up: Cell<bool>,
}

struct Client {
    address: std::net::SocketAddr,
    request: Vec<u8>,
    metric: Metric,
    shared: Rc<Shared>,
    began: Instant,
}

impl Client {
    async fn run(self) {
        let mut connection = None;
        let mut refusals = 0;
        let enough = |refusals| match self.metric {
            Metric::Concurrency => self.began.elapsed() > PRESS,
            _ => refusals >= REFUSALS_MAX || self.began.elapsed() > PATIENCE,
        };
        while !enough(refusals) && !self.shared.given_up.get() {
            match self.call(&mut connection).await {
                Ok(true) => refusals = 0,
                Ok(false) => {
                    refusals += 1;
                    sleep(Duration::from_millis(25)).await;
                }
                Err(what) => {
                    connection = None;
                    let mut others = self.shared.others.borrow_mut();
                    others.push(what.to_string());
                    self.shared.given_up.set(others.len() > 20);
                }
            }
        }
    }

    /// Whether the call was admitted.
    async fn call(&self, connection: &mut Option<Connection>) -> anyhow::Result<bool> {
        let connection = match connection {
            Some(connection) => connection,
            none => none.insert(Connection::open(self.address).await?),
        };
        let (began, mut said) = (Instant::now(), Vec::new());
        let status = connection
            .ask(&self.request, |piece| said.extend(piece.iter().take(400 - said.len().min(400))))
            .await?;
        let admitted = match status {
            200 => Some(connection.header("x-request-id").unwrap_or_default().to_owned()),
            402 | 429 => None,
            _ => anyhow::bail!("{status} {}", String::from_utf8_lossy(&said)),
        };
        let is_admitted = admitted.is_some();
        self.shared.seen.borrow_mut().push(Seen { began, ended: Instant::now(), admitted });
        Ok(is_admitted)
    }
}

fn verdict(
    metric: Metric,
    max: i64,
    shared: &Shared,
    served: &[Served],
    stats: &Stats,
    seconds: f64,
) -> Verdict {
    let seen = shared.seen.borrow();
    let first = seen.iter().filter(|call| call.admitted.is_none()).map(|call| call.ended).min();
    let by_id: HashMap<&str, &Served> =
        served.iter().map(|row| (row.request_id.as_str(), row)).collect();
    // What had been admitted when the first was refused: used, or held by calls under way.
    let before = seen.iter().filter(|call| first.is_none_or(|first| call.began <= first));
    let before: i64 = before
        .filter(|call| {
            metric != Metric::Concurrency || first.is_some_and(|first| call.ended >= first)
        })
        .filter_map(|call| by_id.get(call.admitted.as_deref()?))
        .map(|row| row.amount(metric))
        .sum();
    let admitted = match metric {
        Metric::Concurrency => stats.running_max,
        _ => served.iter().map(|row| row.amount(metric)).sum(),
    };
    Verdict {
        kind: metric.as_str(),
        max,
        admitted,
        over: (admitted - max).max(0),
        before_first_refusal: percent(before, max),
        in_the_end: percent(admitted, max),
        calls: seen.len(),
        refused: seen.iter().filter(|call| call.admitted.is_none()).count(),
        others: shared.others.borrow().clone(),
        seconds,
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share that is shown")]
fn percent(part: i64, whole: i64) -> f64 {
    part as f64 * 100.0 / whole.max(1) as f64
}

fn request(
    base: &str,
    verb: &str,
    path: &str,
    key: Option<&str>,
    body: &str,
) -> anyhow::Result<Vec<u8>> {
    let (_, host, _) = crate::target(base)?;
    let key = key.map_or(String::new(), |key| format!("authorization: Bearer {key}\r\n"));
    let length = body.len();
    let head = format!(
        "{verb} {path} HTTP/1.1\r\nhost: {host}\r\nuser-agent: tollgate-load\r\n\
         content-type: application/json\r\naccept: */*\r\n{key}content-length: {length}\r\n\r\n"
    );
    Ok([head.as_bytes(), body.as_bytes()].concat())
}

/// The body of one answer that is a success.
async fn ask(
    base: &str,
    verb: &str,
    path: &str,
    key: Option<&str>,
    body: &str,
) -> anyhow::Result<Vec<u8>> {
    let (address, ..) = crate::target(base)?;
    let mut connection = Connection::open(address).await?;
    let mut text = Vec::new();
    let request = request(base, verb, path, key, body)?;
    let status = connection.ask(&request, |piece| text.extend_from_slice(piece)).await?;
    ensure!((200..300).contains(&status), "{status} {}", String::from_utf8_lossy(&text));
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(n: u64) -> Served {
        Served {
            request_id: format!("req_{n}"),
            input: 10,
            cached_input: 2,
            cache_write: 0,
            output: 5,
            reasoning: 1,
        }
    }

    #[test]
    fn what_the_simulator_served_is_what_counts_and_not_what_was_answered() {
        let at = Instant::now();
        let call = |n: u64, began: u64, admitted: bool| Seen {
            began: at + Duration::from_millis(began),
            ended: at + Duration::from_millis(began + 10),
            admitted: admitted.then(|| format!("req_{n}")),
        };
        let shared = Shared::default();
        shared.seen.borrow_mut().extend([call(1, 0, true), call(0, 5, false), call(2, 50, true)]);
        // The third was served, and its answer never came.
        let rows = [served(1), served(2), served(3)];
        let stats = Stats { running_max: 2 };
        let told = verdict(Metric::Tokens, 40, &shared, &rows, &stats, 1.0);
        assert_eq!((told.admitted, told.over, told.refused), (54, 14, 1));
        assert!((told.before_first_refusal - 45.0).abs() < 1e-9, "{told:?}");
        let told = verdict(Metric::Concurrency, 2, &shared, &rows, &stats, 1.0);
        assert_eq!((told.admitted, told.over), (2, 0));
        assert_eq!(served(1).amount(Metric::Money), 10 * 150 + 2 * 75 + 6 * 600);
    }
}
