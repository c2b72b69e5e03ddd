//! A button that copies a text and says so.

use super::browser;
use leptos::prelude::*;
use std::time::Duration;

/// Copies `text`. `what` completes "Copy …" for people who do not see what stands beside it.
#[island]
pub fn CopyButton(text: String, what: String) -> impl IntoView {
    let (done, set_done) = signal(false);
    let copy = move |_| {
        let text = text.clone();
        leptos::task::spawn_local(async move {
            if browser::copy(&text).await {
                set_done.set(true);
                browser::after(Duration::from_secs(2), move || set_done.set(false));
            }
        });
    };
    view! {
        <button type="button" class="copy needs-js" on:click=copy>
            <span aria-hidden="true">{move || if done.get() { "Copied" } else { "Copy" }}</span>
            <span class="sr-only" role="status">
                {move || if done.get() { "Copied".to_owned() } else { format!("Copy {what}") }}
            </span>
        </button>
    }
}
