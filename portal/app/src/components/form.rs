//! Forms: they post without JavaScript, carry their idempotency key, and show what was refused.

use super::field::control_id;
use crate::form::{FormState, KEY_FIELD};
use crate::text;
use leptos::context::Provider;
use leptos::prelude::*;

/// A POST form around its fields. Its error summary comes first and takes the focus.
#[component]
pub fn Form(
    state: FormState,
    /// Lays the fields out in a line.
    #[prop(optional)]
    inline: bool,
    children: Children,
) -> impl IntoView {
    let (action, key) = (state.action.to_string(), state.key.to_string());
    let summary = state.is_refused().then(|| summary(&state));
    view! {
        <form method="post" action=action class=if inline { "form inline" } else { "form" } novalidate>
            {summary}
            <input type="hidden" name=KEY_FIELD value=key />
            <Provider value=state>{children()}</Provider>
        </form>
    }
}

fn summary(state: &FormState) -> impl IntoView + use<> {
    let items = state
        .errors()
        .iter()
        .map(|(field, error)| {
            let target = format!("#{}", control_id(field, state));
            let error = error.clone();
            if field.is_empty() {
                view! { <li>{error}</li> }.into_any()
            } else {
                view! { <li><a href=target>{error}</a></li> }.into_any()
            }
        })
        .collect_view();
    let message = state.message().map(|message| view! { <p>{message.to_owned()}</p> });
    view! {
        <div class="summary" role="alert" tabindex="-1" autofocus=true id="problem">
            <h2>{text::form::PROBLEM}</h2>
            {message}
            <ul>{items}</ul>
        </div>
    }
}

/// A GET form: filters whose values live in the address.
#[component]
pub fn SearchForm(#[prop(into)] action: String, children: Children) -> impl IntoView {
    view! {
        <form method="get" action=action class="form inline" role="search">
            <Provider value=FormState::default()>{children()}</Provider>
        </form>
    }
}
