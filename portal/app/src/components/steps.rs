//! A numbered way to a goal, with what is done and what comes next.

use super::icon::{Icon, Sign};
use leptos::prelude::*;

/// Where one step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    Done,
    Now,
    Later,
}

#[component]
pub fn Steps(children: Children) -> impl IntoView {
    view! { <ol class="steps">{children()}</ol> }
}

/// One step. `live` steps turn green when an island sets `data-called` on `[data-onboarding]`.
#[component]
pub fn Step(
    state: StepState,
    #[prop(into)] title: String,
    #[prop(optional)] live: bool,
    children: Children,
) -> impl IntoView {
    let (class, word) = match state {
        StepState::Done => ("done", "Done"),
        StepState::Now => ("now", "Next"),
        StepState::Later => ("later", "Later"),
    };
    view! {
        <li class=format!("step {class}") data-live=live.then_some("")>
            <span class="step-mark" aria-hidden="true"><Icon sign=Sign::Check /></span>
            <div class="step-body">
                <h2>{title} <span class="step-word">{word}</span></h2>
                {children()}
            </div>
        </li>
    }
}
