//! A state as icon and word; colour only repeats what they say.

use super::icon::{Icon, Sign};
use leptos::prelude::*;

/// How good the news is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Good,
    Wait,
    Bad,
    Plain,
}

impl Tone {
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Wait => "wait",
            Self::Bad => "bad",
            Self::Plain => "plain",
        }
    }

    pub(super) const fn sign(self) -> Sign {
        match self {
            Self::Good => Sign::Check,
            Self::Wait => Sign::Clock,
            Self::Bad => Sign::Cross,
            Self::Plain => Sign::Info,
        }
    }
}

#[component]
pub fn Badge(tone: Tone, #[prop(into)] word: String) -> impl IntoView {
    view! {
        <span class=format!("badge {}", tone.class())>
            <Icon sign=tone.sign() />
            {word}
        </span>
    }
}
