//! `GET /admin/providers`, `/new` and `/{provider}`.

pub mod list;
pub mod provider;

use contract::api::providers::Provider;
use contract::snapshot::{Auth, Dialect};
use leptos::prelude::*;
use portal_app::components::{Checkbox, Choice, Field, Hidden, Select};
use portal_app::text::admin as text;

/// The fields of the form, for a new provider or for `provider`.
fn fields(provider: Option<&Provider>) -> impl IntoView + use<> {
    let own = match provider {
        None => view! {
            <Field name="slug" label=text::SLUG hint=text::SLUG_HINT autocomplete="off" />
            <Select name="dialect" label=text::DIALECT choices=dialects() />
        }
        .into_any(),
        Some(provider) => {
            view! { <Hidden name="version" value=provider.version.to_string() /> }.into_any()
        }
    };
    let disabled = provider.map(|provider| {
        view! { <Checkbox name="disabled" label=text::DISABLED checked=provider.disabled /> }
    });
    let name = provider.map(|provider| provider.name.clone()).unwrap_or_default();
    let base = provider.map(|provider| provider.base_url.clone()).unwrap_or_default();
    let auth = provider.map_or(Auth::Bearer, |provider| provider.auth);
    let hint = match provider {
        Some(provider) if provider.has_credential => text::CREDENTIAL_KEEP,
        _ => text::CREDENTIAL_HINT,
    };
    view! {
        <Field name="name" label=text::NAME value=name autocomplete="off" />
        {own}
        <Field
            name="base_url"
            label=text::BASE_URL
            hint=text::BASE_URL_HINT
            kind="url"
            value=base
            autocomplete="off"
        />
        <Select name="auth" label=text::AUTH value=auth.as_str() choices=auths() />
        <Field
            name="credential"
            label=text::CREDENTIAL
            hint=hint
            kind="password"
            autocomplete="off"
            optional=true
        />
        {disabled}
    }
}

fn dialects() -> Vec<Choice> {
    vec![Choice::new(Dialect::Openai.as_str(), text::dialect(Dialect::Openai))]
}

fn auths() -> Vec<Choice> {
    [Auth::Bearer, Auth::ApiKey, Auth::None]
        .map(|auth| Choice::new(auth.as_str(), text::auth(auth)))
        .to_vec()
}
