//! What of a call's answer is another call's, or is for others.

use super::End;
use crate::fault::Fault;
use crate::recall::{Lead, Told};
use crate::snapshot::DeploymentView;
use bytes::Bytes;
use contract::snapshot::WHOLE;
use contract::usage::{Cached, Outcome};
use dialect::neutral::{Answer, Event};
use std::cell::{Cell, RefCell};
use std::task::Context;

#[derive(Debug, Default)]
pub struct Sharing {
    /// How the answer came about, as its caller is told.
    pub told: Told,
    /// Whose answer it is, and what of the price that costs.
    given: Option<(Cached, u8)>,
    /// What is gathered for others.
    lead: RefCell<Option<Lead>>,
    /// Others wait for it.
    followed: Cell<bool>,
}

impl Sharing {
    /// The call is answered with another's answer, for so many hundredths of its price.
    pub const fn give(&mut self, cached: Cached, price_percent: u8) {
        self.given = Some((cached, price_percent));
    }

    /// Whether it is answered so.
    #[must_use]
    pub const fn is_given(&self) -> bool {
        self.given.is_some()
    }

    pub(super) fn cached(&self) -> Option<Cached> {
        self.given.map(|(cached, _)| cached)
    }

    pub(super) fn price_percent(&self) -> u8 {
        self.given.map_or(WHOLE, |(_, percent)| percent)
    }

    /// What the call is answered with is gathered for others from now on.
    pub fn lead(&mut self, lead: Lead) {
        *self.lead.get_mut() = Some(lead);
    }

    /// Whether it is.
    #[must_use]
    pub fn is_leading(&self) -> bool {
        self.lead.borrow().is_some()
    }

    /// It is no more: those who follow go on without it.
    pub(super) fn leave(&mut self) {
        self.lead.get_mut().take();
    }

    /// Whether others wait for it now; if none do, `cx` is woken when one comes. While they wait, it
    /// goes on as if its caller did, too.
    #[must_use]
    pub fn poll_followed(&self, cx: &Context<'_>) -> bool {
        let followed = self.lead.borrow().as_ref().is_some_and(|lead| lead.poll_followed(cx));
        self.followed.set(followed);
        followed
    }

    pub(super) const fn is_followed(&self) -> bool {
        self.followed.get()
    }

    /// The next of its stream, for others.
    pub fn publish(&mut self, events: Vec<Event>) {
        if let Some(lead) = self.lead.get_mut().as_mut().filter(|_| !events.is_empty()) {
            lead.tell(events);
        }
    }

    /// Its whole answer, for others; not asked for where there are none.
    pub fn record(&self, answer: impl FnOnce() -> Option<Answer>) {
        if let Some(lead) = self.lead.borrow_mut().as_mut() {
            lead.answered(answer());
        }
    }

    /// Its whole body, for others, where it is no conversation.
    pub fn record_body(&self, body: &Bytes) {
        if let Some(lead) = self.lead.borrow_mut().as_mut() {
            lead.told(body.clone());
        }
    }

    /// The call failed before any of its answer.
    pub(super) fn failed(&mut self, why: &Fault) {
        if let Some(lead) = self.lead.get_mut().take() {
            lead.fail(why);
        }
    }

    /// The call ended: only what is whole is for others.
    pub(super) fn ended(&mut self, end: &End, place: Option<&DeploymentView>, now_ms: i64) {
        if let Some(lead) = self.lead.get_mut().take().filter(|_| end.outcome == Outcome::Ok) {
            lead.land(end.measure, place, now_ms);
        }
    }
}
