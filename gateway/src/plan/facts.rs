//! What a route's conditions may ask of a call. Nothing is read before it is asked for: most routes
//! ask for little, and a body is parsed only where its content decides.

use crate::permit::Permit;
use chrono::Timelike as _;
use contract::snapshot::Feature;
use dialect::neutral::{Content, Effort, Format, Request};
use route::complexity::{self, Shape};
use route::expr::{Facts, FlagName, MapName, NumberName, TextName};
use route::plan::{Features, Needs};
use serde_json::Value;
use std::cell::OnceCell;

/// A call as routes see it.
#[derive(Debug)]
pub struct CallFacts<'a> {
    permit: &'a Permit,
    org: &'a str,
    team: OnceCell<String>,
    app: OnceCell<String>,
    key: OnceCell<String>,
}

impl<'a> CallFacts<'a> {
    #[must_use]
    pub fn of(permit: &'a Permit) -> Self {
        let principal = &permit.call.principal;
        let org = principal.stamp.snapshot.org(principal.key.org_id);
        Self {
            permit,
            org: org.map_or("", |org| &org.slug),
            team: OnceCell::new(),
            app: OnceCell::new(),
            key: OnceCell::new(),
        }
    }

    /// What places must have; `features` only where some place lacks one.
    #[must_use]
    pub fn needs(&self, features: bool) -> Needs {
        let call = &self.permit.call;
        let tokens = call.tokens_read().saturating_add(call.ask.output_tokens_max.unwrap_or(0));
        let features = if features { self.features() } else { Features::NONE };
        Needs { tokens, features }
    }

    fn features(&self) -> Features {
        let Some(request) = self.request() else { return Features::NONE };
        let asked = [
            (!request.tools.is_empty(), Feature::Tools),
            (count(request, |part| matches!(part, Content::Image(_))) > 0, Feature::Vision),
            (count(request, |part| matches!(part, Content::Audio(_))) > 0, Feature::Audio),
            (matches!(request.format, Format::Schema(_)), Feature::Schema),
            (is_reasoning(request), Feature::Reasoning),
        ];
        let features = asked.into_iter().filter_map(|(is, feature)| is.then_some(feature));
        Features::of(&features.collect::<Vec<_>>())
    }

    /// The request, where it is a conversation that can be read. What cannot be read here is told
    /// to its caller where it is sent.
    fn request(&self) -> Option<&'a Request> {
        self.permit.call.neutral().ok()
    }

    fn shape(&self) -> Shape {
        let input_tokens = self.permit.call.tokens_read();
        let Some(request) = self.request() else {
            return Shape { input_tokens, ..Shape::default() };
        };
        Shape {
            input_tokens,
            messages: request.turns.len() as u64,
            tools: request.tools.len() as u64,
            images: count(request, |part| matches!(part, Content::Image(_))),
            is_structured: matches!(request.format, Format::Schema(_)),
            is_reasoning: is_reasoning(request),
        }
    }
}

fn count(request: &Request, is: impl Fn(&Content) -> bool) -> u64 {
    request.turns.iter().flat_map(|turn| &turn.parts).filter(|part| is(&part.content)).count()
        as u64
}

fn is_reasoning(request: &Request) -> bool {
    request.reasoning.as_ref().is_some_and(|reasoning| {
        reasoning.effort != Some(Effort::None) && reasoning.tokens_max != Some(0)
    })
}

impl Facts for CallFacts<'_> {
    fn text(&self, name: TextName) -> &str {
        let (permit, call) = (self.permit, &self.permit.call);
        let principal = &call.principal;
        match name {
            TextName::Org => self.org,
            TextName::Team => self.team.get_or_init(|| principal.app.team_id.to_string()),
            TextName::App => self.app.get_or_init(|| principal.app.id.to_string()),
            TextName::Key => self.key.get_or_init(|| principal.key.id.to_string()),
            TextName::Plan => &permit.plan.slug,
            TextName::Model => &call.ask.model,
            TextName::Operation => call.operation.as_str(),
            TextName::Dialect => call.wire.as_str(),
            TextName::User => {
                self.request().and_then(|request| request.end_user.as_deref()).unwrap_or("")
            }
        }
    }

    fn entry(&self, map: MapName, key: &str) -> &str {
        let principal = &self.permit.call.principal;
        let found = match map {
            MapName::Header => {
                let asked = principal.passed_on.asked.iter();
                let value = asked.into_iter().find(|(name, _)| name == key);
                value.and_then(|(_, value)| value.to_str().ok())
            }
            MapName::Metadata => {
                self.request().and_then(|request| request.metadata.get(key)).and_then(Value::as_str)
            }
            MapName::Tag => {
                let tag = principal.tags.iter().find(|tag| tag.name == key);
                tag.map(|tag| tag.value.as_str())
            }
        };
        found.unwrap_or("")
    }

    fn number(&self, name: NumberName) -> i64 {
        let call = &self.permit.call;
        let number = match name {
            NumberName::InputTokens => call.tokens_read(),
            NumberName::OutputTokensMax => call.ask.output_tokens_max.unwrap_or(0),
            NumberName::Messages => self.shape().messages,
            NumberName::Tools => self.shape().tools,
            NumberName::Images => self.shape().images,
            NumberName::Complexity => return complexity::score(&self.shape()),
            NumberName::Hour => self.permit.at().hour().into(),
        };
        i64::try_from(number).unwrap_or(i64::MAX)
    }

    fn flag(&self, name: FlagName) -> bool {
        match name {
            FlagName::Stream => self.permit.call.ask.stream,
            FlagName::Structured => self.shape().is_structured,
            FlagName::Reasoning => self.shape().is_reasoning,
        }
    }
}
