//! The fields of what a plan keeps, in the form of a new plan and in that of an old one.

use contract::api::models::Model;
use contract::snapshot::{CacheExact, CachePolicy, CacheScope, Lifecycle, Modality};
use leptos::prelude::*;
use portal_app::components::{Button, Checkbox, Choice, Field, Form, Look, Section, Select};
use portal_app::form::FormState;
use portal_app::text::cache as text;

/// `models`: among which are those by which calls can be compared.
pub fn fields(cache: &CachePolicy, models: &[Model]) -> impl IntoView + use<> {
    let by = cache.semantic.map(|semantic| semantic.model_id);
    let fit = models.iter().filter(|model| {
        let answers = matches!(model.state, Lifecycle::Active | Lifecycle::Deprecated);
        // The one that is chosen is there, whatever became of it.
        model.modality == Modality::Embedding && answers || by == Some(model.id)
    });
    let fit = fit.map(|model| Choice::new(model.id.to_string(), model.name.clone()));
    let compares: Vec<_> =
        std::iter::once(Choice::new("", text::SEMANTIC_NONE)).chain(fit).collect();
    let by = by.map(|id| id.to_string()).unwrap_or_default();
    let alike = cache.semantic.map_or(text::ALIKE_USUAL, |semantic| semantic.alike_min);
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
        <Select
            name="cache_semantic_model"
            label=text::SEMANTIC
            hint=text::SEMANTIC_HINT
            value=by
            choices=compares
        />
        <Field
            name="cache_alike_min"
            label=text::ALIKE
            hint=text::ALIKE_HINT
            inputmode="numeric"
            autocomplete="off"
            value=alike.to_string()
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
