//! Waits for an app's first call and says when it came.

use super::browser;
use leptos::prelude::*;
use std::time::Duration;

/// What the watched address answers once the first call is in.
pub const FIRST_CALL_SEEN: &str = "seen";

const EVERY: Duration = Duration::from_millis(1500);

/// Asks `url` until it answers [`FIRST_CALL_SEEN`], then announces it and sets `data-called` on
/// the nearest `[data-onboarding]`, which turns the steps green. Without JavaScript a reload does.
#[island]
pub fn FirstCall(url: String, waiting: String, seen: String) -> impl IntoView {
    let (called, set_called) = signal(false);
    let node: NodeRef<leptos::html::P> = NodeRef::new();
    Effect::new(move |_| watch(url.clone(), set_called));
    Effect::new(move |_| {
        if called.get()
            && let Some(line) = node.get()
        {
            browser::mark_ancestor(&line, "[data-onboarding]", "data-called", "");
        }
    });
    view! {
        <p node_ref=node class="watch" role="status" data-seen=move || called.get().then_some("")>
            {move || if called.get() { seen.clone() } else { waiting.clone() }}
        </p>
    }
}

fn watch(url: String, set_called: WriteSignal<bool>) {
    leptos::task::spawn_local(async move {
        if browser::fetch_text(&url).await.as_deref() == Some(FIRST_CALL_SEEN) {
            set_called.set(true);
        } else {
            browser::after(EVERY, move || watch(url, set_called));
        }
    });
}
