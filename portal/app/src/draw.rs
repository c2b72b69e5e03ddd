//! From a view to its HTML. Pages load before they draw, so drawing never waits and the status of
//! a page is known before its first byte.

use leptos::prelude::*;
use std::sync::Arc;

/// Draws `view` with its islands marked for the browser's bundle.
pub fn html<V: IntoView>(view: impl FnOnce() -> V) -> String {
    let shared = Arc::new(hydration_context::SsrSharedContext::new_islands());
    let owner = Owner::new_root(Some(shared));
    let html = owner.with(|| view().into_view().to_html());
    owner.unset_with_forced_cleanup();
    html
}
