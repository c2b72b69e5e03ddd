//! Everything of a request that is one field each: sampling, bounds, reasoning, format.

use super::{Message, Quirk, Settings, Writer};
use crate::Invalid;
use crate::loss::Feature;
use crate::neutral::{Effort, Format, Reasoning, Request, Role, Sampling, Schema};
use serde_json::{Value, json};

impl Writer<'_> {
    pub(super) fn settings(&mut self, request: &Request, to: &mut Settings) -> Result<(), Invalid> {
        if let Some(tokens) = request.output_tokens_max {
            let older = self.has(Quirk::MaxTokens);
            to.set(if older { "max_tokens" } else { "max_completion_tokens" }, tokens);
        }
        self.sampling(&request.sampling, to)?;
        self.logprobs(request.logprobs, to)?;
        if let Some(reasoning) = &request.reasoning {
            self.reasoning(reasoning, to)?;
        }
        if request.stream {
            to.set("stream", true);
            if !self.has(Quirk::UsageUnasked) {
                to.set("stream_options", json!({"include_usage": true}));
            }
        }
        let words = [
            (Feature::ServiceTier, "service_tier", "service_tier", &request.service_tier),
            (Feature::EndUser, "end_user", "user", &request.end_user),
            (Feature::CacheKey, "cache_key", "prompt_cache_key", &request.cache_key),
        ];
        for (feature, field, name, value) in words {
            let Some(value) = value else { continue };
            if self.lacks(feature, || field.to_owned())?.is_none() {
                to.set(name, value.as_str());
            }
        }
        if !request.metadata.is_empty()
            && self.lacks(Feature::Metadata, || "metadata".to_owned())?.is_none()
        {
            to.set("metadata", request.metadata.clone());
        }
        Ok(())
    }

    fn sampling(&mut self, sampling: &Sampling, to: &mut Settings) -> Result<(), Invalid> {
        let numbers = [
            ("temperature", sampling.temperature),
            ("top_p", sampling.top_p),
            ("frequency_penalty", sampling.frequency_penalty),
            ("presence_penalty", sampling.presence_penalty),
        ];
        for (name, number) in numbers {
            if let Some(number) = number {
                to.set(name, plain(number));
            }
        }
        if let Some(top_k) = sampling.top_k {
            if self.has(Quirk::TopK) {
                to.set("top_k", top_k);
            } else {
                self.without(Feature::TopK, "sampling.top_k")?;
            }
        }
        if let Some(seed) = sampling.seed
            && self.lacks(Feature::Seed, || "sampling.seed".to_owned())?.is_none()
        {
            to.set(if self.has(Quirk::RandomSeed) { "random_seed" } else { "seed" }, seed);
        }
        if !sampling.stop.is_empty()
            && self.lacks(Feature::StopSequences, || "sampling.stop".to_owned())?.is_none()
        {
            to.set("stop", sampling.stop.clone());
        }
        if let Some(n) = sampling.candidates.filter(|n| *n != 1)
            && self.lacks(Feature::Candidates, || "sampling.candidates".to_owned())?.is_none()
        {
            to.set("n", n);
        }
        if !sampling.logit_bias.is_empty()
            && self.lacks(Feature::LogitBias, || "sampling.logit_bias".to_owned())?.is_none()
        {
            to.set("logit_bias", sampling.logit_bias.clone());
        }
        Ok(())
    }

    fn logprobs(&mut self, logprobs: Option<u32>, to: &mut Settings) -> Result<(), Invalid> {
        let Some(top) = logprobs else { return Ok(()) };
        if self.lacks(Feature::Logprobs, || "logprobs".to_owned())?.is_some() {
            return Ok(());
        }
        if self.has(Quirk::LogprobsCount) {
            to.set("logprobs", top.max(1));
            return Ok(());
        }
        to.set("logprobs", true);
        if top > 0 {
            to.set("top_logprobs", top);
        }
        Ok(())
    }

    fn reasoning(&mut self, reasoning: &Reasoning, to: &mut Settings) -> Result<(), Invalid> {
        let effort = reasoning.effort.or(reasoning.tokens_max.map(Effort::of_tokens));
        if self.has(Quirk::ReasoningObject) {
            let mut object = serde_json::Map::new();
            if let Some(tokens) = reasoning.tokens_max.filter(|tokens| *tokens > 0) {
                object.insert("max_tokens".to_owned(), tokens.into());
            } else if let Some(effort) = effort {
                object.insert("effort".to_owned(), word(effort).into());
            }
            if let Some(show) = reasoning.show {
                object.insert("exclude".to_owned(), (!show).into());
            }
            to.set("reasoning", object);
            return Ok(());
        }
        if let Some(show) = reasoning.show
            && self.has(Quirk::IncludeReasoning)
        {
            to.set("include_reasoning", show);
        }
        let Some(effort) = effort else { return Ok(()) };
        if self.has(Quirk::ThinkingSwitch) {
            let kind = if effort == Effort::None { "disabled" } else { "enabled" };
            to.set("thinking", json!({"type": kind}));
        }
        if self.has(Quirk::TemplateThinking) {
            let on = effort != Effort::None;
            to.set("chat_template_kwargs", json!({"enable_thinking": on}));
        }
        self.effort(effort, to)?;
        // A budget is told in steps only.
        if reasoning.tokens_max.is_some_and(|tokens| tokens > 0) {
            self.losses.adapt("reasoning.tokens_max");
        }
        Ok(())
    }

    fn effort(&mut self, effort: Effort, to: &mut Settings) -> Result<(), Invalid> {
        let switched = self.has(Quirk::ThinkingSwitch) || self.has(Quirk::TemplateThinking);
        let nearest = if self.has(Quirk::NoEffort) {
            None
        } else if self.has(Quirk::EffortThreeSteps) {
            (effort != Effort::None).then(|| three_steps(effort))
        } else if self.has(Quirk::EffortOrNone) {
            Some(if effort == Effort::None { effort } else { three_steps(effort) })
        } else if self.has(Quirk::EffortOnOff) {
            Some(if effort <= Effort::Minimal { Effort::None } else { Effort::High })
        } else {
            Some(effort)
        };
        match nearest {
            Some(nearest) => {
                to.set("reasoning_effort", word(nearest));
                if nearest != effort {
                    self.losses.adapt("reasoning.effort");
                }
            }
            None if switched && effort == Effort::None => {}
            None if switched => self.losses.adapt("reasoning.effort"),
            None => {
                self.without(Feature::Reasoning, "reasoning.effort")?;
            }
        }
        Ok(())
    }

    pub(super) fn format(
        &mut self,
        format: &Format,
        to: &mut Settings,
        messages: &mut Vec<Message<'_>>,
    ) -> Result<(), Invalid> {
        match format {
            Format::Text => {}
            Format::Json => {
                to.set("response_format", json!({"type": "json_object"}));
                // The vendor refuses to, unless the word is in the conversation.
                if !messages.iter().any(Message::speaks_of_json) {
                    self.instruct(messages, "Answer with a JSON object.".to_owned());
                    self.losses.adapt("format");
                }
            }
            Format::Schema(schema) if self.has(Quirk::SchemaValue) => {
                to.set("response_format", json!({"type": "json_object", "value": schema.schema}));
            }
            Format::Schema(schema) => {
                if self.lacks(Feature::SchemaFormat, || "format".to_owned())?.is_none() {
                    to.set("response_format", json_schema(schema));
                    return Ok(());
                }
                to.set("response_format", json!({"type": "json_object"}));
                let text = "Answer with a JSON object that is valid by this JSON Schema, and with nothing else:";
                self.instruct(messages, format!("{text}\n{}", schema.schema));
            }
        }
        Ok(())
    }

    /// One more instruction, after those that are there.
    fn instruct(&self, messages: &mut Vec<Message<'_>>, text: String) {
        let after = messages.iter().take_while(|message| message.role == "system").count();
        if self.has(Quirk::TakeTurns)
            && let Some(last) = after.checked_sub(1).and_then(|last| messages.get_mut(last))
        {
            return last.add_text(&text);
        }
        messages.insert(after, Message::text(Role::System, text.into()));
    }
}

fn json_schema(schema: &Schema) -> Value {
    let mut inner = serde_json::Map::new();
    inner.insert("name".to_owned(), schema.name.as_str().into());
    if let Some(description) = &schema.description {
        inner.insert("description".to_owned(), description.as_str().into());
    }
    inner.insert("schema".to_owned(), schema.schema.clone());
    if let Some(strict) = schema.strict {
        inner.insert("strict".to_owned(), strict.into());
    }
    json!({"type": "json_schema", "json_schema": inner})
}

/// A whole number without its fraction: some servers read numbers of one kind only.
#[expect(
    clippy::cast_possible_truncation,
    clippy::as_conversions,
    reason = "whole and small: no digit is lost"
)]
fn plain(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 1e9 { (number as i64).into() } else { number.into() }
}

const fn three_steps(effort: Effort) -> Effort {
    match effort {
        Effort::None | Effort::Minimal | Effort::Low => Effort::Low,
        Effort::Medium => Effort::Medium,
        Effort::High | Effort::Highest => Effort::High,
    }
}

pub(super) const fn word(effort: Effort) -> &'static str {
    match effort {
        Effort::None => "none",
        Effort::Minimal => "minimal",
        Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
        Effort::Highest => "xhigh",
    }
}
