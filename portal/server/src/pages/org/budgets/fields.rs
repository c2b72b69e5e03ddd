//! Fields that making and changing a budget share, and what they offer.

use crate::fault::Fault;
use crate::visit::OrgVisit;
use contract::api::budgets::{Budget, BudgetAction};
use contract::role::Action;
use leptos::prelude::*;
use portal_app::components::{Choice, Field, Select};
use portal_app::text::budgets as text;
use std::collections::BTreeMap;

/// Products whose models are offered.
const PRODUCTS_MAX: usize = 50;

/// The models of the org's catalogue, by name.
///
/// # Errors
/// When the control API does not answer.
pub async fn models(visit: &OrgVisit) -> Result<Vec<Choice>, Fault> {
    let org = Some(visit.org.slug.as_str());
    let mut found = BTreeMap::new();
    let mut cursor = None;
    for _ in 0..PRODUCTS_MAX {
        let page = visit.backend().catalog(org, &[], cursor).await?;
        for summary in page.items {
            let product = visit.backend().product(org, &summary.slug).await?;
            found.extend(product.models.into_iter().map(|model| (model.name, model.id)));
        }
        cursor = page.next;
        if cursor.is_none() || found.len() >= PRODUCTS_MAX {
            break;
        }
    }
    Ok(found.into_iter().map(|(name, id)| Choice::new(id.to_string(), name)).collect())
}

/// What a budget may be on: the org, its teams and apps, the plans it is subscribed to, and its keys
/// for those who see them.
///
/// # Errors
/// When the control API does not answer.
pub async fn scopes(visit: &OrgVisit) -> Result<Vec<Choice>, Fault> {
    let org = &visit.org.slug;
    let mut all = vec![Choice::new(visit.org.org_id.to_string(), text::ORG)];
    let teams = visit.backend().all_teams(org).await?;
    let named = |kind: &str, name: String| format!("{kind}: {name}");
    all.extend(
        teams.into_iter().map(|one| Choice::new(one.id.to_string(), named("Team", one.name))),
    );
    let apps = visit.backend().all_apps(org).await?;
    all.extend(apps.into_iter().map(|one| Choice::new(one.id.to_string(), named("App", one.name))));
    if visit.may(Action::ViewSubscriptions) {
        let subscriptions = visit.backend().all_subscriptions(org).await?;
        let plans: BTreeMap<String, String> = subscriptions
            .into_iter()
            .map(|one| {
                (format!("{}, {}", one.product_name, one.plan_name), one.plan_id.to_string())
            })
            .collect();
        all.extend(plans.into_iter().map(|(name, id)| Choice::new(id, named("Plan", name))));
    }
    if visit.may(Action::ViewKeys) {
        let keys = visit.backend().keys(org, &[], None).await?;
        all.extend(
            keys.items
                .into_iter()
                .map(|one| Choice::new(one.id.to_string(), named("Key", one.name))),
        );
    }
    Ok(all)
}

/// Amount, thresholds and action, as they are in `budget` or as a new one has them.
pub fn terms(budget: Option<&Budget>, models: Vec<Choice>) -> impl IntoView + use<> {
    let amount = budget.map_or_else(String::new, |budget| budget.amount_usd.to_string());
    let thresholds = budget.map_or_else(
        || "50, 80, 100".to_owned(),
        |budget| budget.thresholds.iter().map(u16::to_string).collect::<Vec<_>>().join(", "),
    );
    let action = budget.map_or(BudgetAction::Deny, |budget| budget.action);
    let percent = match action {
        BudgetAction::Throttle { percent } => percent.to_string(),
        _ => "10".to_owned(),
    };
    let cheaper = match action {
        BudgetAction::Downgrade { model_id } => model_id.to_string(),
        _ => String::new(),
    };
    let mut offered = vec![Choice::new("", text::NO_MODEL)];
    // A model that has left the catalogue stays chosen until another one is.
    let named = budget.and_then(|budget| budget.downgrade_model_name.clone());
    if let Some(name) = named.filter(|_| models.iter().all(|one| one.value != cheaper)) {
        offered.push(Choice::new(cheaper.clone(), name));
    }
    offered.extend(models);
    let actions = text::ACTIONS.map(|(value, label)| Choice::new(value, label)).to_vec();
    view! {
        <Field
            name="amount_usd"
            label=text::AMOUNT
            hint=text::AMOUNT_HINT
            value=amount
            inputmode="decimal"
            autocomplete="off"
        />
        <Field
            name="thresholds"
            label=text::THRESHOLDS
            hint=text::THRESHOLDS_HINT
            value=thresholds
            autocomplete="off"
            optional=true
        />
        <Select name="action" label=text::ACTION value=action.as_str() choices=actions />
        <Field
            name="percent"
            label=text::PERCENT
            hint=text::PERCENT_HINT
            value=percent
            inputmode="numeric"
            autocomplete="off"
            optional=true
        />
        <Select
            name="downgrade_model_id"
            label=text::CHEAPER
            hint=text::CHEAPER_HINT
            value=cheaper
            choices=offered
        />
    }
}
