//! How busy a model server is, from the page of metrics that it has for Prometheus. Read as it
//! comes, line by line, for the few names that count; whatever else is there is skipped. What must
//! stay true: bounded memory, and a number that makes no sense is a fault and never a load.

use contract::snapshot::ReplicaServer;
use std::fmt;

/// Bytes of a page at most: servers with many models and histograms have a tenth of it.
pub const PAGE_BYTES_MAX: usize = 1 << 20;
/// Bytes of a line at most; longer ones are skipped.
const LINE_BYTES_MAX: usize = 4_096;
/// Calls in a server beyond which a number is taken for a mistake.
const CALLS_MAX: f64 = 1_000_000.0;
/// How far above one a share may be: what servers compute is rounded.
const SHARE_MAX: f64 = 1.01;

/// How busy a server says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reading {
    /// Calls that wait in it.
    pub queued: u32,
    /// Calls that it works on.
    pub running: u32,
    /// How much of its KV cache is in use, in thousandths; 0 where it does not say.
    pub kv_permille: u16,
    /// How much of all prompts it found in its prefix cache since it started, in thousandths.
    pub hit_permille: Option<u16>,
}

/// Why a page tells nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Nonsense {
    /// None of the names that were looked for.
    Unknown(ReplicaServer),
    /// A number that cannot be: not one, negative, or beyond all measure.
    Value {
        name: &'static str,
        value: String,
    },
    TooLong,
}

impl fmt::Display for Nonsense {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(server) => {
                let name = names(*server).iter().find(|name| name.role == Role::Queued);
                let name = name.map_or("", |name| name.name);
                let server = server.as_str();
                write!(f, "the page has no {name}: it is not that of {server}, or not of metrics")
            }
            Self::Value { name, value } => write!(f, "{name} is {value:?}, which cannot be"),
            Self::TooLong => write!(f, "the page is longer than {PAGE_BYTES_MAX} bytes"),
        }
    }
}

/// What a number says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Queued,
    Running,
    /// Of one: KV cache in use.
    Kv,
    /// Of one: found in the prefix cache.
    HitShare,
    /// Tokens, or blocks, found in the prefix cache; and looked for, or not found.
    Hits,
    Looked,
    Missed,
}

struct Name {
    name: &'static str,
    /// A label's value that the line must have.
    label: &'static str,
    role: Role,
}

const fn plain(name: &'static str, role: Role) -> Name {
    Name { name, label: "", role }
}

/// vLLM, from its documents on production metrics; the second name of each pair is that of releases
/// before 0.10.
const VLLM: [Name; 8] = [
    plain("vllm:num_requests_waiting", Role::Queued),
    plain("vllm:num_requests_running", Role::Running),
    plain("vllm:kv_cache_usage_perc", Role::Kv),
    plain("vllm:gpu_cache_usage_perc", Role::Kv),
    plain("vllm:prefix_cache_hits_total", Role::Hits),
    plain("vllm:gpu_prefix_cache_hits_total", Role::Hits),
    plain("vllm:prefix_cache_queries_total", Role::Looked),
    plain("vllm:gpu_prefix_cache_queries_total", Role::Looked),
];
const SGLANG: [Name; 4] = [
    plain("sglang:num_queue_reqs", Role::Queued),
    plain("sglang:num_running_reqs", Role::Running),
    plain("sglang:token_usage", Role::Kv),
    plain("sglang:cache_hit_rate", Role::HitShare),
];
const TGI: [Name; 2] =
    [plain("tgi_queue_size", Role::Queued), plain("tgi_batch_current_size", Role::Running)];
/// Triton's own, and those of its TensorRT-LLM backend.
const TRITON: [Name; 4] = [
    plain("nv_inference_pending_request_count", Role::Queued),
    Name { name: "nv_trt_llm_request_metrics", label: "waiting", role: Role::Queued },
    Name { name: "nv_trt_llm_request_metrics", label: "scheduled", role: Role::Running },
    Name { name: "nv_trt_llm_kv_cache_block_metrics", label: "fraction", role: Role::Kv },
];
/// The ratio is gone from newer releases; the cached tokens are only in those.
const LLAMA_CPP: [Name; 5] = [
    plain("llamacpp:requests_deferred", Role::Queued),
    plain("llamacpp:requests_processing", Role::Running),
    plain("llamacpp:kv_cache_usage_ratio", Role::Kv),
    plain("llamacpp:prompt_tokens_cached_total", Role::Hits),
    plain("llamacpp:prompt_tokens_total", Role::Missed),
];

const fn names(server: ReplicaServer) -> &'static [Name] {
    match server {
        ReplicaServer::Vllm => &VLLM,
        ReplicaServer::Sglang => &SGLANG,
        ReplicaServer::Tgi => &TGI,
        ReplicaServer::Triton => &TRITON,
        ReplicaServer::LlamaCpp => &LLAMA_CPP,
    }
}

/// The most names of any server.
const NAMES_MAX: usize = 8;

/// Reads one page.
#[derive(Debug)]
pub struct Page {
    server: ReplicaServer,
    /// Of each name the sum of its lines, of shares the largest.
    seen: [Option<f64>; NAMES_MAX],
    line: Vec<u8>,
    /// The line is too long, and its rest is skipped.
    skips: bool,
    bytes: usize,
    fault: Option<Nonsense>,
}

impl Page {
    #[must_use]
    pub const fn of(server: ReplicaServer) -> Self {
        let seen = [None; NAMES_MAX];
        Self { server, seen, line: Vec::new(), skips: false, bytes: 0, fault: None }
    }

    /// Adds what was read; whether more makes sense.
    pub fn take(&mut self, mut read: &[u8]) -> bool {
        self.bytes = self.bytes.saturating_add(read.len());
        if self.bytes > PAGE_BYTES_MAX {
            self.fault.get_or_insert(Nonsense::TooLong);
        }
        while self.fault.is_none() && !read.is_empty() {
            let end = read.iter().position(|byte| *byte == b'\n');
            let (part, rest) = read.split_at(end.unwrap_or(read.len()));
            self.skips |= self.line.len() + part.len() > LINE_BYTES_MAX;
            if !self.skips {
                self.line.extend_from_slice(part);
            }
            read = rest.get(1..).unwrap_or_default();
            if end.is_some() {
                self.end_line();
            }
        }
        self.fault.is_none()
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if !std::mem::replace(&mut self.skips, false) {
            self.read(&line);
        }
        self.line = line;
        self.line.clear();
    }

    fn read(&mut self, line: &[u8]) {
        let end = line.iter().position(|byte| matches!(byte, b'{' | b' ' | b'\t'));
        let Some((name, rest)) = end.and_then(|end| line.split_at_checked(end)) else { return };
        for (known, seen) in names(self.server).iter().zip(&mut self.seen) {
            if known.name.as_bytes() != name {
                continue;
            }
            let Some((labels, value)) = cut_labels(rest) else {
                let value = String::from_utf8_lossy(rest).chars().take(40).collect();
                self.fault = Some(Nonsense::Value { name: known.name, value });
                return;
            };
            if !known.label.is_empty() && !has(labels, known.label) {
                continue;
            }
            match number(value, known.role) {
                Ok(number) => {
                    let before = seen.unwrap_or(0.0);
                    let is_share = matches!(known.role, Role::Kv | Role::HitShare);
                    *seen = Some(if is_share { before.max(number) } else { before + number });
                }
                Err(value) => self.fault = Some(Nonsense::Value { name: known.name, value }),
            }
        }
    }

    /// What the page says, once it is over.
    ///
    /// # Errors
    /// [`Nonsense`]: nothing that can be relied on.
    pub fn end(mut self) -> Result<Reading, Nonsense> {
        self.end_line();
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let most = |role: Role| {
            let pairs = names(self.server).iter().zip(&self.seen);
            let of_role = pairs.filter(|(name, _)| name.role == role);
            of_role.filter_map(|(_, seen)| *seen).max_by(f64::total_cmp)
        };
        let (queued, running) = (most(Role::Queued), most(Role::Running));
        if queued.is_none() && running.is_none() {
            return Err(Nonsense::Unknown(self.server));
        }
        let hits = most(Role::Hits);
        let looked = match most(Role::Looked) {
            Some(looked) => Some(looked),
            None => hits.zip(most(Role::Missed)).map(|(hits, missed)| hits + missed),
        };
        let counted = hits.zip(looked.filter(|looked| *looked > 0.0));
        let share = counted.map(|(hits, looked)| hits / looked).or_else(|| most(Role::HitShare));
        Ok(Reading {
            queued: whole(queued),
            running: whole(running),
            kv_permille: permille(most(Role::Kv).unwrap_or(0.0)),
            hit_permille: share.map(permille),
        })
    }
}

/// Labels, and what stands behind them. `None`: they do not end.
fn cut_labels(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let Some(labels) = rest.strip_prefix(b"{") else { return Some((b"", rest)) };
    let (mut quoted, mut escaped) = (false, false);
    let end = labels.iter().position(|byte| {
        let was_escaped = std::mem::take(&mut escaped);
        match byte {
            _ if was_escaped => {}
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b'}' => return !quoted,
            _ => {}
        }
        false
    })?;
    let (labels, rest) = labels.split_at_checked(end)?;
    Some((labels, rest.get(1..)?))
}

/// Whether a label has this value.
fn has(labels: &[u8], value: &str) -> bool {
    labels.split(|byte| *byte == b'"').any(|part| part == value.as_bytes())
}

/// The number of a line; behind it there may be a time.
fn number(text: &[u8], role: Role) -> Result<f64, String> {
    let text = String::from_utf8_lossy(text);
    let word = text.split_ascii_whitespace().next().unwrap_or_default();
    let max = match role {
        Role::Queued | Role::Running => CALLS_MAX,
        Role::Kv | Role::HitShare => SHARE_MAX,
        Role::Hits | Role::Looked | Role::Missed => f64::MAX,
    };
    let number = word.parse().ok().filter(|number: &f64| (0.0..=max).contains(number));
    number.ok_or_else(|| word.chars().take(40).collect())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a sum of a page's lines, none negative; casts saturate"
)]
fn whole(number: Option<f64>) -> u32 {
    number.unwrap_or(0.0) as u32
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between nothing and all"
)]
fn permille(share: f64) -> u16 {
    (share.clamp(0.0, 1.0) * 1_000.0).round() as u16
}

#[cfg(test)]
mod tests;
