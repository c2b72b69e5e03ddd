//! Figures at a glance.

use leptos::prelude::*;

/// A row of tiles.
#[component]
pub fn Stats(children: Children) -> impl IntoView {
    view! { <dl class="stats">{children()}</dl> }
}

/// Characters from which a figure is set smaller, so that it stays on one line.
const LONG: usize = 8;
/// The same, for money with parts of a cent.
const LONGER: usize = 11;

/// One figure. `note` says what it covers; `href` leads to what it counts.
#[component]
pub fn StatTile(
    #[prop(into)] label: String,
    #[prop(into)] value: String,
    #[prop(optional, into)] note: String,
    #[prop(optional, into)] href: Option<String>,
) -> impl IntoView {
    let note = (!note.is_empty()).then(|| view! { <dd class="stat-note">{note}</dd> });
    let class = match value.len() {
        len if len > LONGER => "stat-value longer",
        len if len > LONG => "stat-value long",
        _ => "stat-value",
    };
    let label = match href {
        Some(href) => view! { <a href=href>{label}</a> }.into_any(),
        None => label.into_any(),
    };
    view! {
        <div class="stat">
            <dt>{label}</dt>
            <dd class=class>{value}</dd>
            {note}
        </div>
    }
}

/// How much of a whole is used, in words and as a bar. `bare` where a heading beside it says what is
/// meant: then only readers of the bar are told.
#[component]
pub fn Meter(
    #[prop(into)] label: String,
    #[prop(optional)] bare: bool,
    used: u64,
    whole: u64,
    #[prop(into)] words: String,
) -> impl IntoView {
    let shown = (!bare).then(|| view! { <span class="meter-label">{label.clone()}</span> });
    view! {
        <div class="meter">
            {shown}
            <span class="meter-words">{words}</span>
            <meter min="0" max=whole.max(1).to_string() value=used.to_string() aria-label=label></meter>
        </div>
    }
}
