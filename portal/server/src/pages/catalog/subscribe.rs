//! Subscribing an app, as a part of a product's page. Apps that cannot be chosen are shown with
//! the reason.

use crate::fault::Fault;
use crate::visit::OrgVisit;
use contract::api::apps::App;
use contract::api::catalog::{ProductDetail, Subscription};
use contract::role::Action;
use contract::snapshot::SubscriptionState;
use leptos::prelude::*;
use portal_app::components::{
    Button, Card, Choice, Form, Hidden, LinkButton, Look, Select, StateBadge,
};
use portal_app::text::{apps as app_text, catalog as text};

/// The apps to choose from; none when the member may not subscribe, or to nothing.
///
/// # Errors
/// When the control API does not answer.
pub async fn load(visit: &OrgVisit, product: &ProductDetail) -> Result<Option<Vec<App>>, Fault> {
    if !visit.may(Action::Subscribe) || product.plans.is_empty() {
        return Ok(None);
    }
    Ok(Some(visit.backend().all_apps(&visit.org.slug).await?))
}

/// The form, for those who may, and the apps that are subscribed.
pub fn part(visit: &OrgVisit, product: &ProductDetail, apps: Option<Vec<App>>) -> AnyView {
    let running: Vec<_> = product
        .subscriptions
        .iter()
        .filter(|subscription| holds(subscription.state))
        .cloned()
        .collect();
    let form = apps.map(|apps| form(visit, product, apps, &running));
    let mine = mine(visit, running);
    view! { {form} {mine} }.into_any()
}

/// Does such a subscription stand in the way of another to the same product?
const fn holds(state: SubscriptionState) -> bool {
    use SubscriptionState::{Active, Requested, Suspended};
    matches!(state, Active | Requested | Suspended)
}

fn form(
    visit: &OrgVisit,
    product: &ProductDetail,
    apps: Vec<App>,
    running: &[Subscription],
) -> AnyView {
    let choices: Vec<_> = apps
        .into_iter()
        .map(|app| {
            let held = running.iter().find(|subscription| subscription.app_id == app.id);
            match held {
                Some(held) => {
                    Choice::closed(app.id.to_string(), text::has_it(&app.name, &held.plan_name))
                }
                None if app.disabled => {
                    Choice::closed(app.id.to_string(), text::is_disabled(&app.name))
                }
                None => Choice::new(app.id.to_string(), app.name),
            }
        })
        .collect();
    if choices.is_empty() {
        let new = visit.at("/apps/new");
        return view! {
            <Card title=text::SUBSCRIBE>
                <p>{text::NO_APPS}</p>
                <LinkButton href=new label=app_text::NEW look=Look::Quiet />
            </Card>
        }
        .into_any();
    }
    if choices.iter().all(|choice| choice.closed) {
        return view! { <Card title=text::SUBSCRIBE><p>{text::ALL_SUBSCRIBED}</p></Card> }
            .into_any();
    }
    let state = visit.form(&visit.at(&format!("/catalog/{}/subscribe", product.slug)));
    let plans: Vec<_> = product
        .plans
        .iter()
        .map(|plan| Choice::new(plan.id.to_string(), plan.name.clone()))
        .collect();
    let plan = match plans.as_slice() {
        [only] => view! { <Hidden name="plan_id" value=only.value.clone() /> }.into_any(),
        _ => view! { <Select name="plan_id" label=text::PLAN choices=plans /> }.into_any(),
    };
    view! {
        <Card title=text::SUBSCRIBE>
            <Form state=state>
                <Select name="app_id" label=text::APP choices=choices />
                {plan}
                <Button label=text::SUBSCRIBE_BUTTON />
            </Form>
        </Card>
    }
    .into_any()
}

fn mine(visit: &OrgVisit, running: Vec<Subscription>) -> Option<AnyView> {
    let items = running
        .iter()
        .map(|subscription| {
            let href = visit.at(&format!("/apps/{}", subscription.app_id));
            view! {
                <li>
                    <a href=href>{subscription.app_name.clone()}</a>
                    " · "
                    {subscription.plan_name.clone()}
                    " "
                    <StateBadge state=subscription.state />
                </li>
            }
        })
        .collect_view();
    (!running.is_empty()).then(|| {
        view! { <Card title=text::SUBSCRIBED_APPS><ul class="plain-list">{items}</ul></Card> }
            .into_any()
    })
}
