//! What is shown each kind of text, and what must hold.

mod answers;
mod errors;
mod framing;
mod inference;
mod media;
mod metrics;
mod passing;
mod requests;
mod sign;
mod small;
mod streams;

use crate::{Knobs, Target};
use dialect::convert::{Inbound, Outbound, Provider};
use dialect::messages::{Host, Messages};
use dialect::openai::PROVIDERS;
use dialect::{Wire, json};

pub use framing::framed;

/// What is fuzzed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Server-sent events.
    Sse,
    /// AWS event stream messages.
    EventStream,
    /// A JSON text a line.
    Lines,
    /// The scanner of JSON, and what rests on it.
    Scan,
    /// Requests that pass.
    Ask,
    /// AWS signatures.
    Sigv4,
    /// A dialect's requests, told to every provider.
    Request,
    /// A dialect's answers, told to every caller.
    Answer,
    /// A dialect's streams, told to every caller.
    Stream,
    /// Errors of every dialect.
    Error,
    Embed,
    EmbedAnswer,
    Rerank,
    RerankAnswer,
    Count,
    CountAnswer,
    /// The Open Inference Protocol, both ways.
    Inference,
    /// Forms, and calls that come as one.
    Form,
    /// Calls for pictures, voices and judgements, and their answers and events.
    Media,
    MediaAnswer,
    /// Recordings, of which the header tells the length.
    Recording,
    /// Pages of metrics of model servers.
    Metrics,
}

impl Kind {
    pub const ALL: [Self; 22] = [
        Self::Sse,
        Self::EventStream,
        Self::Lines,
        Self::Scan,
        Self::Ask,
        Self::Sigv4,
        Self::Request,
        Self::Answer,
        Self::Stream,
        Self::Error,
        Self::Embed,
        Self::EmbedAnswer,
        Self::Rerank,
        Self::RerankAnswer,
        Self::Count,
        Self::CountAnswer,
        Self::Inference,
        Self::Form,
        Self::Media,
        Self::MediaAnswer,
        Self::Recording,
        Self::Metrics,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sse => "sse",
            Self::EventStream => "event_stream",
            Self::Lines => "lines",
            Self::Scan => "scan",
            Self::Ask => "ask",
            Self::Sigv4 => "sigv4",
            Self::Request => "request",
            Self::Answer => "answer",
            Self::Stream => "stream",
            Self::Error => "error",
            Self::Embed => "embed",
            Self::EmbedAnswer => "embed_answer",
            Self::Rerank => "rerank",
            Self::RerankAnswer => "rerank_answer",
            Self::Count => "count",
            Self::CountAnswer => "count_answer",
            Self::Inference => "inference",
            Self::Form => "form",
            Self::Media => "media",
            Self::MediaAnswer => "media_answer",
            Self::Recording => "recording",
            Self::Metrics => "metrics",
        }
    }
}

pub fn run(target: Target, knobs: Knobs, text: &[u8]) {
    // Kinds that each dialect has of its own come with one.
    let wire = target.wire.unwrap_or(Wire::Chat);
    match target.kind {
        Kind::Sse => framing::sse(knobs, text),
        Kind::EventStream => framing::event_stream(knobs, text),
        Kind::Lines => framing::lines(knobs, text),
        Kind::Scan => passing::scan(text),
        Kind::Ask => passing::ask(knobs, text),
        Kind::Sigv4 => sign::sign(text),
        Kind::Request => requests::run(wire, knobs, text),
        Kind::Answer => answers::run(wire, knobs, text),
        Kind::Stream => streams::run(wire, knobs, text),
        Kind::Error => errors::run(knobs, text),
        Kind::Embed => small::embed(text),
        Kind::EmbedAnswer => small::embed_answer(knobs, text),
        Kind::Rerank => small::rerank(text),
        Kind::RerankAnswer => small::rerank_answer(knobs, text),
        Kind::Count => small::count(text),
        Kind::CountAnswer => small::count_answer(text),
        Kind::Inference => inference::run(knobs, text),
        Kind::Form => media::form(text),
        Kind::Media => media::asked(knobs, text),
        Kind::MediaAnswer => media::answer(knobs, text),
        Kind::Recording => media::recording(text),
        Kind::Metrics => metrics::run(knobs, text),
    }
}

/// Who is asked.
const PROVIDER: Provider<'static> = Provider { model: "a/model:1", output_tokens_max: 4_096 };

/// Whoever can be asked: each dialect as its vendor speaks it, other hosts of Anthropic's, and one
/// of the vendors who imitate OpenAI.
fn speakers(knobs: Knobs) -> Vec<(Wire, &'static dyn Outbound)> {
    static HOSTS: [Messages; 2] =
        [Messages { host: Host::Vertex }, Messages { host: Host::Bedrock }];
    let vendors = Wire::ALL.into_iter().filter_map(|wire| Some((wire, wire.outbound()?)));
    let hosts = HOSTS.iter().map(|host| (Wire::Messages, host as &dyn Outbound));
    let imitator = PROVIDERS.get(knobs.pick(PROVIDERS.len()));
    let imitator = imitator.map(|(_, chat)| (Wire::Chat, chat as &dyn Outbound));
    knobs.choose(vendors.chain(hosts).chain(imitator).collect())
}

/// Whoever asks.
fn callers(knobs: Knobs) -> Vec<(Wire, &'static dyn Inbound)> {
    let callers = Wire::ALL.into_iter().filter_map(|wire| Some((wire, wire.inbound()?)));
    knobs.choose(callers.collect())
}

/// What is written must be a JSON object.
fn must_be_json(whose: &str, body: &[u8]) {
    let walked = json::walk_object(body, |_| ());
    assert!(walked.is_ok(), "{whose} wrote {walked:?}: {}", body.escape_ascii());
}
