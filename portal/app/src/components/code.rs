//! Code to read and to copy.

use crate::islands::CopyButton;
use leptos::prelude::*;

/// A block of code that scrolls inside itself and can be copied. `what` names it.
#[component]
pub fn CodeBlock(#[prop(into)] code: String, #[prop(into)] what: String) -> impl IntoView {
    view! {
        <div class="code">
            <pre tabindex="0" role="region" aria-label=what.clone()>
                <code>{code.clone()}</code>
            </pre>
            <CopyButton text=code what=what />
        </div>
    }
}

/// One line to copy: a key, an id, an address.
#[component]
pub fn Copyable(#[prop(into)] text: String, #[prop(into)] what: String) -> impl IntoView {
    view! {
        <span class="copyable">
            <code class="copy-text">{text.clone()}</code>
            <CopyButton text=text what=what />
        </span>
    }
}

/// The same call in one language.
#[derive(Debug, Clone)]
pub struct Sample {
    pub language: String,
    pub code: String,
}

/// Code in several languages, one shown at a time; radio buttons do the switching. `id` is unique
/// in the page.
#[component]
pub fn Samples(#[prop(into)] id: String, samples: Vec<Sample>) -> impl IntoView {
    let choices = samples
        .iter()
        .enumerate()
        .map(|(index, sample)| {
            let radio = format!("{id}-{index}");
            view! {
                <input type="radio" name=id.clone() id=radio.clone() checked={index == 0} />
                <label for=radio>{sample.language.clone()}</label>
            }
        })
        .collect_view();
    let panes = samples
        .into_iter()
        .map(|sample| view! { <CodeBlock code=sample.code what=sample.language /> })
        .collect_view();
    view! {
        <fieldset class="samples">
            <legend class="sr-only">"Language"</legend>
            {choices}
            <div class="panes">{panes}</div>
        </fieldset>
    }
}
