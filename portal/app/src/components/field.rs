//! The fields of a form. Each takes its kept value and its error from the [`FormState`] that the
//! surrounding `Form` provides, and ties label, hint and error together for assistive technology.

use crate::form::FormState;
use leptos::prelude::*;

/// The id of a field's control; the error summary links to it.
pub(super) fn control_id(name: &str, state: &FormState) -> String {
    match &*state.mark {
        "" => format!("field-{name}"),
        mark => format!("field-{name}-{mark}"),
    }
}

fn state() -> FormState {
    use_context::<FormState>().unwrap_or_default()
}

/// Label, hint and error around a control. Returns them with the control's `aria-describedby`.
struct Around {
    id: String,
    invalid: bool,
    described_by: Option<String>,
    hint: Option<AnyView>,
    error: Option<AnyView>,
}

fn around(name: &str, hint: &str, state: &FormState) -> Around {
    let id = control_id(name, state);
    let (hint_id, error_id) = (format!("{id}-hint"), format!("{id}-error"));
    let error = state.error(name).map(str::to_owned);
    let described: Vec<_> =
        [(!hint.is_empty()).then(|| hint_id.clone()), error.is_some().then(|| error_id.clone())]
            .into_iter()
            .flatten()
            .collect();
    let hint = hint.to_owned();
    Around {
        id,
        invalid: error.is_some(),
        described_by: (!described.is_empty()).then(|| described.join(" ")),
        hint: (!hint.is_empty())
            .then(|| view! { <p class="hint" id=hint_id>{hint}</p> }.into_any()),
        error: error.map(|error| {
            view! {
                <p class="field-error" id=error_id><span class="sr-only">"Error: "</span>{error}</p>
            }
            .into_any()
        }),
    }
}

/// A one-line input. `kind` is the input's type; a password is never filled in again.
#[component]
pub fn Field(
    name: &'static str,
    #[prop(into)] label: String,
    #[prop(optional, into)] hint: String,
    #[prop(default = "text")] kind: &'static str,
    /// Shown unless the form comes back with what was typed.
    #[prop(optional, into)]
    value: String,
    #[prop(optional)] autocomplete: Option<&'static str>,
    #[prop(optional)] inputmode: Option<&'static str>,
    #[prop(optional, into)] placeholder: String,
    #[prop(optional)] optional: bool,
    #[prop(optional)] autofocus: bool,
) -> impl IntoView {
    let state = state();
    let Around { id, invalid, described_by, hint, error } = around(name, &hint, &state);
    let shown = match (kind, state.value(name)) {
        ("password", _) => String::new(),
        (_, Some(typed)) => typed.to_owned(),
        (_, None) => value,
    };
    view! {
        <div class="field" data-invalid=invalid.then_some("")>
            <label for=id.clone()>{label}{optional.then(|| view! { <span class="optional">" (optional)"</span> })}</label>
            {hint}
            <input
                id=id
                name=name
                type=kind
                value=shown
                autocomplete=autocomplete
                inputmode=inputmode
                placeholder=(!placeholder.is_empty()).then_some(placeholder)
                required=!optional
                autofocus=autofocus && !state.is_refused()
                aria-describedby=described_by
                aria-invalid=invalid.then_some("true")
            />
            {error}
        </div>
    }
}

/// Several lines of text.
#[component]
pub fn TextArea(
    name: &'static str,
    #[prop(into)] label: String,
    #[prop(optional, into)] hint: String,
    #[prop(optional, into)] value: String,
    #[prop(default = 4)] rows: u8,
    #[prop(optional)] optional: bool,
    /// What is written there is for a machine: letters of one width, and no words to correct.
    #[prop(optional)]
    code: bool,
) -> impl IntoView {
    let state = state();
    let Around { id, invalid, described_by, hint, error } = around(name, &hint, &state);
    let shown = state.value(name).map_or(value, str::to_owned);
    // The framework writes what is inside as it is, as if this were a script.
    let shown = shown.replace('&', "&amp;").replace('<', "&lt;");
    view! {
        <div class="field" data-invalid=invalid.then_some("")>
            <label for=id.clone()>{label}{optional.then(|| view! { <span class="optional">" (optional)"</span> })}</label>
            {hint}
            <textarea
                id=id
                name=name
                class=code.then_some("coded")
                spellcheck=code.then_some("false")
                rows=rows.to_string()
                required=!optional
                aria-describedby=described_by
                aria-invalid=invalid.then_some("true")
            >
                {shown}
            </textarea>
            {error}
        </div>
    }
}

/// One choice of a [`Select`].
#[derive(Debug, Clone)]
pub struct Choice {
    pub value: String,
    pub label: String,
    /// Shown, but not to be chosen; the label says why.
    pub closed: bool,
}

impl Choice {
    #[must_use]
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into(), closed: false }
    }

    /// One that cannot be chosen; `label` says why.
    #[must_use]
    pub fn closed(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { closed: true, ..Self::new(value, label) }
    }
}

/// One of several. `value` is chosen at first.
#[component]
pub fn Select(
    name: &'static str,
    #[prop(into)] label: String,
    #[prop(optional, into)] hint: String,
    #[prop(optional, into)] value: String,
    choices: Vec<Choice>,
) -> impl IntoView {
    let state = state();
    let Around { id, invalid, described_by, hint, error } = around(name, &hint, &state);
    let chosen = state.value(name).map_or(value, str::to_owned);
    let options = choices
        .into_iter()
        .map(|choice| {
            let selected = choice.value == chosen && !choice.closed;
            view! {
                <option value=choice.value selected=selected disabled=choice.closed>
                    {choice.label}
                </option>
            }
        })
        .collect_view();
    view! {
        <div class="field" data-invalid=invalid.then_some("")>
            <label for=id.clone()>{label}</label>
            {hint}
            <select
                id=id
                name=name
                aria-describedby=described_by
                aria-invalid=invalid.then_some("true")
            >
                {options}
            </select>
            {error}
        </div>
    }
}

/// A box to tick; sends `value` when ticked. Several may share a `name`.
#[component]
pub fn Checkbox(
    name: &'static str,
    #[prop(into)] label: String,
    #[prop(default = "true".to_owned(), into)] value: String,
    #[prop(optional)] checked: bool,
    #[prop(optional, into)] hint: String,
) -> impl IntoView {
    let state = state();
    let ticked = state.chose(name, &value).unwrap_or(checked);
    let Around { id, invalid, described_by, hint, error } = around(name, &hint, &state);
    // Boxes that share a name need an id each; the first keeps the one the summary links to.
    let id = if value == "true" { id } else { format!("{id}-{value}") };
    view! {
        <div class="check" data-invalid=invalid.then_some("")>
            <input
                id=id.clone()
                name=name
                type="checkbox"
                value=value
                checked=ticked
                aria-describedby=described_by
            />
            <label for=id>{label}</label>
            {hint}
            {error}
        </div>
    }
}

/// Travels with the form, unseen.
#[component]
pub fn Hidden(name: &'static str, #[prop(into)] value: String) -> impl IntoView {
    view! { <input type="hidden" name=name value=value /> }
}
