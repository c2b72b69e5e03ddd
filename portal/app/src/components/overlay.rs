//! What opens over or under: the browser does the opening, closing, Escape and focus.

use super::button::Look;
use leptos::prelude::*;

/// A button that opens the [`Dialog`] with the same `id`.
#[component]
pub fn DialogButton(
    #[prop(into)] id: String,
    #[prop(into)] label: String,
    #[prop(optional)] look: Look,
) -> impl IntoView {
    view! { <button type="button" class=look.class() popovertarget=id>{label}</button> }
}

/// A question over the page; usually a form with a Danger button. Works without JavaScript.
#[component]
pub fn Dialog(
    #[prop(into)] id: String,
    #[prop(into)] title: String,
    children: Children,
) -> impl IntoView {
    let (heading, opened) = (format!("{id}-title"), id.clone());
    view! {
        <div id=opened class="dialog" popover="auto" role="dialog" aria-labelledby=heading>
            <h2 id=heading.clone() tabindex="-1" autofocus=true>{title}</h2>
            {children()}
            <button type="button" class="button quiet" popovertarget=id popovertargetaction="hide">
                "Cancel"
            </button>
        </div>
    }
}

/// More for those who want it.
#[component]
pub fn Details(
    #[prop(into)] summary: String,
    #[prop(optional)] open: bool,
    children: Children,
) -> impl IntoView {
    view! { <details class="details" open=open><summary>{summary}</summary>{children()}</details> }
}
