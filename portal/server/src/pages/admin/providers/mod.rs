//! `GET /admin/providers`, `/new`, `/{provider}` and `/{provider}/replicas`.

pub mod list;
mod pool;
pub mod provider;
pub mod replicas;

use contract::api::providers::Provider;
use contract::snapshot::{Auth, Dialect, ProviderSettings};
use contract::vendor::{VENDORS, Vendor};
use leptos::prelude::*;
use portal_app::components::{Checkbox, Choice, Details, Field, Hidden, Select, TextArea};
use portal_app::text::admin as text;

/// What the form is filled with before anybody typed.
#[derive(Default)]
struct Filled {
    name: String,
    slug: String,
    base_url: String,
    dialect: Option<Dialect>,
    also: Vec<Dialect>,
    auth: Option<Auth>,
    settings: ProviderSettings,
}

impl Filled {
    fn from_provider(provider: &Provider) -> Self {
        Self {
            name: provider.name.clone(),
            slug: provider.slug.clone(),
            base_url: provider.base_url.clone(),
            dialect: Some(provider.dialect),
            also: provider.also.clone(),
            auth: Some(provider.auth),
            settings: provider.settings.clone(),
        }
    }

    fn from_vendor(vendor: &Vendor) -> Self {
        Self {
            name: vendor.name.to_owned(),
            slug: vendor.slug.replace('_', "-"),
            base_url: vendor.base_url.to_owned(),
            dialect: Some(vendor.dialect),
            also: vendor.also.to_vec(),
            auth: Some(vendor.auth),
            settings: ProviderSettings {
                vendor: Some(vendor.slug.to_owned()),
                api_version: vendor.api_version.map(str::to_owned),
                ..ProviderSettings::default()
            },
        }
    }
}

/// The fields of the form, for a new provider or for `provider`. A new one may start from a vendor.
/// `refused` when the form comes back: then nothing of it is folded away.
fn fields(
    provider: Option<&Provider>,
    vendor: Option<&Vendor>,
    refused: bool,
) -> impl IntoView + use<> {
    let filled = provider.map(Filled::from_provider).or(vendor.map(Filled::from_vendor));
    let filled = filled.unwrap_or_default();
    let dialect = filled.dialect.unwrap_or(Dialect::Openai);
    let own = match provider {
        None => view! {
            <Field
                name="slug"
                label=text::SLUG
                hint=text::SLUG_HINT
                value=filled.slug
                autocomplete="off"
            />
            <Select
                name="dialect"
                label=text::DIALECT
                value=dialect.as_str()
                choices=dialects()
            />
        }
        .into_any(),
        Some(provider) => {
            view! { <Hidden name="version" value=provider.version.to_string() /> }.into_any()
        }
    };
    let disabled = provider.map(|provider| {
        view! { <Checkbox name="disabled" label=text::DISABLED checked=provider.disabled /> }
    });
    let (name, base) = (filled.name, filled.base_url);
    let auth = filled.auth.unwrap_or(Auth::Bearer);
    let hint = match provider {
        Some(provider) if provider.has_credential => text::CREDENTIAL_KEEP,
        _ => text::CREDENTIAL_HINT,
    };
    // Which dialect a new provider has is not known yet: all others may be ticked.
    let open = refused || auth == Auth::AwsSigv4 || dialect == Dialect::Watsonx;
    let settings = settings(provider.map(|_| dialect), &filled.also, filled.settings, open);
    let pool = pool::fields(provider.and_then(|provider| provider.pool.as_ref()), refused);
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
        {pool}
        {disabled}
    }
}

fn dialects() -> Vec<Choice> {
    Dialect::ALL.iter().map(|one| Choice::new(one.as_str(), text::dialect(*one))).collect()
}

fn auths() -> Vec<Choice> {
    Auth::ALL.iter().map(|one| Choice::new(one.as_str(), text::auth(*one))).collect()
}

fn vendors() -> Vec<Choice> {
    let none = Choice::new("", text::VENDOR_NONE);
    let known = VENDORS.iter().map(|vendor| Choice::new(vendor.slug, vendor.name));
    std::iter::once(none).chain(known).collect()
}

/// What only some kinds of provider ask for.
fn settings(
    own: Option<Dialect>,
    also: &[Dialect],
    filled: ProviderSettings,
    open: bool,
) -> impl IntoView + use<> {
    let ProviderSettings { region, project, api_version, token_url, vendor, predict } = filled;
    let predict = predict.and_then(|map| serde_json::to_string_pretty(&map).ok());
    let stated = [&region, &project, &api_version, &token_url, &predict];
    let open = open || stated.into_iter().any(Option::is_some);
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
        <Details summary=text::MORE open=open>
            <fieldset class="boxes" id="field-also">
                <legend>{text::ALSO}</legend>
                <p class="hint">{text::ALSO_HINT}</p>
                {others}
            </fieldset>
            {text_field("region", text::REGION, text::REGION_HINT, region)}
            {text_field("project", text::PROJECT, text::PROJECT_HINT, project)}
            {text_field("api_version", text::API_VERSION, text::API_VERSION_HINT, api_version)}
            {text_field("exchange", text::TOKEN_URL, text::TOKEN_URL_HINT, token_url)}
            <Select
                name="vendor"
                label=text::VENDOR
                hint=text::VENDOR_HINT
                value=vendor.unwrap_or_default()
                choices=vendors()
            />
            <TextArea
                name="predict"
                label=text::PREDICT
                hint=text::PREDICT_HINT
                value=predict.unwrap_or_default()
                rows=8
                optional=true
            />
        </Details>
    }
}
