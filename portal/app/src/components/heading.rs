//! The top of a page and of its parts.

use leptos::prelude::*;

/// One step of the way here.
#[derive(Debug, Clone)]
pub struct Crumb {
    pub label: String,
    pub href: String,
}

impl Crumb {
    #[must_use]
    pub fn new(label: impl Into<String>, href: impl Into<String>) -> Self {
        Self { label: label.into(), href: href.into() }
    }
}

/// The way here, without the page itself.
#[component]
pub fn Breadcrumb(crumbs: Vec<Crumb>) -> impl IntoView {
    let items = crumbs
        .into_iter()
        .map(|crumb| view! { <li><a href=crumb.href>{crumb.label}</a></li> })
        .collect_view();
    view! { <nav class="crumbs" aria-label="Breadcrumb"><ol>{items}</ol></nav> }
}

/// The one `h1`, a sentence under it, the way here above it; `children` are the page's actions.
#[component]
pub fn PageHead(
    #[prop(into)] title: String,
    #[prop(optional, into)] lead: String,
    #[prop(optional)] crumbs: Vec<Crumb>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let crumbs = (!crumbs.is_empty()).then(|| view! { <Breadcrumb crumbs=crumbs /> });
    let lead = (!lead.is_empty()).then(|| view! { <p class="lead">{lead}</p> });
    let actions = children.map(|children| view! { <div class="page-actions">{children()}</div> });
    view! {
        <div class="page-head">
            {crumbs}
            <div class="page-title">
                <h1>{title}</h1>
                {actions}
            </div>
            {lead}
        </div>
    }
}

/// A part of a page under an `h2`.
#[component]
pub fn Section(#[prop(into)] title: String, children: Children) -> impl IntoView {
    view! { <section class="section"><h2>{title}</h2>{children()}</section> }
}
