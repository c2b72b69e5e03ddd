//! What an app's people should know of the models that it calls and that go away.

use contract::api::lifecycle::AppDeprecation;
use leptos::prelude::*;
use portal_app::components::{Instant, Notice, StateBadge, Tone};
use portal_app::text::lifecycle as text;

pub fn notice(found: Vec<AppDeprecation>) -> impl IntoView {
    (!found.is_empty()).then(|| {
        let lines = found.into_iter().map(line).collect_view();
        view! { <Notice tone=Tone::Wait title=text::APP_NOTICE><ul>{lines}</ul></Notice> }
    })
}

fn line(one: AppDeprecation) -> impl IntoView {
    let until = one.sunset_at.map(|at| {
        view! { " " {text::UNTIL} " " <Instant at=at /> "." }
    });
    let instead = one.successor.map(|name| format!(" {}", text::instead(&name)));
    view! { <li><code>{one.model_name}</code> " " <StateBadge state=one.state /> {until} {instead}</li> }
}
