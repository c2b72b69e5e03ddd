//! What goes to the counters of one org in one call of the script, and what comes back.

use contract::channel;
use contract::id::OrgId;
use redis::{ErrorKind, RedisError, RedisResult};

/// One call. The script's header says what the words mean.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub org_id: OrgId,
    pub gateway: String,
    /// Higher than that of any call before.
    pub number: u64,
    /// The time, where the server's own does not count: with a clock that a test sets.
    pub now_ms: Option<i64>,
    pub counters: Vec<Counter>,
    /// Of each ask, which counters and how much.
    pub asks: Vec<Vec<(usize, i64)>>,
}

#[derive(Debug, Clone)]
pub(super) struct Counter {
    pub key: String,
    pub max: i64,
    /// What this gateway has of the counter.
    pub claim: i64,
    /// Wanted beyond the asks.
    pub extra: i64,
    /// The window, or the bucket of a sliding limit, in milliseconds; without an end: for ever.
    pub start_ms: i64,
    pub end_ms: Option<i64>,
    /// For how long a bucket counts; 0: not a sliding limit.
    pub span_ms: i64,
    /// Grants nothing while the counts may be incomplete.
    pub closed: bool,
    /// Given back when its holder is gone.
    pub level: bool,
}

/// Whether a counter could grant anything at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readiness {
    Ready,
    /// Counts may be missing, and the limit is closed then.
    Incomplete,
    /// It is not the window that runs now by the clock of Redis.
    OtherWindow,
}

/// What the counter answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grant {
    pub granted: i64,
    /// Left for all gateways after this grant; negative when more was used than allowed.
    pub free: i64,
    /// What this gateway may have in hand.
    pub share: i64,
    pub readiness: Readiness,
    /// Of the grant, what waiting callers take at once.
    pub asked: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub now_ms: i64,
    /// Whether the counts are complete.
    pub counted: bool,
    pub gateways: i64,
    /// Names the run of the server that answered.
    pub run: String,
    pub grants: Vec<Grant>,
    /// For each ask 0 when it is granted, else which of its pairs stood in the way.
    pub verdicts: Vec<usize>,
}

impl Call {
    pub fn keys(&self) -> impl Iterator<Item = String> {
        [channel::restored(self.org_id), channel::limits_drawn_by(self.org_id)]
            .into_iter()
            .chain(self.counters.iter().map(|counter| counter.key.clone()))
    }

    pub fn args(&self) -> Vec<String> {
        let or_empty = |number: Option<i64>| number.map_or(String::new(), |n| n.to_string());
        let mut args = Vec::with_capacity(4 + 7 * self.counters.len() + 3 * self.asks.len());
        args.push(self.gateway.clone());
        args.push(self.number.to_string());
        args.push(or_empty(self.now_ms));
        args.push(self.counters.len().to_string());
        for counter in &self.counters {
            args.push(counter.max.to_string());
            args.push(counter.claim.to_string());
            args.push(counter.extra.to_string());
            args.push(counter.start_ms.to_string());
            args.push(or_empty(counter.end_ms));
            args.push(counter.span_ms.to_string());
            let kind = match (counter.closed, counter.level) {
                (true, false) => "c",
                (false, false) => "o",
                (true, true) => "C",
                (false, true) => "O",
            };
            args.push(kind.to_owned());
        }
        for ask in &self.asks {
            args.push(ask.len().to_string());
            for (counter, amount) in ask {
                args.push((counter + 1).to_string());
                args.push(amount.to_string());
            }
        }
        args
    }
}

impl Answer {
    /// Reads the script's words.
    ///
    /// # Errors
    /// They are not what the script says.
    pub fn read(words: &[String], counters: usize, asks: usize) -> RedisResult<Self> {
        let odd = || {
            RedisError::from((ErrorKind::UnexpectedReturnType, "the draw script answered oddly"))
        };
        let mut words = words.iter();
        let mut number = || words.next().and_then(|word| word.parse::<i64>().ok()).ok_or_else(odd);
        let (now_ms, counted, gateways) = (number()?, number()? == 1, number()?);
        let run = words.next().ok_or_else(odd)?.clone();
        let mut number = || words.next().and_then(|word| word.parse::<i64>().ok()).ok_or_else(odd);
        let mut grants = Vec::with_capacity(counters);
        for _ in 0..counters {
            let (granted, free, share) = (number()?, number()?, number()?);
            let readiness = match number()? {
                0 => Readiness::Ready,
                1 => Readiness::Incomplete,
                _ => Readiness::OtherWindow,
            };
            grants.push(Grant { granted, free, share, readiness, asked: 0 });
        }
        let mut verdicts = Vec::with_capacity(asks);
        for _ in 0..asks {
            verdicts.push(usize::try_from(number()?).map_err(|_| odd())?);
        }
        Ok(Self { now_ms, counted, gateways, run, grants, verdicts })
    }
}
