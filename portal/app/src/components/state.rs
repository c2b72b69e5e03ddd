//! The states of the control API's objects, each with its word and its tone.

use super::badge::{Badge, Tone};
use crate::text::states as words;
use contract::api::billing::UnknownState;
use contract::api::catalog::ProductState;
use contract::api::keys::KeyState;
use contract::api::lifecycle::CutOverState;
use contract::api::webhooks::DeliveryState;
use contract::channel::{BreakerState, ReplicaState};
use contract::snapshot::{Lifecycle, SubscriptionState};
use contract::usage::Outcome;
use leptos::prelude::*;

/// Something that has a state people read.
pub trait State {
    fn read(&self) -> (Tone, &'static str);
}

impl State for KeyState {
    fn read(&self) -> (Tone, &'static str) {
        match self {
            Self::Active => (Tone::Good, words::ACTIVE),
            Self::Expired => (Tone::Wait, words::EXPIRED),
            Self::Revoked => (Tone::Bad, words::REVOKED),
        }
    }
}

impl State for SubscriptionState {
    fn read(&self) -> (Tone, &'static str) {
        match self {
            Self::Requested => (Tone::Wait, words::REQUESTED),
            Self::Active => (Tone::Good, words::ACTIVE),
            Self::Suspended => (Tone::Bad, words::SUSPENDED),
            Self::Cancelled => (Tone::Plain, words::CANCELLED),
            Self::Expired => (Tone::Plain, words::EXPIRED),
            Self::Refused => (Tone::Bad, words::REFUSED),
        }
    }
}

impl State for Lifecycle {
    fn read(&self) -> (Tone, &'static str) {
        match self {
            Self::Draft => (Tone::Plain, words::DRAFT),
            Self::Active => (Tone::Good, words::ACTIVE),
            Self::Deprecated => (Tone::Wait, words::DEPRECATED),
            Self::Retired => (Tone::Bad, words::RETIRED),
        }
    }
}

impl State for CutOverState {
    fn read(&self) -> (Tone, &'static str) {
        match self {
            Self::Scheduled => (Tone::Wait, words::SCHEDULED),
            Self::Done => (Tone::Good, words::DONE),
            Self::Cancelled => (Tone::Plain, words::CANCELLED),
        }
    }
}

impl State for ProductState {
    fn read(&self) -> (Tone, &'static str) {
        match self {
            Self::Draft => (Tone::Plain, words::DRAFT),
            Self::Published => (Tone::Good, words::PUBLISHED),
            Self::Withdrawn => (Tone::Bad, words::WITHDRAWN),
        }
    }
}

impl State for Outcome {
    fn read(&self) -> (Tone, &'static str) {
        match self {
            Self::Ok => (Tone::Good, words::ANSWERED),
            Self::UpstreamError => (Tone::Bad, words::UPSTREAM_ERROR),
            Self::UpstreamCut => (Tone::Bad, words::UPSTREAM_CUT),
            Self::ClientGone => (Tone::Wait, words::CLIENT_GONE),
            Self::BudgetExhausted => (Tone::Bad, words::BUDGET_EXHAUSTED),
        }
    }
}

impl State for DeliveryState {
    fn read(&self) -> (Tone, &'static str) {
        match self {
            Self::Waiting => (Tone::Wait, words::WAITING),
            Self::Delivered => (Tone::Good, words::DELIVERED),
            Self::Failed => (Tone::Bad, words::FAILED),
        }
    }
}

impl State for UnknownState {
    fn read(&self) -> (Tone, &'static str) {
        match self {
            Self::Open => (Tone::Wait, words::OPEN),
            Self::Unknown => (Tone::Bad, words::UNKNOWN),
            Self::Settled => (Tone::Good, words::SETTLED),
            Self::Billed => (Tone::Plain, words::BILLED),
            Self::Forgiven => (Tone::Plain, words::FORGIVEN),
        }
    }
}

impl State for BreakerState {
    fn read(&self) -> (Tone, &'static str) {
        match self {
            Self::Closed => (Tone::Good, words::WELL),
            Self::Recovering => (Tone::Wait, words::RECOVERING),
            Self::Probing => (Tone::Wait, words::PROBED),
            Self::Open => (Tone::Bad, words::RESTS),
        }
    }
}

impl State for ReplicaState {
    fn read(&self) -> (Tone, &'static str) {
        match self {
            Self::Ready => (Tone::Good, words::READY),
            Self::Blind => (Tone::Wait, words::BLIND),
            Self::Draining => (Tone::Wait, words::DRAINING),
            Self::Down => (Tone::Bad, words::RESTS),
        }
    }
}

/// True is [`words::DISABLED`], false is [`words::ACTIVE`].
#[derive(Debug, Clone, Copy)]
pub struct Disabled(pub bool);

impl State for Disabled {
    fn read(&self) -> (Tone, &'static str) {
        if self.0 { (Tone::Bad, words::DISABLED) } else { (Tone::Good, words::ACTIVE) }
    }
}

#[component]
pub fn StateBadge<S: State>(state: S) -> impl IntoView {
    let (tone, word) = state.read();
    view! { <Badge tone=tone word=word /> }
}
