//! `GET /admin/providers`, `/new` and `/{provider}`.

pub mod list;
pub mod provider;

use contract::api::providers::Provider;
use contract::snapshot::{Auth, Dialect, ProviderSettings};
use leptos::prelude::*;
use portal_app::components::{Checkbox, Choice, Details, Field, Hidden, Select};
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
    let settings = settings(provider);
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
        {settings}
        {disabled}
    }
}

fn dialects() -> Vec<Choice> {
    Dialect::ALL.iter().map(|one| Choice::new(one.as_str(), text::dialect(*one))).collect()
}

fn auths() -> Vec<Choice> {
    Auth::ALL.iter().map(|one| Choice::new(one.as_str(), text::auth(*one))).collect()
}

/// What only some kinds of provider ask for.
fn settings(provider: Option<&Provider>) -> impl IntoView + use<> {
    let ProviderSettings { region, project, api_version, token_url, vendor } =
        provider.map(|provider| provider.settings.clone()).unwrap_or_default();
    let also = provider.map(|provider| provider.also.clone()).unwrap_or_default();
    let own = provider.map(|provider| provider.dialect);
    let others = Dialect::ALL.iter().filter(|one| Some(**one) != own).map(|one| {
        let ticked = also.contains(one);
        view! {
            <Checkbox name="also" value=one.as_str() label=text::dialect(*one) checked=ticked />
        }
    });
    let others = others.collect_view();
    let text_field = |name, label: &'static str, hint: &'static str, value: Option<String>| {
        let value = value.unwrap_or_default();
        view! {
            <Field name=name label=label hint=hint value=value autocomplete="off" optional=true />
        }
    };
    view! {
        <Details summary=text::MORE>
            <p>{text::ALSO_HINT}</p>
            {others}
            {text_field("region", text::REGION, text::REGION_HINT, region)}
            {text_field("project", text::PROJECT, text::PROJECT_HINT, project)}
            {text_field("api_version", text::API_VERSION, text::API_VERSION_HINT, api_version)}
            {text_field("exchange", text::TOKEN_URL, text::TOKEN_URL_HINT, token_url)}
            {text_field("vendor", text::VENDOR, text::VENDOR_HINT, vendor)}
        </Details>
    }
}
