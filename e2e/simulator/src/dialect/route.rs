//! Which path is whose: the vendors' own, Azure's and Vertex AI's beside them.

use super::Wire;
use crate::media::Task;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Chat,
    /// Counts the tokens of a prompt.
    Count,
    Embeddings,
    Rerank,
    Media(Task),
}

impl Operation {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Count => "count_tokens",
            Self::Embeddings => "embeddings",
            Self::Rerank => "rerank",
            Self::Media(task) => task.as_str(),
        }
    }
}

/// Where a call goes, as far as its path says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub wire: Wire,
    pub operation: Operation,
    /// Named by the path.
    pub model: Option<String>,
    /// The path says that the answer is streamed.
    pub stream: bool,
    /// The last word of the path.
    pub verb: String,
}

/// What stands at `path`; `None`: nothing that answers to POST.
pub(crate) fn route(path: &str) -> Option<Target> {
    use Operation::{Chat, Count, Embeddings, Rerank};
    if let Some(rest) = path.strip_prefix("/openai/deployments/") {
        let (deployment, rest) = rest.split_once('/')?;
        let target = route(&format!("/v1/{rest}"))?;
        return Some(Target { model: Some(decoded(deployment)), ..target });
    }
    if let Some(rest) = path.strip_prefix("/model/") {
        let (model, verb) = rest.rsplit_once('/')?;
        let operation = if verb == "invoke" { Embeddings } else { Chat };
        return matches!(verb, "converse" | "converse-stream" | "invoke")
            .then(|| target(Wire::Converse, operation, Some(model), verb));
    }
    if let Some((_, last)) = path.rsplit_once("/models/")
        && let Some((model, verb)) = last.split_once(':')
    {
        let (wire, operation) = match verb {
            "generateContent" | "streamGenerateContent" => (Wire::Gemini, Chat),
            "countTokens" => (Wire::Gemini, Count),
            "embedContent" | "batchEmbedContents" => (Wire::Gemini, Embeddings),
            "rawPredict" | "streamRawPredict" => (Wire::Messages, Chat),
            _ => return None,
        };
        return Some(target(wire, operation, Some(model), verb));
    }
    let plain = path.strip_prefix("/openai").unwrap_or(path);
    if let Some(task) = Task::at(plain) {
        return Some(target(Wire::Chat, Operation::Media(task), None, ""));
    }
    let (wire, operation) = match plain {
        "/v1/chat/completions" => (Wire::Chat, Chat),
        "/v1/embeddings" => (Wire::Chat, Embeddings),
        "/v1/responses" => (Wire::Responses, Chat),
        "/v1/messages" => (Wire::Messages, Chat),
        "/v1/messages/count_tokens" => (Wire::Messages, Count),
        "/v2/chat" => (Wire::Cohere, Chat),
        "/v2/embed" => (Wire::Cohere, Embeddings),
        "/v2/rerank" | "/v1/rerank" => (Wire::Cohere, Rerank),
        "/ml/v1/text/chat" | "/ml/v1/text/chat_stream" => (Wire::Watsonx, Chat),
        "/ml/v1/text/embeddings" => (Wire::Watsonx, Embeddings),
        "/ml/v1/text/rerank" => (Wire::Watsonx, Rerank),
        "/api/chat" => (Wire::Ollama, Chat),
        "/api/embed" => (Wire::Ollama, Embeddings),
        _ => return None,
    };
    let verb = path.rsplit('/').next().unwrap_or_default();
    Some(target(wire, operation, None, verb))
}

fn target(wire: Wire, operation: Operation, model: Option<&str>, verb: &str) -> Target {
    let stream = verb.to_lowercase().contains("stream");
    Target { wire, operation, model: model.map(decoded), stream, verb: verb.to_owned() }
}

/// A piece of a path with its `%xx` undone.
fn decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let hex = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let mut ahead = bytes.clone();
        match (byte, hex(ahead.next()), hex(ahead.next())) {
            (b'%', Some(high), Some(low)) => {
                out.extend(u8::try_from(high * 16 + low));
                bytes = ahead;
            }
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_vendors_path_leads_to_its_dialect() {
        for (path, wire, operation, model, stream) in [
            ("/v1/chat/completions", Wire::Chat, "chat", None, false),
            ("/openai/v1/responses", Wire::Responses, "chat", None, false),
            ("/openai/deployments/gpt/embeddings", Wire::Chat, "embeddings", Some("gpt"), false),
            ("/v1/messages/count_tokens", Wire::Messages, "count_tokens", None, false),
            ("/v1beta/models/g:streamGenerateContent", Wire::Gemini, "chat", Some("g"), true),
            (
                "/v1/projects/p/locations/l/publishers/anthropic/models/c:rawPredict",
                Wire::Messages,
                "chat",
                Some("c"),
                false,
            ),
            ("/model/a.b%3A0/converse-stream", Wire::Converse, "chat", Some("a.b:0"), true),
            ("/model/titan/invoke", Wire::Converse, "embeddings", Some("titan"), false),
            ("/v2/rerank", Wire::Cohere, "rerank", None, false),
            ("/v1/images/edits", Wire::Chat, "images", None, false),
            (
                "/openai/deployments/w/audio/translations",
                Wire::Chat,
                "transcription",
                Some("w"),
                false,
            ),
            ("/ml/v1/text/chat_stream", Wire::Watsonx, "chat", None, true),
            ("/api/chat", Wire::Ollama, "chat", None, false),
            ("/api/embed", Wire::Ollama, "embeddings", None, false),
        ] {
            let found = route(path).unwrap();
            let got = (found.wire, found.operation.as_str(), found.model.as_deref(), found.stream);
            assert_eq!(got, (wire, operation, model, stream), "{path}");
        }
        for path in ["/", "/v1/models", "/model/a/invoke-agent", "/v1beta/models/g", "/v1/engines"]
        {
            assert_eq!(route(path), None, "{path}");
        }
        assert_eq!(decoded("a%2Fb%zz%"), "a/b%zz%");
    }
}
