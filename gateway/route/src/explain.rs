//! Explains a plan: the same planning, with somebody looking, and often enough to tell how calls
//! like this one are spread.

use crate::complexity::{self, Shape};
use crate::expr::{Facts, FlagName, MapName, NumberName, TextName};
use crate::plan::{Candidate, Features, Needs, Nowhere, Planned, Seen, Trace, plan, plan_by};
use crate::policy::Policy;
use contract::api::routes::RouteCall;
use contract::snapshot::{Feature, Skip};

/// Calls that are planned to see how they are spread.
const CALLS: u16 = 1_000;

/// A call that somebody describes.
#[derive(Debug, Clone, Copy)]
pub struct Described<'a> {
    pub call: &'a RouteCall,
    /// The org's slug.
    pub org: &'a str,
    pub model: &'a str,
    pub operation: &'a str,
    /// Of the day, in UTC, where the call says none.
    pub hour: u8,
}

impl Described<'_> {
    #[must_use]
    pub fn needs(&self) -> Needs {
        let call = self.call;
        let asked = [
            (call.tools > 0, Feature::Tools),
            (call.images > 0, Feature::Vision),
            (call.audio, Feature::Audio),
            (call.structured, Feature::Schema),
            (call.reasoning, Feature::Reasoning),
        ];
        let features = asked.into_iter().filter_map(|(is, feature)| is.then_some(feature));
        Needs {
            tokens: u64::from(call.input_tokens) + u64::from(call.output_tokens_max),
            features: Features::of(&features.collect::<Vec<_>>()),
        }
    }

    #[must_use]
    pub fn complexity(&self) -> i64 {
        let call = self.call;
        complexity::score(&Shape {
            input_tokens: call.input_tokens.into(),
            messages: call.messages.into(),
            tools: call.tools.into(),
            images: call.images.into(),
            is_structured: call.structured,
            is_reasoning: call.reasoning,
        })
    }
}

impl Facts for Described<'_> {
    fn text(&self, name: TextName) -> &str {
        let call = self.call;
        match name {
            TextName::Org => self.org,
            TextName::Team => &call.team,
            TextName::App => &call.app,
            TextName::Key => &call.key,
            TextName::Plan => &call.plan,
            TextName::Model => self.model,
            TextName::Operation => self.operation,
            TextName::Dialect => &call.dialect,
            TextName::User => &call.user,
        }
    }

    fn entry(&self, map: MapName, key: &str) -> &str {
        let map = match map {
            MapName::Header => &self.call.header,
            MapName::Metadata => &self.call.metadata,
            MapName::Tag => &self.call.tag,
        };
        map.get(key).map_or("", String::as_str)
    }

    fn number(&self, name: NumberName) -> i64 {
        let call = self.call;
        match name {
            NumberName::InputTokens => call.input_tokens.into(),
            NumberName::OutputTokensMax => call.output_tokens_max.into(),
            NumberName::Messages => call.messages.into(),
            NumberName::Tools => call.tools.into(),
            NumberName::Images => call.images.into(),
            NumberName::Complexity => self.complexity(),
            NumberName::Hour => call.hour.unwrap_or(self.hour).into(),
        }
    }

    fn flag(&self, name: FlagName) -> bool {
        match name {
            FlagName::Stream => self.call.stream,
            FlagName::Structured => self.call.structured,
            FlagName::Reasoning => self.call.reasoning,
        }
    }
}

/// A plan, and why it is as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    pub planned: Result<Planned, Nowhere>,
    /// Of each candidate, how many of 1,000 such calls come to it first.
    pub firsts: Vec<u16>,
    /// Of each candidate, why it is left out.
    pub skipped: Vec<Option<Skip>>,
}

struct Notes(Vec<Option<Skip>>);

impl Trace for Notes {
    fn skipped(&mut self, at: usize, why: Skip) {
        if let Some(note) = self.0.get_mut(at) {
            *note = Some(why);
        }
    }

    fn again(&mut self) {
        self.0.fill(None);
    }
}

/// Plans a call and says why; `seen` says how the candidate of a number does. The same call is always explained in the same way.
#[must_use]
pub fn explain(
    policy: &Policy,
    call: &Described<'_>,
    candidates: &[Candidate<'_>],
    seen: &impl Fn(usize) -> Seen,
) -> Explained {
    let mut state = 0_u64;
    let mut chance = move || {
        state = state.wrapping_add(1);
        crate::sticky::hash(&state.to_le_bytes())
    };
    let needs = call.needs();
    let mut notes = Notes(vec![None; candidates.len()]);
    let planned = plan(policy, call, needs, candidates, seen, &mut chance, &mut notes);
    let mut firsts = vec![0_u16; candidates.len()];
    if let Ok(Planned { rule, .. }) = planned {
        for _ in 0..CALLS {
            let chance = &mut chance;
            let one = plan_by(policy, rule, call, needs, candidates, seen, chance, &mut ());
            let first = one.ok().and_then(|one| one.order.first().copied());
            if let Some(count) = first.and_then(|first| firsts.get_mut(first)) {
                *count += 1;
            }
        }
    }
    Explained { planned, firsts, skipped: notes.0 }
}
