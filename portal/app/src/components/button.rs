//! Buttons: the submit of a form, a link that looks like one, and a form that is one button.

use super::form::Form;
use crate::form::FormState;
use leptos::prelude::*;

/// How much a button asks to be pressed. One `Main` a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Look {
    #[default]
    Main,
    Quiet,
    Danger,
    /// As plain as a link, for menus.
    Bare,
}

impl Look {
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Main => "button main",
            Self::Quiet => "button quiet",
            Self::Danger => "button danger",
            Self::Bare => "button bare",
        }
    }
}

/// Submits the form it stands in. `of` completes the label for people who do not see what stands beside it.
#[component]
pub fn Button(
    #[prop(into)] label: String,
    #[prop(optional)] look: Look,
    #[prop(optional, into)] of: String,
) -> impl IntoView {
    let whole = (!of.is_empty()).then(|| format!("{label} {of}"));
    view! { <button type="submit" class=look.class() aria-label=whole>{label}</button> }
}

/// Goes somewhere.
#[component]
pub fn LinkButton(
    #[prop(into)] href: String,
    #[prop(into)] label: String,
    #[prop(optional)] look: Look,
) -> impl IntoView {
    view! { <a class=look.class() href=href>{label}</a> }
}

/// A whole form with one button: sign out, revoke. `fields` travel hidden.
#[component]
pub fn ActionButton(
    state: FormState,
    #[prop(into)] label: String,
    #[prop(optional)] look: Look,
    #[prop(optional)] fields: Vec<(&'static str, String)>,
) -> impl IntoView {
    let hidden = fields
        .into_iter()
        .map(|(name, value)| view! { <input type="hidden" name=name value=value /> })
        .collect_view();
    view! {
        <Form state=state inline=true>
            {hidden}
            <Button label=label look=look />
        </Form>
    }
}
