//! The fields of a tariff, in the form of a new plan and in that of an old one.

use super::cache;
use crate::actions::admin::tariff::{tiers_text, volume_text};
use contract::api::billing::UnknownPolicy;
use contract::api::catalog::Plan;
use contract::api::models::Model;
use contract::api::tariffs::PlanTariff;
use contract::money::Nanos;
use leptos::prelude::*;
use portal_app::components::{
    Button, Choice, Field, Form, Hidden, Notice, Section, Select, TextArea, Tone,
};
use portal_app::form::FormState;
use portal_app::text::{admin, billing, pools, tariffs as text};

pub fn fields(tariff: Option<&PlanTariff>) -> impl IntoView + use<> {
    let included = tariff.map(|tariff| volume_text(&tariff.included)).unwrap_or_default();
    let tiers = tariff.map(|tariff| tiers_text(&tariff.tiers)).unwrap_or_default();
    let minimum = tariff.map(|tariff| tariff.minimum_usd).filter(|usd| usd.0 > Nanos::ZERO);
    let minimum = minimum.map(|usd| usd.to_string()).unwrap_or_default();
    view! {
        <TextArea
            name="included"
            label=text::INCLUDED
            hint=text::INCLUDED_HINT
            value=included
            rows=2
            optional=true
        />
        <TextArea
            name="tiers"
            label=text::TIERS
            hint=text::TIERS_HINT
            value=tiers
            rows=3
            optional=true
        />
        <Field
            name="minimum_usd"
            label=text::MINIMUM
            hint=text::MINIMUM_HINT
            inputmode="decimal"
            autocomplete="off"
            value=minimum
            optional=true
        />
    }
}

pub fn policy(value: UnknownPolicy) -> impl IntoView {
    let choices = UnknownPolicy::ALL
        .iter()
        .map(|policy| Choice::new(policy.as_str(), billing::policy(*policy)))
        .collect();
    view! {
        <Select
            name="unknown_policy"
            label=billing::UNKNOWNS
            hint=billing::POLICY_HINT
            value=value.as_str()
            choices=choices
        />
    }
}

/// How urgent the plan's calls are.
pub fn priority(value: u8) -> impl IntoView {
    view! {
        <Field
            name="priority"
            label=pools::PRIORITY
            hint=pools::PRIORITY_HINT
            inputmode="numeric"
            autocomplete="off"
            value=value.to_string()
        />
    }
}

/// The form of a plan's terms. It shows what the plan will have, and says what it has until then.
pub fn terms(form: FormState, plan: &Plan, models: Vec<Model>) -> impl IntoView + use<> {
    let last = plan.tariff_next.as_ref().map_or(plan.tariff.as_ref(), |next| next.tariff.as_ref());
    let last = last.cloned();
    let now = plan.tariff.as_ref().map(text::points).unwrap_or_default();
    let next = plan.tariff_next.as_ref().map(text::next).unwrap_or_default();
    let (version, unknown_policy) = (plan.version.to_string(), plan.unknown_policy);
    let (kept, urgent) = (plan.cache, plan.priority);
    let points: Vec<_> =
        now.into_iter().chain(next).map(|point| view! { <li>{point}</li> }).collect();
    let points = (!points.is_empty()).then(|| view! { <ul class="points-list">{points}</ul> });
    view! {
        <Section title=text::TERMS>
            <Notice tone=Tone::Plain>{text::LEAD}</Notice>
            {points}
            <Form state=form>
                <Hidden name="version" value=version />
                // Made within the form, they know what was typed and what is wrong with it.
                {policy(unknown_policy)}
                {fields(last.as_ref())}
                {cache::fields(&kept, &models)}
                {priority(urgent)}
                <Button label=admin::SAVE />
            </Form>
        </Section>
    }
}
