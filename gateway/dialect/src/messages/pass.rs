//! Requests that pass as they are: what must be known of them, and the envelope of the host.

use super::{Host, Messages};
use crate::Invalid;
use crate::json::{self, Kind, Member, Syntax};
use crate::openai::{self, Ask, StreamOptions};
use bytes::{BufMut as _, Bytes, BytesMut};

/// The longest model name that is looked up.
const MODEL_NAME_MAX: usize = 256;

/// Reads of a body what the gateway must know. Streams of this dialect tell what was used without
/// being asked, so nothing of that is ever changed.
///
/// # Errors
/// `request.not_json` with the place, `request.malformed` with the field.
pub fn read_ask(body: &[u8]) -> Result<Ask, Invalid> {
    if let Err(error) = std::str::from_utf8(body) {
        let (at, what) = (error.valid_up_to(), "the text is not UTF-8");
        return Err(Syntax { at, what }.into());
    }
    let (mut model, mut stream, mut max_tokens) = (None, None, None);
    let mut twice = None;
    let walked = json::walk_object(body, |member| {
        let (slot, name) = match member.name(body).as_deref() {
            Some(b"model") => (&mut model, "model"),
            Some(b"stream") => (&mut stream, "stream"),
            Some(b"max_tokens") => (&mut max_tokens, "max_tokens"),
            _ => return,
        };
        // Two readers of one text must not see two different values: given twice, refused.
        if slot.replace(member).is_some() {
            twice = Some(name);
        }
    })?;
    if let Some(twice) = twice {
        return Err(Invalid::at(twice, format!("`{twice}` is given twice; send it once.")));
    }
    let model: Member =
        model.ok_or_else(|| Invalid::at("model", "`model` is missing. Name the model to call."))?;
    let stream = match stream.map(|member: Member| member.kind) {
        None | Some(Kind::False | Kind::Null) => false,
        Some(Kind::True) => true,
        Some(_) => return Err(Invalid::at("stream", "`stream` must be true or false.")),
    };
    let bound = max_tokens.and_then(|member: Member| json::whole_number(member.raw(body)));
    Ok(Ask {
        model: model_name(body, &model)?,
        model_at: model.value,
        stream,
        stream_options: StreamOptions::Asked,
        output_tokens_max: bound,
        choices: 1,
        text_bytes: walked.text_bytes,
        close: walked.close,
    })
}

fn model_name(body: &[u8], member: &Member) -> Result<String, Invalid> {
    if member.kind != Kind::String {
        return Err(Invalid::at("model", "`model` must be a string: the name of a model."));
    }
    if member.value.len() > MODEL_NAME_MAX {
        return Err(Invalid::at("model", "`model` is longer than any model's name."));
    }
    serde_json::from_slice(member.raw(body)).map_err(|_| {
        Invalid::at("model", "`model` holds half of a surrogate pair, which is not text.")
    })
}

impl Messages {
    /// A body that passes, as the host takes it: the values of all other fields stay byte for byte.
    #[must_use]
    pub fn pass_request(self, body: &Bytes, ask: &Ask, upstream_model: &str) -> Bytes {
        let Some(version) = self.host.version() else {
            return openai::write_request(body, ask, upstream_model);
        };
        let mut out = BytesMut::with_capacity(body.len() + 64);
        let mut versioned = false;
        let mut lead = b'{';
        let walked = json::walk_object(body, |member| {
            match member.name(body).as_deref() {
                Some(b"model") => return,
                Some(b"stream") if self.host == Host::Bedrock => return,
                Some(b"anthropic_version") => versioned = true,
                _ => {}
            }
            out.put_u8(lead);
            lead = b',';
            out.put_u8(b'"');
            out.put_slice(body.get(member.key.clone()).unwrap_or_default());
            out.put_slice(b"\":");
            out.put_slice(member.raw(body));
        });
        if walked.is_err() {
            // It was read before, so this is none; a body that cannot be read passes as it is.
            return body.clone();
        }
        if !versioned {
            out.put_u8(lead);
            lead = b',';
            out.put_slice(b"\"anthropic_version\":\"");
            out.put_slice(version.as_bytes());
            out.put_u8(b'"');
        }
        if lead == b'{' {
            out.put_u8(lead);
        }
        out.put_u8(b'}');
        out.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass(host: Host, body: &str) -> String {
        let body = Bytes::from(body.to_owned());
        let ask = read_ask(&body).unwrap();
        let passed = Messages { host }.pass_request(&body, &ask, "up");
        String::from_utf8(passed.to_vec()).unwrap()
    }

    #[test]
    fn only_the_model_and_the_hosts_envelope_change() {
        let body = "{ \"max_tokens\": 1.0e1, \"model\":\"in\" ,\"stream\":true,\n \"x\":[ 1 ]}";
        assert_eq!(pass(Host::Direct, body), body.replace("\"in\"", "\"up\""));
        assert_eq!(
            pass(Host::Vertex, body),
            r#"{"max_tokens":1.0e1,"stream":true,"x":[ 1 ],"anthropic_version":"vertex-2023-10-16"}"#
        );
        assert_eq!(
            pass(Host::Bedrock, body),
            r#"{"max_tokens":1.0e1,"x":[ 1 ],"anthropic_version":"bedrock-2023-05-31"}"#
        );
        assert_eq!(
            pass(Host::Bedrock, r#"{"model":"a"}"#),
            r#"{"anthropic_version":"bedrock-2023-05-31"}"#
        );
    }

    #[test]
    fn what_must_be_known_is_read_and_what_is_wrong_is_named() {
        let ask = read_ask(br#"{"model":"a","max_tokens":7,"stream":true,"messages":[]}"#).unwrap();
        assert_eq!((ask.model.as_str(), ask.stream, ask.output_tokens_max), ("a", true, Some(7)));
        for (body, param) in [
            ("{}", Some("model")),
            (r#"{"model":5}"#, Some("model")),
            (r#"{"model":"a","stream":1}"#, Some("stream")),
            (r#"{"model":"a","model":"b"}"#, Some("model")),
            ("[]", None),
        ] {
            assert_eq!(read_ask(body.as_bytes()).unwrap_err().param.as_deref(), param, "{body}");
        }
    }

    #[test]
    fn an_inlined_image_is_not_counted_as_text() {
        let body = format!(
            r#"{{"model":"a","messages":[{{"role":"user","content":[{{"type":"image","source":{{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo{}"}}}}]}}]}}"#,
            "A".repeat(1_000_000)
        );
        assert!(read_ask(body.as_bytes()).unwrap().text_bytes < 4_000);
    }
}
