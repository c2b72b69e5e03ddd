//! The fields of what a plan keeps, in the form of a new plan and in that of an old one.

use contract::snapshot::{CacheExact, CachePolicy, CacheScope};
use leptos::prelude::*;
use portal_app::components::{Button, Checkbox, Choice, Field, Form, Look, Section, Select};
use portal_app::form::FormState;
use portal_app::text::cache as text;

pub fn fields(cache: &CachePolicy) -> impl IntoView + use<> {
    let exact =
        CacheExact::ALL.map(|exact| Choice::new(exact.as_str(), text::exact(exact))).to_vec();
    let scopes =
        CacheScope::ALL.map(|scope| Choice::new(scope.as_str(), text::scope(scope))).to_vec();
    let percent = |name: &'static str, label: &'static str, value: u8| {
        view! {
            <Field
                name=name
                label=label
                hint=text::PERCENT_HINT
                inputmode="numeric"
                autocomplete="off"
                value=value.to_string()
            />
        }
    };
    view! {
        <Select
            name="cache_exact"
            label=text::EXACT
            hint=text::EXACT_HINT
            value=cache.exact.as_str()
            choices=exact
        />
        <Field
            name="cache_ttl_s"
            label=text::TTL
            hint=text::TTL_HINT
            inputmode="numeric"
            autocomplete="off"
            value=cache.ttl_s.to_string()
        />
        <Select
            name="cache_scope"
            label=text::SCOPE
            hint=text::SCOPE_HINT
            value=cache.scope.as_str()
            choices=scopes
        />
        {percent("cache_hit_price_percent", text::HIT_PRICE, cache.hit_price_percent)}
        <Checkbox name="cache_coalesce" label=text::COALESCE checked=cache.coalesce />
        {percent(
            "cache_coalesced_price_percent",
            text::COALESCED_PRICE,
            cache.coalesced_price_percent,
        )}
    }
}

/// Throwing away what was kept of it.
pub fn purge(form: FormState) -> impl IntoView {
    view! {
        <Section title=text::TITLE>
            <p>{text::PURGE_PRODUCT}</p>
            <Form state=form>
                <Button label=text::PURGE look=Look::Danger />
            </Form>
        </Section>
    }
}
