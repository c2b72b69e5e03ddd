//! What is around the items of an answer: who answers, what was asked, how it stands. A stream
//! sends it three times, so what does not change is made once.

use super::super::usage;
use super::super::write::{write_choice, write_format, write_reasoning, write_tool};
use crate::convert::Caller;
use crate::neutral::{Content, Part, Request, Role, Stop, Turn};
use contract::usage::Tokens;
use serde_json::{Value, json};

/// What of an answer does not change.
#[derive(Debug)]
pub(in super::super) struct Envelope {
    id: String,
    model: String,
    created: i64,
    /// What was asked: members of a JSON object.
    asked: String,
}

/// How an answer stands.
#[derive(Debug, Clone, Copy)]
pub(in super::super) enum State<'a> {
    InProgress,
    Stopped(&'a Stop),
    /// The prompt was blocked before any answer.
    Blocked,
    /// The object that tells why.
    Failed(&'a Value),
}

impl State<'_> {
    /// `status`, and the event of a stream that tells it.
    pub(in super::super) const fn status(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Failed(_) => "failed",
            Self::Blocked => "incomplete",
            Self::Stopped(Stop::MaxTokens | Stop::ContextFull | Stop::Filtered | Stop::Paused) => {
                "incomplete"
            }
            Self::Stopped(_) => "completed",
        }
    }

    /// The vendor's word for what is missing; a paused turn has none.
    const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Stopped(Stop::MaxTokens | Stop::ContextFull) => Some("max_output_tokens"),
            Self::Stopped(Stop::Filtered) | Self::Blocked => Some("content_filter"),
            _ => None,
        }
    }
}

impl Envelope {
    pub(in super::super) fn new(to: &Caller<'_>) -> Self {
        let asked = to.asked;
        let tools: Vec<Value> = asked.tools.iter().filter_map(write_tool).collect();
        let reasoning = asked.reasoning.as_ref().map(write_reasoning);
        let members = json!({
            "background": false, "store": false, "previous_response_id": null,
            "instructions": instructions(asked),
            "max_output_tokens": asked.output_tokens_max,
            "metadata": asked.metadata,
            "parallel_tool_calls": asked.parallel_tool_calls.unwrap_or(true),
            "prompt_cache_key": asked.cache_key,
            "reasoning": reasoning.unwrap_or_else(|| json!({"effort": null, "summary": null})),
            "temperature": asked.sampling.temperature,
            "text": write_format(&asked.format).unwrap_or_else(|| json!({"format": {"type": "text"}})),
            "tool_choice": write_choice(asked).unwrap_or_else(|| "auto".into()),
            "tools": tools,
            "top_logprobs": asked.logprobs.unwrap_or(0),
            "top_p": asked.sampling.top_p,
            "truncation": "disabled",
            "user": asked.end_user,
        });
        let object = members.to_string();
        let asked_members = object.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        Self {
            id: format!("resp_{}", to.id),
            model: asked.model.clone(),
            created: to.now,
            asked: asked_members.unwrap_or_default().to_owned(),
        }
    }

    /// Who answers, as far as the provider says.
    pub(in super::super) fn answered_by(&mut self, id: &str, model: &str, created: Option<i64>) {
        for (known, told) in [(&mut self.id, id), (&mut self.model, model)] {
            if !told.is_empty() {
                told.clone_into(known);
            }
        }
        self.created = created.unwrap_or(self.created);
    }

    /// The answer as it stands. `output`: its items, JSON texts separated by commas.
    pub(in super::super) fn write(
        &self,
        state: State<'_>,
        output: &str,
        tokens: Option<&Tokens>,
        tier: Option<&str>,
    ) -> String {
        let details = state.reason().map(|reason| json!({"reason": reason}));
        let error = match state {
            State::Failed(error) => error,
            _ => &Value::Null,
        };
        format!(
            r#"{{"id":{},"object":"response","created_at":{},"status":"{}","error":{error},"incomplete_details":{},"model":{},{},"service_tier":{},"usage":{},"output":[{output}]}}"#,
            Value::from(self.id.as_str()),
            self.created,
            state.status(),
            Value::from(details),
            Value::from(self.model.as_str()),
            self.asked,
            Value::from(tier),
            Value::from(tokens.map(usage::write)),
        )
    }
}

/// The instructions that the conversation opens with.
fn instructions(asked: &Request) -> Option<&str> {
    match asked.turns.first() {
        Some(Turn { role: Role::System, parts, .. }) => match parts.as_slice() {
            [Part { content: Content::Text { text, .. }, .. }] => Some(text),
            _ => None,
        },
        _ => None,
    }
}
