//! What was served: the simulator's own count, by request id. Bounded; the oldest is forgotten
//! first. Completed means that the whole answer was handed to the connection.

use crate::replica::Serving;
use crate::switches::Switches;
use bytes::Bytes;
use http::HeaderMap;
use serde::Serialize;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Request ids that are remembered.
const SERVED_MAX: usize = 50_000;

/// How the last call with a request id ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Running,
    Completed,
    /// A switch cut it.
    Cut,
    /// A switch failed it, or the request was refused; nothing was used.
    Failed,
    /// The caller hung up.
    CallerGone,
}

/// What one request id used. Token classes are disjoint. Tokens are those of the last call with
/// the id; `completed` says how often an answer was given whole (more than 1: called in vain).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Served {
    pub request_id: String,
    pub operation: &'static str,
    /// The provider's dialect that was spoken.
    pub dialect: &'static str,
    pub model: String,
    pub stream: bool,
    pub outcome: Outcome,
    pub calls: u64,
    pub completed: u64,
    pub input: u64,
    pub cached_input: u64,
    pub cache_write: u64,
    pub output: u64,
    pub reasoning: u64,
    /// Whether the answer carried usage.
    pub usage_reported: bool,
    /// What the prompt held: images and the like, signatures that are good, tools declared.
    pub media: u64,
    pub signatures: u64,
    pub tools: u64,
    /// What is not counted in tokens: pictures made, characters spoken, milliseconds heard.
    pub images: u64,
    pub characters: u64,
    pub audio_ms: u64,
}

/// Sums since the start or the last reset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    pub calls: u64,
    pub completed: u64,
    pub failed: u64,
    pub cut: u64,
    pub caller_gone: u64,
    pub running: u64,
    /// The most that ran at the same time.
    pub running_max: u64,
    pub connections: u64,
    /// Access tokens handed out.
    pub tokens_issued: u64,
    /// Request ids forgotten to stay within bounds.
    pub forgotten: u64,
}

/// The last model call as it arrived.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

#[derive(Debug, Default)]
struct Inner {
    served: HashMap<String, Served>,
    order: VecDeque<String>,
    stats: Stats,
    last: Seen,
    defaults: Switches,
    base: Switches,
    unnamed: u64,
}

/// Everything the simulator remembers.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Mutex<Inner>>);

impl Log {
    pub(crate) fn new(base: Switches) -> Self {
        let log = Self::default();
        log.inner().defaults = base.clone();
        log.inner().base = base;
        log
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The how-manieth access token this is.
    pub(crate) fn issue(&self) -> u64 {
        let mut inner = self.inner();
        inner.stats.tokens_issued += 1;
        inner.stats.tokens_issued
    }

    pub(crate) fn connected(&self) {
        self.inner().stats.connections += 1;
    }

    /// The switches in force for every call.
    #[must_use]
    pub fn defaults(&self) -> Switches {
        self.inner().defaults.clone()
    }

    pub(crate) fn set_defaults(&self, switches: Switches) {
        self.inner().defaults = switches;
    }

    /// Forgets all calls and goes back to the switches of the start.
    pub(crate) fn reset(&self) {
        let mut inner = self.inner();
        let base = inner.base.clone();
        *inner = Inner { defaults: base.clone(), base, ..Inner::default() };
    }

    /// Everything remembered, oldest first.
    #[must_use]
    pub fn served(&self) -> Vec<Served> {
        let inner = self.inner();
        inner.order.iter().filter_map(|id| inner.served.get(id).cloned()).collect()
    }

    #[must_use]
    pub fn find(&self, request_id: &str) -> Option<Served> {
        self.inner().served.get(request_id).cloned()
    }

    #[must_use]
    pub fn stats(&self) -> Stats {
        self.inner().stats
    }

    #[must_use]
    pub fn last(&self) -> Seen {
        self.inner().last.clone()
    }

    /// Notes a call and returns its guard, and whether it is the how-manieth: of all calls, and
    /// of those with its id.
    pub(crate) fn begin(&self, seen: Seen, operation: &'static str, dialect: &'static str) -> Call {
        let mut inner = self.inner();
        let id = seen.headers.get("x-request-id").and_then(|v| v.to_str().ok()).map(str::to_owned);
        let id = id.filter(|id| !id.is_empty()).unwrap_or_else(|| {
            inner.unnamed += 1;
            format!("unnamed-{}", inner.unnamed)
        });
        inner.last = seen;
        inner.stats.calls += 1;
        inner.stats.running += 1;
        inner.stats.running_max = inner.stats.running_max.max(inner.stats.running);
        let nth = inner.stats.calls;
        if !inner.served.contains_key(&id) {
            inner.order.push_back(id.clone());
            if inner.order.len() > SERVED_MAX
                && let Some(oldest) = inner.order.pop_front()
            {
                inner.served.remove(&oldest);
                inner.stats.forgotten += 1;
            }
        }
        let served = inner.served.entry(id.clone()).or_insert_with(|| Served {
            request_id: id.clone(),
            operation,
            dialect,
            model: String::new(),
            stream: false,
            outcome: Outcome::Running,
            calls: 0,
            completed: 0,
            input: 0,
            cached_input: 0,
            cache_write: 0,
            output: 0,
            reasoning: 0,
            usage_reported: false,
            media: 0,
            signatures: 0,
            tools: 0,
            images: 0,
            characters: 0,
            audio_ms: 0,
        });
        served.calls += 1;
        served.outcome = Outcome::Running;
        // Another attempt at the same call may speak another dialect.
        (served.operation, served.dialect) = (operation, dialect);
        (served.input, served.cached_input, served.cache_write) = (0, 0, 0);
        (served.output, served.reasoning) = (0, 0);
        let nth_of_id = served.calls;
        drop(inner);
        Call { log: self.clone(), id, nth, nth_of_id, serving: None, done: false }
    }
}

/// A call that is being answered. Dropped before its end, it counts as hung up on.
#[derive(Debug)]
pub(crate) struct Call {
    log: Log,
    id: String,
    /// The how-manieth call of all.
    pub nth: u64,
    /// The how-manieth call with this request id.
    pub nth_of_id: u64,
    /// Its place at the replica that is played.
    pub serving: Option<Box<Serving>>,
    done: bool,
}

impl Call {
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn note(&self, change: impl FnOnce(&mut Served)) {
        if let Some(served) = self.log.inner().served.get_mut(&self.id) {
            change(served);
        }
    }

    pub(crate) fn finish(&mut self, outcome: Outcome) {
        if std::mem::replace(&mut self.done, true) {
            return;
        }
        self.serving = None;
        let mut inner = self.log.inner();
        inner.stats.running = inner.stats.running.saturating_sub(1);
        match outcome {
            Outcome::Running => {}
            Outcome::Completed => inner.stats.completed += 1,
            Outcome::Cut => inner.stats.cut += 1,
            Outcome::Failed => inner.stats.failed += 1,
            Outcome::CallerGone => inner.stats.caller_gone += 1,
        }
        if let Some(served) = inner.served.get_mut(&self.id) {
            served.outcome = outcome;
            served.completed += u64::from(outcome == Outcome::Completed);
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.finish(Outcome::CallerGone);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(id: &str) -> Seen {
        let mut headers = HeaderMap::new();
        headers.insert("x-request-id", id.parse().unwrap());
        Seen { headers, ..Seen::default() }
    }

    #[test]
    fn a_call_dropped_before_its_end_counts_as_hung_up_on() {
        let log = Log::default();
        drop(log.begin(seen("a"), "chat", "openai_chat"));
        assert_eq!(log.find("a").unwrap().outcome, Outcome::CallerGone);
        let mut call = log.begin(seen("a"), "chat", "openai_chat");
        call.finish(Outcome::Completed);
        drop(call);
        let served = log.find("a").unwrap();
        assert_eq!((served.outcome, served.calls, served.completed), (Outcome::Completed, 2, 1));
        assert_eq!(log.stats().running, 0);
    }

    #[test]
    fn the_oldest_id_is_forgotten_when_the_memory_is_full() {
        let log = Log::default();
        for n in 0..=SERVED_MAX {
            log.begin(seen(&n.to_string()), "chat", "openai_chat").finish(Outcome::Completed);
        }
        assert!(log.find("0").is_none() && log.find("1").is_some());
        assert_eq!((log.served().len(), log.stats().forgotten), (SERVED_MAX, 1));
    }
}
