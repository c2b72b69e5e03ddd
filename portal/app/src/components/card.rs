//! Surfaces and simple layout.

use leptos::prelude::*;

/// A raised surface, with an optional heading (`h2`).
#[component]
pub fn Card(#[prop(optional, into)] title: String, children: Children) -> impl IntoView {
    let heading = (!title.is_empty()).then(|| view! { <h2 class="card-title">{title}</h2> });
    view! { <section class="card">{heading} {children()}</section> }
}

/// Two columns where there is room: the main matter and what stands beside it.
#[component]
pub fn Columns(children: Children) -> impl IntoView {
    view! { <div class="columns">{children()}</div> }
}
