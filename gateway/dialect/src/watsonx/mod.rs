//! IBM watsonx.ai chat, as providers speak it: the OpenAI form with other names around it. Messages,
//! answers, streams and errors are those of [`crate::openai::Chat`]; what the vendor does not take
//! is the column of its own in [`crate::loss`].
//!
//! Two operations in place of a field: `chat` and `chat_stream`. A stream ends without an end mark;
//! it is whole once every choice has said why it ended. The query's `version` and the scope that
//! calls are booked on ([`scoped`]) are added by who sends the request, because they belong to the
//! provider and not to the call.

mod pass;

pub use pass::pass_request;

use crate::Invalid;
use crate::convert::{Malformed, Outbound, Provider, ProviderError, ReadStream};
use crate::loss::Losses;
use crate::neutral::{Answer, Request};
use crate::openai::chat::{answer, error, stream, write};
use crate::openai::{Quirk, Quirks};
use serde_json::Value;
use std::borrow::Cow;

/// A model that a team deployed is called by `deployment/<id>`; it has its scope already.
const DEPLOYMENT: &str = "deployment/";

/// What its chat lacks that is not a matter of the dialect as [`crate::loss`] has it, or has under
/// the OpenAI kin's names.
const QUIRKS: Quirks = Quirks::NONE.and(&[
    Quirk::MaxTokens,
    Quirk::UsageUnasked,
    Quirk::EffortThreeSteps,
    Quirk::IncludeReasoning,
    Quirk::NoAllowedTools,
]);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watsonx;

/// What calls are booked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a> {
    Project(&'a str),
    Space(&'a str),
}

/// A body of [`Watsonx::write_request`] with the scope that it is booked on. A body without a
/// `model_id` calls a deployment, which has its own: nothing is added.
#[must_use]
pub fn scoped(body: Vec<u8>, scope: Scope<'_>) -> Vec<u8> {
    let (name, id) = match scope {
        Scope::Project(id) => ("project_id", id),
        Scope::Space(id) => ("space_id", id),
    };
    let Some(rest) = body.strip_prefix(b"{\"model_id\":") else { return body };
    let head = format!("{{\"{name}\":{},\"model_id\":", Value::from(id));
    [head.as_bytes(), rest].concat()
}

impl Outbound for Watsonx {
    /// Under the region's address: `https://us-south.ml.cloud.ibm.com`.
    fn path<'a>(&self, model: &'a str, stream: bool) -> Cow<'a, str> {
        let operation = if stream { "chat_stream" } else { "chat" };
        match model.strip_prefix(DEPLOYMENT) {
            Some(id) => {
                // Only what an id is made of: nothing that could leave the path.
                let id: String =
                    id.chars().filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
                format!("/ml/v1/deployments/{id}/text/{operation}").into()
            }
            None if stream => "/ml/v1/text/chat_stream".into(),
            None => "/ml/v1/text/chat".into(),
        }
    }

    fn write_request(
        &self,
        request: &Request,
        to: &Provider<'_>,
        losses: &mut Losses,
    ) -> Result<Vec<u8>, Invalid> {
        let mut body = write::request(request, ("model_id", to.model), QUIRKS, losses)?;
        if to.model.starts_with(DEPLOYMENT) {
            body.model = None;
        }
        // Which operation is called says it.
        body.settings.take("stream");
        // A word and a tool are chosen in two fields.
        if let Some(choice) = body.settings.take("tool_choice") {
            let name = if choice.is_string() { "tool_choice_option" } else { "tool_choice" };
            body.settings.set(name, choice);
        }
        Ok(body.into_bytes())
    }

    fn read_answer(&self, body: &[u8]) -> Result<Answer, Malformed> {
        answer::read(body)
    }

    fn stream_reader(&self) -> Box<dyn ReadStream> {
        Box::new(stream::Reader::default())
    }

    fn read_error(&self, status: u16, body: &[u8]) -> ProviderError {
        error::read(status, body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Wire;
    use crate::convert::{Address, Inbound};
    use crate::neutral::{Content, Event, Stop};
    use crate::openai::Chat;
    use crate::testing::{assemble, read_stream};
    use serde_json::json;

    fn write(body: &Value, model: &str) -> Result<(Value, String), String> {
        let request =
            Chat::OPENAI.read_request(body.to_string().as_bytes(), &Address::default()).unwrap();
        let mut losses = Losses::new(Wire::Watsonx);
        let to = Provider { model, output_tokens_max: 0 };
        let sent = Watsonx.write_request(&request, &to, &mut losses);
        let sent = sent.map_err(|error| error.param.unwrap().into_owned())?;
        Ok((serde_json::from_slice(&sent).unwrap(), losses.header()))
    }

    #[test]
    fn a_request_is_written_under_the_vendors_names() {
        let tools = json!([{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]);
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}], "tools": tools,
            "tool_choice": "required", "max_completion_tokens": 9, "temperature": 0.5, "seed": 3, "n": 2,
            "stream": true, "logprobs": true, "top_logprobs": 2, "reasoning_effort": "high"});
        let (sent, lost) = write(&body, "ibm/granite").unwrap();
        assert_eq!(
            sent,
            json!({"model_id": "ibm/granite", "messages": [{"role": "user", "content": "Hi"}],
            "tools": tools, "tool_choice_option": "required", "max_tokens": 9, "temperature": 0.5, "seed": 3,
            "n": 2, "logprobs": true, "top_logprobs": 2, "reasoning_effort": "high"})
        );
        assert_eq!(lost, "");
        body["tool_choice"] = json!({"type": "function", "function": {"name": "f"}});
        let (sent, _) = write(&body, "m").unwrap();
        assert_eq!(sent["tool_choice"], body["tool_choice"]);
        assert!(sent.get("tool_choice_option").is_none());
    }

    #[test]
    fn what_it_does_not_take_is_left_out_and_told_or_refused() {
        let body = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "x", "reasoning_content": "hm"}, {"role": "user", "content": "y"}],
            "user": "u", "service_tier": "flex", "metadata": {"a": "b"}, "prompt_cache_key": "k", "store": true,
            "parallel_tool_calls": false, "tools": [{"type": "function", "function": {"name": "f", "strict": true}}]});
        let (sent, lost) = write(&body, "m").unwrap();
        assert_eq!(
            sent.as_object().unwrap().keys().collect::<Vec<_>>(),
            ["model_id", "messages", "tools"]
        );
        assert_eq!(sent["messages"][1], json!({"role": "assistant", "content": "x"}));
        assert_eq!(
            lost,
            "service_tier, end_user, cache_key, metadata, tools[0].strict, parallel_tool_calls, \
             turns[1].parts[0], store"
        );
        let custom = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}],
            "tools": [{"type": "custom", "custom": {"name": "c"}}]});
        assert_eq!(write(&custom, "m"), Err("tools[0]".to_owned()));
    }

    #[test]
    fn a_call_is_booked_where_it_has_to_be() {
        let body = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}]});
        let (sent, _) = write(&body, "m").unwrap();
        let scope = |body: &Value, scope| -> Value {
            serde_json::from_slice(&scoped(body.to_string().into_bytes(), scope)).unwrap()
        };
        assert_eq!(scope(&sent, Scope::Project("p\"1"))["project_id"], "p\"1");
        assert_eq!(scope(&sent, Scope::Space("s"))["space_id"], "s");
        let (sent, _) = write(&body, "deployment/d-1").unwrap();
        assert!(sent.get("model_id").is_none());
        assert_eq!(scope(&sent, Scope::Project("p")), sent);
    }

    #[test]
    fn a_path_names_the_operation_and_the_deployment() {
        assert_eq!(Watsonx.path("ibm/granite", false), "/ml/v1/text/chat");
        assert_eq!(Watsonx.path("ibm/granite", true), "/ml/v1/text/chat_stream");
        assert_eq!(
            Watsonx.path("deployment/a/../b", true),
            "/ml/v1/deployments/ab/text/chat_stream"
        );
    }

    #[test]
    fn a_stream_is_whole_without_an_end_mark_once_it_said_why_it_ended() {
        let head = "id: 1\nevent: message\ndata: ";
        let chunk = |choice: &str| {
            format!(
                r#"{{"id":"chat-1","model_id":"m","model":"m","choices":[{choice}],"created":1,"created_at":"x"}}"#
            )
        };
        let first = format!(
            "{head}{}\n\n",
            chunk(
                r#"{"index":0,"finish_reason":null,"delta":{"role":"assistant","content":"21"}}"#
            )
        );
        let last = format!(
            "{head}{}\n\n",
            chunk(r#"{"index":0,"finish_reason":"stop","delta":{"content":""}}"#)
        );
        let usage = format!(
            "{head}{}\n\n",
            r#"{"id":"chat-1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}"#
        );
        let read = |text: &str| read_stream(Watsonx.stream_reader().as_mut(), text.as_bytes());
        let answer = assemble(&read(&(first.clone() + &last + &usage))).unwrap();
        assert_eq!(answer.candidates[0].stop, Stop::End);
        assert!(
            matches!(&answer.candidates[0].parts[0].content, Content::Text { text, .. } if text == "21")
        );
        assert_eq!(answer.tokens.map(|tokens| tokens.total()), Some(4));
        assert!(!read(&first).contains(&Event::End), "a cut stream has no end");
        let broken =
            read("event: error\ndata: {\"errors\":[{\"code\":\"x\",\"message\":\"boom\"}]}\n\n");
        assert_eq!(broken, [Event::Error { kind: "x".to_owned(), message: "boom".to_owned() }]);
    }
}
