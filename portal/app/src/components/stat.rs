//! Figures at a glance.

use leptos::prelude::*;

/// A row of tiles.
#[component]
pub fn Stats(children: Children) -> impl IntoView {
    view! { <dl class="stats">{children()}</dl> }
}

/// One figure. `note` says what it covers.
#[component]
pub fn StatTile(
    #[prop(into)] label: String,
    #[prop(into)] value: String,
    #[prop(optional, into)] note: String,
) -> impl IntoView {
    let note = (!note.is_empty()).then(|| view! { <dd class="stat-note">{note}</dd> });
    view! {
        <div class="stat">
            <dt>{label}</dt>
            <dd class="stat-value">{value}</dd>
            {note}
        </div>
    }
}

/// How much of a whole is used, in words and as a bar.
#[component]
pub fn Meter(
    #[prop(into)] label: String,
    used: u64,
    whole: u64,
    #[prop(into)] words: String,
) -> impl IntoView {
    view! {
        <div class="meter">
            <span class="meter-label">{label.clone()}</span>
            <span class="meter-words">{words}</span>
            <meter min="0" max=whole.max(1).to_string() value=used.to_string() aria-label=label></meter>
        </div>
    }
}
