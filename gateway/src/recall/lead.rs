//! What the call that others follow gathers on its way: its answer as it comes, for them and to be
//! kept. Whatever becomes of it, it never holds the call itself up.

use super::compare::Compared;
use super::flight::Pilot;
use super::kept::Kept;
use super::{Recall, Wanted};
use crate::fault::Fault;
use crate::meter::Measure;
use crate::snapshot::DeploymentView;
use bytes::Bytes;
use contract::id::ModelId;
use dialect::neutral::{Answer, Delta, Event};
use dialect::replay::Assembly;
use std::sync::Arc;
use std::task::Context;

/// What of an answer is gathered at most while nobody follows; one that is longer is its caller's alone.
const BYTES_MAX: usize = 4 << 20;
/// The same while somebody does, who would have a part of it and no end.
const FOLLOWED_BYTES_MAX: usize = 64 << 20;
/// What an event takes beside its text.
const EACH: usize = 96;

#[derive(Debug)]
pub struct Lead {
    /// Gone where the answer cannot be gathered.
    pilot: Option<Pilot>,
    recall: Recall,
    wanted: Wanted,
    /// By which later calls find the answer that mean the same.
    compared: Option<Compared>,
    /// Which model's answer it was to be, as its provider calls it: another's is not kept.
    model: (ModelId, String),
    events: Vec<Arc<Event>>,
    bytes: usize,
    whole: Option<Answer>,
    as_told: Option<Bytes>,
}

impl Lead {
    #[must_use]
    pub fn new(
        pilot: Pilot,
        recall: Recall,
        (wanted, compared): (Wanted, Option<Compared>),
        place: &DeploymentView,
    ) -> Self {
        let model = model(place);
        Self {
            pilot: Some(pilot),
            recall,
            wanted,
            compared,
            model,
            events: Vec::new(),
            bytes: 0,
            whole: None,
            as_told: None,
        }
    }

    /// Whether anybody follows now; if nobody does, `cx` is woken when somebody comes.
    pub fn poll_followed(&self, cx: &Context<'_>) -> bool {
        self.pilot.as_ref().is_some_and(|pilot| pilot.poll_followed(cx))
    }

    /// The next events of a stream.
    pub fn tell(&mut self, events: Vec<Event>) {
        let Some(pilot) = &mut self.pilot else { return };
        self.bytes += events.iter().map(weight).sum::<usize>();
        if self.bytes > BYTES_MAX {
            pilot.hide();
            if self.bytes > FOLLOWED_BYTES_MAX || !pilot.is_followed() {
                self.pilot = None;
                self.events = Vec::new();
                return;
            }
        }
        let events: Vec<_> = events.into_iter().map(Arc::new).collect();
        pilot.tell(&events);
        self.events.extend(events);
    }

    /// A whole answer; `None` where it cannot be read.
    pub fn answered(&mut self, answer: Option<Answer>) {
        self.whole = answer;
    }

    /// The whole body of what is no conversation.
    pub fn told(&mut self, body: Bytes) {
        self.as_told = Some(body);
    }

    /// The call has ended well: those who follow have all of it, and it is kept if it may be.
    pub fn land(mut self, measure: Measure, place: Option<&DeploymentView>, at_ms: i64) {
        let Some(pilot) = self.pilot.take() else { return };
        let as_told = self.as_told.take();
        let answer = match &as_told {
            Some(_) => Some(Answer::default()),
            None => self.whole.take().or_else(|| assemble(&self.events)),
        };
        let Some(answer) = answer else { return };
        let kept = Arc::new(Kept { answer, as_told, measure, at_ms });
        let as_meant = place.is_some_and(|place| model(place) == self.model);
        if self.wanted.keeps && as_meant && kept.is_lasting() {
            let ttl_ms = i64::from(self.wanted.policy.ttl_s) * 1_000;
            self.recall.keep(self.wanted.key, &kept, self.compared.take(), ttl_ms);
        }
        pilot.land(kept);
    }

    /// The call has failed before any of its answer.
    pub fn fail(mut self, why: &Fault) {
        if let Some(pilot) = self.pilot.take() {
            pilot.fail(Some(why.again()));
        }
    }
}

fn model(place: &DeploymentView) -> (ModelId, String) {
    (place.record.model_id, place.record.upstream_model.clone())
}

fn assemble(events: &[Arc<Event>]) -> Option<Answer> {
    let mut assembly = Assembly::default();
    for event in events {
        assembly.add(event).ok()?;
    }
    assembly.finish()
}

fn weight(event: &Event) -> usize {
    let text = match event {
        Event::Delta { delta: Delta::Text(text) | Delta::Input(text), .. } => text.len(),
        // Whole blocks, which may hold pictures, are told by their JSON.
        Event::Open { .. } | Event::Delta { .. } => {
            serde_json::to_vec(event).map_or(0, |json| json.len())
        }
        _ => 0,
    };
    text + EACH
}
