//! A sentence that matters now: what just happened, or what stands in the way.

use super::badge::Tone;
use super::icon::Icon;
use leptos::prelude::*;

#[component]
pub fn Notice(
    tone: Tone,
    #[prop(optional, into)] title: String,
    children: Children,
) -> impl IntoView {
    let role = if tone == Tone::Bad { "alert" } else { "status" };
    let title = (!title.is_empty()).then(|| view! { <strong>{title}</strong> });
    view! {
        <div class=format!("notice {}", tone.class()) role=role>
            <Icon sign=tone.sign() />
            <div>{title} {children()}</div>
        </div>
    }
}
