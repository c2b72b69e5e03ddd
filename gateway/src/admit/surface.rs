//! Which address serves what, in which dialect.

use super::inference::{self, About};
use crate::fault::Fault;
use contract::error::ErrorCode;
use contract::usage::Operation;
use dialect::Wire;
use dialect::inference::Form;
use dialect::media::Task;
use http::{HeaderMap, HeaderValue, Method};

/// What an address serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Surface {
    Call(Entrance),
    ListModels,
    ShowModel(String),
    /// What a model is, or whether it can be called, in the Open Inference Protocol.
    About(About),
    /// Who serves, in the same.
    Server,
    /// A call in a provider's own words.
    Native(Native),
}

/// Where a call in a provider's own words goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Native {
    /// The provider's slug.
    pub provider: String,
    /// What follows it in the address, without a slash before it; `%xx` stay as they are.
    pub path: String,
    pub query: Option<String>,
}

/// The address of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entrance {
    pub operation: Operation,
    /// What the caller speaks there.
    pub wire: Wire,
    /// The model, where the path names it.
    pub model: Option<String>,
    /// Where the path says that the answer is to be streamed.
    pub stream: Option<bool>,
    pub kind: Kind,
}

/// What the path says besides.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Kind {
    #[default]
    Usual,
    /// Several are asked for at once.
    Batch,
    /// OpenAI's older form of a conversation: one text that is to be gone on with.
    Completions,
    /// The first version of an address that has two.
    First,
    /// Pictures, voices and judgements, as OpenAI serves them.
    Media(Task),
    /// Tensors for a model server, and a version of the model.
    Tensors { version: Option<String>, form: Form },
    /// A text for a model server to go on with, and a version of the model.
    Text { version: Option<String> },
}

impl Kind {
    /// Whether it is a model server's own kind of call, paid by its work.
    #[must_use]
    pub const fn is_of_server(&self) -> bool {
        matches!(self, Self::Tensors { .. } | Self::Text { .. })
    }
}

/// The shape of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Of(Wire),
    /// Gemini's, of a stream that is one list: errors are elements of it.
    GeminiList,
    /// The Open Inference Protocol's.
    Inference,
}

impl Shape {
    /// The dialect that a caller of such an address speaks.
    #[must_use]
    pub const fn wire(self) -> Wire {
        match self {
            Self::Of(wire) => wire,
            Self::GeminiList => Wire::Gemini,
            Self::Inference => Wire::Chat,
        }
    }
}

impl Entrance {
    const fn at(operation: Operation, wire: Wire) -> Surface {
        Self::of_kind(operation, wire, Kind::Usual)
    }

    const fn of_kind(operation: Operation, wire: Wire, kind: Kind) -> Surface {
        Surface::Call(Self { operation, wire, model: None, stream: None, kind })
    }
}

/// How refusals are told at an address, also at one that serves nothing.
#[must_use]
pub fn shape_of(path: &str, query: Option<&str>, headers: &HeaderMap) -> Shape {
    if path == "/v2" || path.starts_with("/v2/models/") {
        return Shape::Inference;
    }
    if path.starts_with("/native/") {
        return Shape::Of(dialect::native::sounds_like(path).unwrap_or(Wire::Chat));
    }
    let wire = wire_of(path);
    if wire == Wire::Gemini && path.ends_with(":streamGenerateContent") && !is_events(query) {
        return Shape::GeminiList;
    }
    // The one address that vendors share: their SDKs say whose they are.
    if wire == Wire::Chat && path.starts_with("/v1/models") {
        if headers.contains_key("anthropic-version") {
            return Shape::Of(Wire::Messages);
        }
        let sdk = headers.get("x-fern-sdk-name").map(HeaderValue::as_bytes);
        if sdk.is_some_and(|name| name.starts_with(b"cohere")) {
            return Shape::Of(Wire::Cohere);
        }
    }
    Shape::Of(wire)
}

fn wire_of(path: &str) -> Wire {
    let at = |prefix: &str| {
        path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if at("/v1/messages") || at("/anthropic") {
        Wire::Messages
    } else if at("/v1/responses") {
        Wire::Responses
    } else if ["/v2/chat", "/v2/embed", "/v2/rerank", "/v1/embed", "/cohere"].into_iter().any(at) {
        Wire::Cohere
    } else if at("/v1beta") || stable_gemini(path).is_some() {
        Wire::Gemini
    } else {
        Wire::Chat
    }
}

/// What `path` serves to `method`.
///
/// # Errors
/// `route.unknown`, `request.method`.
pub fn surface(method: &Method, path: &str, query: Option<&str>) -> Result<Surface, Fault> {
    // For clients that cannot say in another way whose model list they read.
    let path = path.strip_prefix("/cohere").filter(|path| path.starts_with('/')).unwrap_or(path);
    let (surface, allowed) = match path {
        "/v1/chat/completions" => (Entrance::at(Operation::Chat, Wire::Chat), "POST"),
        "/v1/completions" => {
            (Entrance::of_kind(Operation::Chat, Wire::Chat, Kind::Completions), "POST")
        }
        "/v1/responses" => (Entrance::at(Operation::Chat, Wire::Responses), "POST"),
        "/v1/messages" | "/anthropic/v1/messages" => {
            (Entrance::at(Operation::Chat, Wire::Messages), "POST")
        }
        "/v1/messages/count_tokens" | "/anthropic/v1/messages/count_tokens" => {
            (Entrance::at(Operation::CountTokens, Wire::Messages), "POST")
        }
        "/v1/embeddings" => (Entrance::at(Operation::Embeddings, Wire::Chat), "POST"),
        "/v2/chat" => (Entrance::at(Operation::Chat, Wire::Cohere), "POST"),
        "/v2/embed" => (Entrance::at(Operation::Embeddings, Wire::Cohere), "POST"),
        "/v1/embed" => {
            (Entrance::of_kind(Operation::Embeddings, Wire::Cohere, Kind::First), "POST")
        }
        "/v1/rerank" => (Entrance::at(Operation::Rerank, Wire::Chat), "POST"),
        "/v2/rerank" => (Entrance::at(Operation::Rerank, Wire::Cohere), "POST"),
        "/v2" => (Surface::Server, "GET"),
        "/v1/models" | "/anthropic/v1/models" | "/v1beta/models" => (Surface::ListModels, "GET"),
        _ => {
            let under = |prefix: &str| path.strip_prefix(prefix).filter(|rest| !rest.is_empty());
            let called = || under("/v1beta/models/").filter(|rest| rest.contains(':'));
            if let Some(rest) = under("/native/") {
                (native(rest, query)?, "POST")
            } else if let Some(task) = under("/v1").and_then(Task::at) {
                (Entrance::of_kind(task.operation(), Wire::Chat, Kind::Media(task)), "POST")
            } else if let Some(rest) = under("/v2/models/") {
                inference::model(method, rest)?
            } else if let Some(rest) = called().or_else(|| stable_gemini(path)) {
                (gemini(rest, query)?, "POST")
            } else if let Some(name) = under("/v1/models/")
                .or_else(|| under("/anthropic/v1/models/"))
                .or_else(|| under("/v1beta/models/"))
            {
                (Surface::ShowModel(decode(name)), "GET")
            } else {
                return Err(unknown());
            }
        }
    };
    if method.as_str() == allowed {
        return Ok(surface);
    }
    let mut fault = Fault::client(
        ErrorCode::RequestMethod,
        if allowed == "GET" { "Use GET at this address." } else { "Use POST at this address." },
    );
    fault.more_mut().allow = Some(allowed);
    Err(fault)
}

/// `{provider}/{path}`.
fn native(rest: &str, query: Option<&str>) -> Result<Surface, Fault> {
    let (provider, path) = rest.split_once('/').ok_or_else(unknown)?;
    let (provider, path, query) = (decode(provider), path.to_owned(), query.map(str::to_owned));
    Ok(Surface::Native(Native { provider, path, query }))
}

/// `{model}:{method}` of a call in Gemini's `v1`, which its SDKs use by default. Of a model's name
/// alone it is told by the method.
fn stable_gemini(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("/v1/models/")?;
    let (_, method) = rest.rsplit_once(':')?;
    GEMINI_METHODS.contains(&method).then_some(rest)
}

const GEMINI_METHODS: [&str; 5] = [
    "generateContent",
    "streamGenerateContent",
    "countTokens",
    "embedContent",
    "batchEmbedContents",
];

/// `{model}:{method}`, as Gemini has it. A model's name may hold slashes.
fn gemini(rest: &str, query: Option<&str>) -> Result<Surface, Fault> {
    let (model, method) = rest.rsplit_once(':').ok_or_else(unknown)?;
    let (operation, stream) = match method {
        "generateContent" => (Operation::Chat, false),
        "streamGenerateContent" => (Operation::Chat, true),
        "countTokens" => (Operation::CountTokens, false),
        "embedContent" | "batchEmbedContents" => (Operation::Embeddings, false),
        _ => return Err(unknown()),
    };
    let alt = parameter(query, "alt");
    if stream && !matches!(alt.as_deref(), None | Some("" | "json" | "sse")) {
        let detail = "A stream is served as events with `?alt=sse`, or as one JSON list without \
                      `alt` or with `?alt=json`.";
        return Err(Fault::client(ErrorCode::RequestMalformed, detail).at("alt"));
    }
    Ok(Surface::Call(Entrance {
        operation,
        wire: Wire::Gemini,
        model: Some(decode(model)),
        stream: Some(stream),
        kind: if method == "batchEmbedContents" { Kind::Batch } else { Kind::Usual },
    }))
}

/// Whether a stream of Gemini's is asked for as events.
fn is_events(query: Option<&str>) -> bool {
    parameter(query, "alt").as_deref() == Some("sse")
}

pub(super) fn unknown() -> Fault {
    Fault::client(
        ErrorCode::RouteUnknown,
        "There is nothing at this address. The gateway serves /v1/chat/completions, \
         /v1/completions, /v1/responses, /v1/messages, /v1/messages/count_tokens, \
         /v1beta/models/{model}:generateContent, :streamGenerateContent, :countTokens, :embedContent \
         and :batchEmbedContents, /v2/chat, /v2/embed, /v1/embeddings, /v1/rerank, /v2/rerank, \
         /v1/images/generations, /v1/images/edits, /v1/images/variations, /v1/audio/speech, \
         /v1/audio/transcriptions, /v1/audio/translations, /v1/moderations, \
         /v2/models/{model}/infer, /generate and /generate_stream, /v1/models and, in a provider's \
         own words, /native/{provider}/….",
    )
}

/// The first parameter of that name in a query, `%xx` resolved.
#[must_use]
pub fn parameter(query: Option<&str>, name: &str) -> Option<String> {
    let pairs = query?.split('&');
    let value = pairs.filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name)?.1;
    Some(decode(value))
}

/// A path segment with `%xx` resolved; what is not well formed stays as it is.
pub(crate) fn decode(segment: &str) -> String {
    if !segment.contains('%') {
        return segment.to_owned();
    }
    let mut out = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let byte = (*first == b'%')
            .then(|| tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok()))
            .flatten()
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { tail.get(2..).unwrap_or_default() } else { tail };
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_name_in_a_path_may_hold_slashes_and_escapes() {
        assert_eq!(
            surface(&Method::GET, "/v1/models/meta/llama%2D3%zz%C3%A9", None).unwrap(),
            Surface::ShowModel("meta/llama-3%zzé".to_owned())
        );
    }

    #[test]
    fn a_call_in_geminis_v1_is_told_from_a_model_by_its_method() {
        for version in ["v1", "v1beta"] {
            let path = format!("/{version}/models/house/chat:generateContent");
            let served = surface(&Method::POST, &path, None).unwrap();
            let Surface::Call(entrance) = served else { panic!("{served:?}") };
            assert_eq!(
                (entrance.wire, entrance.model.as_deref()),
                (Wire::Gemini, Some("house/chat"))
            );
            assert_eq!(wire_of(&path), Wire::Gemini);
        }
        assert_eq!(
            surface(&Method::GET, "/v1/models/llama:8b", None).unwrap(),
            Surface::ShowModel("llama:8b".to_owned())
        );
        assert_eq!(wire_of("/v1/models/llama:8b"), Wire::Chat);
    }

    #[test]
    fn a_wrong_method_names_the_right_one() {
        let fault = surface(&Method::GET, "/v1/chat/completions", None).unwrap_err();
        assert_eq!(fault.code, ErrorCode::RequestMethod);
        assert_eq!(fault.more.and_then(|more| more.allow), Some("POST"));
    }

    #[test]
    fn an_address_that_serves_nothing_is_unknown() {
        for path in [
            "/",
            "/v1",
            "/v1/models/",
            "/v1/chat/completions/",
            "/V1/models",
            "/v1beta/models/m:sing",
        ] {
            let refused = surface(&Method::GET, path, None).unwrap_err();
            assert_eq!(refused.code, ErrorCode::RouteUnknown, "{path}");
        }
    }

    #[test]
    fn geminis_address_names_the_model_and_whether_it_streams() {
        let call = |path: &str, query| surface(&Method::POST, path, query).unwrap();
        let Surface::Call(plain) = call("/v1beta/models/house/chat:generateContent", None) else {
            panic!("not a call")
        };
        assert_eq!((plain.model.as_deref(), plain.stream), (Some("house/chat"), Some(false)));
        let query = Some("key=a%2Bb&alt=sse");
        let Surface::Call(stream) = call("/v1beta/models/m:1:streamGenerateContent", query) else {
            panic!("not a call")
        };
        assert_eq!((stream.model.as_deref(), stream.stream), (Some("m:1"), Some(true)));
        assert_eq!(parameter(query, "key").as_deref(), Some("a+b"));
        let path = "/v1beta/models/m:streamGenerateContent";
        for (query, shape) in [
            (None, Shape::GeminiList),
            (Some("alt=json&key=k"), Shape::GeminiList),
            (Some("alt=sse"), Shape::Of(Wire::Gemini)),
        ] {
            let Surface::Call(entrance) = call(path, query) else { panic!("not a call") };
            assert_eq!(entrance.stream, Some(true));
            assert_eq!(shape_of(path, query, &HeaderMap::new()), shape);
        }
        let refused = surface(&Method::POST, path, Some("alt=proto")).unwrap_err();
        assert_eq!(refused.param.as_deref(), Some("alt"));
    }

    #[test]
    fn a_refusal_is_told_in_the_dialect_of_its_address() {
        for (path, wire) in [
            ("/v1/messages", Wire::Messages),
            ("/v1/messages/nothing", Wire::Messages),
            ("/anthropic/v1/models", Wire::Messages),
            ("/v1beta/models/m:sing", Wire::Gemini),
            ("/v1/responses", Wire::Responses),
            ("/v1/messagesx", Wire::Chat),
            ("/v2/chat", Wire::Cohere),
            ("/v1/embed", Wire::Cohere),
            ("/v1/embeddings", Wire::Chat),
            ("/cohere/v1/models", Wire::Cohere),
            ("/", Wire::Chat),
        ] {
            assert_eq!(shape_of(path, None, &HeaderMap::new()), Shape::Of(wire), "{path}");
        }
    }

    #[test]
    fn a_list_of_models_is_told_in_the_shape_of_the_sdk_that_asks() {
        for (name, value, wire) in [
            ("anthropic-version", "2023-06-01", Wire::Messages),
            ("x-fern-sdk-name", "cohere", Wire::Cohere),
            ("x-fern-sdk-name", "cohere-ai", Wire::Cohere),
            ("x-fern-sdk-name", "another", Wire::Chat),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            assert_eq!(shape_of("/v1/models", None, &headers), Shape::Of(wire), "{name}: {value}");
            assert_eq!(shape_of("/v1/responses", None, &headers), Shape::Of(Wire::Responses));
        }
    }

    #[test]
    fn coheres_addresses_are_also_served_under_its_name() {
        for path in ["/v2/chat", "/v2/embed", "/v2/rerank", "/v1/embed"] {
            let bare = surface(&Method::POST, path, None).unwrap();
            let Surface::Call(entrance) = &bare else { panic!("{path} is not a call") };
            assert_eq!(entrance.wire, Wire::Cohere, "{path}");
            assert_eq!(surface(&Method::POST, &format!("/cohere{path}"), None).unwrap(), bare);
        }
        assert_eq!(surface(&Method::GET, "/cohere/v1/models", None).unwrap(), Surface::ListModels);
        for path in ["/cohere", "/coherev2/chat", "/cohere/v1/chat"] {
            assert!(surface(&Method::POST, path, None).is_err(), "{path}");
        }
    }
}
