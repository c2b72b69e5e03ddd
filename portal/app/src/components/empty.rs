//! What a list shows while it is empty: why, and the one thing to do about it.

use super::icon::{Icon, Sign};
use leptos::prelude::*;

/// `children` is the primary action, or nothing.
#[component]
pub fn EmptyState(
    sign: Sign,
    #[prop(into)] title: String,
    #[prop(into)] why: String,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="empty">
            <span class="empty-sign"><Icon sign=sign /></span>
            <h2>{title}</h2>
            <p>{why}</p>
            {children.map(|children| children())}
        </div>
    }
}
