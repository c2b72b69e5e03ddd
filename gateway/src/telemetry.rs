//! Counters and histograms of this process, and their Prometheus text. Each thread counts in a
//! shard of its own, so counting is one uncontended add.

use contract::error::ErrorCode;
use contract::usage::Operation;
use std::cell::Cell;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

const SHARDS: usize = 16;

thread_local! {
    static SHARD: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// A small number that is this thread's own, up to [`SHARDS`] threads.
pub(crate) fn slot() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    SHARD.with(|shard| {
        if shard.get() == usize::MAX {
            shard.set(NEXT.fetch_add(1, Ordering::Relaxed));
        }
        shard.get()
    })
}

macro_rules! counts {
    ($($name:ident = $metric:literal $labels:literal, $help:literal;)*) => {
        /// What is counted one by one. Kinds of one metric stand together.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Count { $(#[doc = $help] $name,)* }

        impl Count {
            const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Name, labels and help.
            const fn text(self) -> (&'static str, &'static str, &'static str) {
                match self { $(Self::$name => ($metric, $labels, $help),)* }
            }
        }
    };
}

counts! {
    AttemptAnswered = "tollgate_upstream_attempts_total" "{result=\"answered\"}", "Attempts upstream, by how they ended.";
    AttemptRefused = "tollgate_upstream_attempts_total" "{result=\"refused\"}", "Attempts upstream, by how they ended.";
    AttemptUnreachable = "tollgate_upstream_attempts_total" "{result=\"unreachable\"}", "Attempts upstream, by how they ended.";
    AttemptTimedOut = "tollgate_upstream_attempts_total" "{result=\"timed_out\"}", "Attempts upstream, by how they ended.";
    AttemptCut = "tollgate_upstream_attempts_total" "{result=\"cut\"}", "Attempts upstream, by how they ended.";
    PoolRefused = "tollgate_pool_refused_total" "", "Calls that a pool had no place for.";
    RetryMade = "tollgate_upstream_retries_total" "{result=\"made\"}", "Further attempts that a failure asked for.";
    RetryDenied = "tollgate_upstream_retries_total" "{result=\"denied\"}", "Further attempts that a failure asked for.";
    HedgeMade = "tollgate_hedges_total" "{result=\"made\"}", "Second attempts beside a first one that took long.";
    HedgeDenied = "tollgate_hedges_total" "{result=\"denied\"}", "Second attempts beside a first one that took long.";
    HedgeWon = "tollgate_hedges_won_total" "", "Second attempts that answered before the first.";
    FellBack = "tollgate_fallbacks_total" "", "Calls that went on on another model because none of their own answered.";
    CacheHit = "tollgate_cache_total" "{result=\"hit\"}", "Calls of plans with a cache, by how they were answered.";
    CacheCoalesced = "tollgate_cache_total" "{result=\"coalesced\"}", "Calls of plans with a cache, by how they were answered.";
    CacheMiss = "tollgate_cache_total" "{result=\"miss\"}", "Calls of plans with a cache, by how they were answered.";
    CacheAlike = "tollgate_cache_total" "{result=\"semantic\"}", "Calls of plans with a cache, by how they were answered.";
    CompareAnswered = "tollgate_cache_compares_total" "{result=\"answered\"}", "Questions that an embedding model was to compare, by how that ended.";
    CompareLate = "tollgate_cache_compares_total" "{result=\"late\"}", "Questions that an embedding model was to compare, by how that ended.";
    CompareFailed = "tollgate_cache_compares_total" "{result=\"failed\"}", "Questions that an embedding model was to compare, by how that ended.";
    CompareLeft = "tollgate_cache_compares_total" "{result=\"left\"}", "Questions that an embedding model was to compare, by how that ended.";
    ShadowMade = "tollgate_shadows_total" "{result=\"made\"}", "Copies of calls for the shadows of routes.";
    ShadowLeftOut = "tollgate_shadows_total" "{result=\"left_out\"}", "Copies of calls for the shadows of routes.";
    StreamDrained = "tollgate_abandoned_streams_total" "{result=\"drained\"}", "Streams that their callers left, by how they ended.";
    StreamCancelled = "tollgate_abandoned_streams_total" "{result=\"cancelled\"}", "Streams that their callers left, by how they ended.";
    DrawGranted = "tollgate_allowance_draws_total" "{result=\"granted\"}", "Draws that calls waited for, by how they ended.";
    DrawRefused = "tollgate_allowance_draws_total" "{result=\"refused\"}", "Draws that calls waited for, by how they ended.";
    DrawFailed = "tollgate_allowance_draws_total" "{result=\"failed\"}", "Draws that calls waited for, by how they ended.";
    OverdrawnRequests = "tollgate_overdrawn_requests_total" "", "Requests settled beyond what was drawn.";
    OverdrawnTokens = "tollgate_overdrawn_tokens_total" "", "Tokens settled beyond what was drawn.";
    OverdrawnConcurrency = "tollgate_overdrawn_concurrency_total" "", "Running calls settled beyond what was drawn.";
    OverdrawnComputeMs = "tollgate_overdrawn_compute_milliseconds_total" "", "Milliseconds of compute settled beyond what was drawn.";
    OverdrawnRows = "tollgate_overdrawn_rows_total" "", "Rows settled beyond what was drawn.";
    OverdrawnNanos = "tollgate_overdrawn_nanodollars_total" "", "Nano-dollars settled beyond what was drawn.";
    RedisFollowOk = "tollgate_redis_calls_total" "{purpose=\"config\",result=\"ok\"}", "Calls to Redis, by what for and how they ended.";
    RedisFollowFailed = "tollgate_redis_calls_total" "{purpose=\"config\",result=\"failed\"}", "Calls to Redis, by what for and how they ended.";
    RedisDrawOk = "tollgate_redis_calls_total" "{purpose=\"limits\",result=\"ok\"}", "Calls to Redis, by what for and how they ended.";
    RedisDrawFailed = "tollgate_redis_calls_total" "{purpose=\"limits\",result=\"failed\"}", "Calls to Redis, by what for and how they ended.";
    RedisShipOk = "tollgate_redis_calls_total" "{purpose=\"usage\",result=\"ok\"}", "Calls to Redis, by what for and how they ended.";
    RedisShipFailed = "tollgate_redis_calls_total" "{purpose=\"usage\",result=\"failed\"}", "Calls to Redis, by what for and how they ended.";
    RedisBeatOk = "tollgate_redis_calls_total" "{purpose=\"heartbeat\",result=\"ok\"}", "Calls to Redis, by what for and how they ended.";
    RedisBeatFailed = "tollgate_redis_calls_total" "{purpose=\"heartbeat\",result=\"failed\"}", "Calls to Redis, by what for and how they ended.";
    RedisCacheOk = "tollgate_redis_calls_total" "{purpose=\"cache\",result=\"ok\"}", "Calls to Redis, by what for and how they ended.";
    RedisCacheFailed = "tollgate_redis_calls_total" "{purpose=\"cache\",result=\"failed\"}", "Calls to Redis, by what for and how they ended.";
    ConfigChanges = "tollgate_config_changes_total" "", "Changes of the configuration applied.";
    ConfigReloads = "tollgate_config_reloads_total" "", "Times the whole configuration was loaded from Redis.";
    RecordsUnreadable = "tollgate_config_unreadable_records_total" "", "Records of the configuration that could not be read.";
    SpoolRecorded = "tollgate_spool_recorded_total" "", "Usage events written to the spool.";
    SpoolRefused = "tollgate_spool_refused_total" "", "Calls that were not made because the spool had no room for them.";
    SpoolUnsettled = "tollgate_spool_unsettled_total" "", "Calls that an earlier process began and never ended.";
    SpoolShipped = "tollgate_spool_shipped_total" "", "Usage events handed to Redis, again included.";
    SpoolDamaged = "tollgate_spool_damaged_total" "", "Damaged places found in the spool.";
}

macro_rules! timings {
    ($($name:ident = $metric:literal $labels:literal, $help:literal;)*) => {
        /// What is timed. Kinds of one metric stand together.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Timing { $(#[doc = $help] $name,)* }

        impl Timing {
            const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Name, labels without braces, and help.
            const fn text(self) -> (&'static str, &'static str, &'static str) {
                match self { $(Self::$name => ($metric, $labels, $help),)* }
            }
        }
    };
}

timings! {
    Chat = "tollgate_request_duration_seconds" "operation=\"chat\",stream=\"false\"", "From the head of a request to the last byte of its answer.";
    ChatStream = "tollgate_request_duration_seconds" "operation=\"chat\",stream=\"true\"", "From the head of a request to the last byte of its answer.";
    Embeddings = "tollgate_request_duration_seconds" "operation=\"embeddings\",stream=\"false\"", "From the head of a request to the last byte of its answer.";
    Other = "tollgate_request_duration_seconds" "operation=\"other\",stream=\"false\"", "From the head of a request to the last byte of its answer.";
    FirstToken = "tollgate_first_token_seconds" "operation=\"chat\"", "From the head of a streamed request to the first content of its answer.";
    Draw = "tollgate_allowance_draw_duration_seconds" "", "How long a draw of allowances took.";
    Convergence = "tollgate_config_convergence_seconds" "", "From the publishing of a change to its use here.";
}

/// Upper bounds of the histograms' buckets, in microseconds, and as Prometheus writes them.
const BUCKETS: [(u64, &str); 18] = [
    (500, "0.0005"),
    (1_000, "0.001"),
    (2_500, "0.0025"),
    (5_000, "0.005"),
    (10_000, "0.01"),
    (25_000, "0.025"),
    (50_000, "0.05"),
    (100_000, "0.1"),
    (250_000, "0.25"),
    (500_000, "0.5"),
    (1_000_000, "1"),
    (2_500_000, "2.5"),
    (5_000_000, "5"),
    (10_000_000, "10"),
    (30_000_000, "30"),
    (60_000_000, "60"),
    (120_000_000, "120"),
    (300_000_000, "300"),
];

/// How a request ended, for its counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Ok,
    /// Refused here, before any provider was asked.
    Refused,
    UpstreamError,
    UpstreamCut,
    ClientGone,
    BudgetExhausted,
}

const ENDED: [(Ended, &str); 6] = [
    (Ended::Ok, "ok"),
    (Ended::Refused, "refused"),
    (Ended::UpstreamError, "upstream_error"),
    (Ended::UpstreamCut, "upstream_cut"),
    (Ended::ClientGone, "client_gone"),
    (Ended::BudgetExhausted, "budget_exhausted"),
];
const OPERATIONS: [&str; 11] = [
    "chat",
    "embeddings",
    "rerank",
    "count_tokens",
    "predict",
    "images",
    "speech",
    "transcription",
    "moderation",
    "native",
    "other",
];
const CODES: usize = ErrorCode::ALL.len() + 1;
const REQUESTS: usize = OPERATIONS.len() * ENDED.len() * CODES;

/// One request, when it has ended.
#[derive(Debug, Clone, Copy)]
pub struct Finished {
    /// Absent for what names no model: lists, unknown routes, what was refused too early.
    pub operation: Option<Operation>,
    pub stream: bool,
    pub ended: Ended,
    pub code: Option<ErrorCode>,
    pub duration: Duration,
    /// Streams only.
    pub first_token: Option<Duration>,
}

#[derive(Debug)]
struct Histogram {
    buckets: [AtomicU64; BUCKETS.len() + 1],
    sum_us: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: std::array::from_fn(|_| AtomicU64::new(0)), sum_us: AtomicU64::new(0) }
    }
}

#[derive(Debug)]
struct Shard {
    counts: Box<[AtomicU64]>,
    requests: Box<[AtomicU64]>,
    timings: Box<[Histogram]>,
    in_flight: AtomicI64,
}

impl Default for Shard {
    fn default() -> Self {
        let zeros = |n: usize| (0..n).map(|_| AtomicU64::new(0)).collect();
        Self {
            counts: zeros(Count::ALL.len()),
            requests: zeros(REQUESTS),
            timings: Timing::ALL.iter().map(|_| Histogram::default()).collect(),
            in_flight: AtomicI64::new(0),
        }
    }
}

/// A value read when the text is made: name, kind, help, value.
pub type Gauge = (&'static str, &'static str, f64);

/// Everything this process counts.
#[derive(Debug)]
pub struct Telemetry {
    shards: Box<[Shard]>,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| Shard::default()).collect() }
    }
}

impl Telemetry {
    fn shard(&self) -> Option<&Shard> {
        self.shards.get(slot() % SHARDS)
    }

    /// Adds `n` to a counter.
    pub fn count(&self, what: Count, n: u64) {
        if let Some(cell) = self.shard().and_then(|shard| shard.counts.get(what as usize)) {
            cell.fetch_add(n, Ordering::Relaxed);
        }
    }

    /// Adds one duration to a histogram.
    pub fn time(&self, what: Timing, took: Duration) {
        let Some(histogram) = self.shard().and_then(|shard| shard.timings.get(what as usize))
        else {
            return;
        };
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let place = BUCKETS.iter().position(|(bound, _)| us <= *bound).unwrap_or(BUCKETS.len());
        if let Some(bucket) = histogram.buckets.get(place) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        histogram.sum_us.fetch_add(us, Ordering::Relaxed);
    }

    /// Notes that a request came in, or (`-1`) that it is done with.
    pub fn in_flight(&self, change: i64) {
        if let Some(shard) = self.shard() {
            shard.in_flight.fetch_add(change, Ordering::Relaxed);
        }
    }

    /// Counts and times a request that has ended.
    pub fn finished(&self, request: &Finished) {
        let (operation, timing) = match (request.operation, request.stream) {
            (Some(Operation::Chat), false) => (0, Timing::Chat),
            (Some(Operation::Chat), true) => (0, Timing::ChatStream),
            (Some(Operation::Embeddings), _) => (1, Timing::Embeddings),
            (Some(Operation::Rerank), _) => (2, Timing::Other),
            (Some(Operation::CountTokens), _) => (3, Timing::Other),
            (Some(Operation::Predict), _) => (4, Timing::Other),
            (Some(Operation::Images), _) => (5, Timing::Other),
            (Some(Operation::Speech), _) => (6, Timing::Other),
            (Some(Operation::Transcription), _) => (7, Timing::Other),
            (Some(Operation::Moderation), _) => (8, Timing::Other),
            (Some(Operation::Native), _) => (9, Timing::Other),
            (None, _) => (10, Timing::Other),
        };
        let code = request.code.map_or(0, |code| code as usize + 1);
        let place = (operation * ENDED.len() + request.ended as usize) * CODES + code;
        if let Some(cell) = self.shard().and_then(|shard| shard.requests.get(place)) {
            cell.fetch_add(1, Ordering::Relaxed);
        }
        self.time(timing, request.duration);
        if let Some(first) = request.first_token {
            self.time(Timing::FirstToken, first);
        }
    }

    /// The sum of a counter over all threads.
    #[must_use]
    pub fn total(&self, what: Count) -> u64 {
        let cells = self.shards.iter().filter_map(|shard| shard.counts.get(what as usize));
        cells.map(|cell| cell.load(Ordering::Relaxed)).sum()
    }

    /// All metrics in Prometheus' text format, `gauges` among them.
    #[must_use]
    pub fn render(&self, gauges: &[Gauge]) -> String {
        let mut out = String::with_capacity(16 * 1_024);
        self.render_requests(&mut out);
        let mut last = "";
        for what in Count::ALL {
            let (name, labels, help) = what.text();
            head(&mut out, &mut last, name, "counter", help);
            line(&mut out, name, labels, self.total(*what));
        }
        for what in Timing::ALL {
            let (name, labels, help) = what.text();
            head(&mut out, &mut last, name, "histogram", help);
            self.render_timing(&mut out, *what, name, labels);
        }
        for (name, help, value) in gauges {
            head(&mut out, &mut last, name, "gauge", help);
            line(&mut out, name, "", value);
        }
        out
    }

    fn render_requests(&self, out: &mut String) {
        let mut last = "";
        let name = "tollgate_requests_total";
        head(out, &mut last, name, "counter", "Requests, by operation, outcome and error code.");
        let sum = |place: usize| -> u64 {
            let cells = self.shards.iter().filter_map(|shard| shard.requests.get(place));
            cells.map(|cell| cell.load(Ordering::Relaxed)).sum()
        };
        for (o, operation) in OPERATIONS.iter().enumerate() {
            for (e, (_, ended)) in ENDED.iter().enumerate() {
                for code in 0..CODES {
                    let count = sum((o * ENDED.len() + e) * CODES + code);
                    if count > 0 {
                        let code = code.checked_sub(1).and_then(|at| ErrorCode::ALL.get(at));
                        let code = code.map_or("", |code| code.as_str());
                        let labels = format!(
                            "{{operation=\"{operation}\",outcome=\"{ended}\",code=\"{code}\"}}"
                        );
                        line(out, name, &labels, count);
                    }
                }
            }
        }
        let name = "tollgate_requests_in_flight";
        head(out, &mut last, name, "gauge", "Requests being served.");
        let flying: i64 = self.shards.iter().map(|s| s.in_flight.load(Ordering::Relaxed)).sum();
        line(out, name, "", flying);
    }

    fn render_timing(&self, out: &mut String, what: Timing, name: &str, labels: &str) {
        let histograms: Vec<&Histogram> =
            self.shards.iter().filter_map(|shard| shard.timings.get(what as usize)).collect();
        let comma = if labels.is_empty() { "" } else { "," };
        let mut total = 0_u64;
        let bounds = BUCKETS.iter().map(|(_, text)| *text).chain(["+Inf"]);
        for (place, bound) in bounds.enumerate() {
            let cells = histograms.iter().filter_map(|h| h.buckets.get(place));
            total += cells.map(|cell| cell.load(Ordering::Relaxed)).sum::<u64>();
            let labels = format!("_bucket{{{labels}{comma}le=\"{bound}\"}}");
            line(out, name, &labels, total);
        }
        let sum_us: u64 = histograms.iter().map(|h| h.sum_us.load(Ordering::Relaxed)).sum();
        let braced = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
        let seconds = Duration::from_micros(sum_us).as_secs_f64();
        line(out, name, &format!("_sum{braced}"), seconds);
        line(out, name, &format!("_count{braced}"), total);
    }
}

/// The help and type of a metric, once.
pub(crate) fn head<'a>(
    out: &mut String,
    last: &mut &'a str,
    name: &'a str,
    kind: &str,
    help: &str,
) {
    if *last != name {
        *last = name;
        // Writing to a String does not fail.
        writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}").unwrap_or_default();
    }
}

pub(crate) fn line(out: &mut String, name: &str, labels: &str, value: impl std::fmt::Display) {
    writeln!(out, "{name}{labels} {value}").unwrap_or_default();
}
