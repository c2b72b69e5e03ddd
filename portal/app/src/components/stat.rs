//! Figures at a glance.

use leptos::prelude::*;

/// A row of tiles.
#[component]
pub fn Stats(children: Children) -> impl IntoView {
    view! { <dl class="stats">{children()}</dl> }
}

/// Characters from which a figure is set smaller, so that it stays on one line.
const LONG: usize = 8;

/// One figure. `note` says what it covers.
#[component]
pub fn StatTile(
    #[prop(into)] label: String,
    #[prop(into)] value: String,
    #[prop(optional, into)] note: String,
) -> impl IntoView {
    let note = (!note.is_empty()).then(|| view! { <dd class="stat-note">{note}</dd> });
    let class = if value.len() > LONG { "stat-value long" } else { "stat-value" };
    view! {
        <div class="stat">
            <dt>{label}</dt>
            <dd class=class>{value}</dd>
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
