//! How much of a whole one row of a table is.

use leptos::prelude::*;

/// A thin bar, decoration beside the figure it repeats.
#[component]
pub fn Share(part: u64, whole: u64) -> impl IntoView {
    let exact = u128::from(part) * 100 / u128::from(whole.max(1));
    let width = if part == 0 { 0 } else { exact.clamp(1, 100) };
    view! {
        <svg
            class="share"
            viewBox="0 0 100 4"
            preserveAspectRatio="none"
            aria-hidden="true"
            focusable="false"
        >
            <rect class="share-whole" width="100" height="4" />
            <rect class="chart-bar series-1" width=width.to_string() height="4" />
        </svg>
    }
}
