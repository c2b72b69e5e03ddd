//! An app's subscriptions, as a part of its page.

use crate::visit::OrgVisit;
use contract::api::catalog::Subscription;
use contract::role::Action;
use contract::snapshot::SubscriptionState;
use leptos::prelude::*;
use portal_app::components::{
    Button, Cell, CellKind, DataTable, Day, Dialog, DialogButton, Form, Hidden, LinkButton, Look,
    Section, StateBadge,
};
use portal_app::form::FormState;
use portal_app::text::apps as text;

pub fn section(visit: &OrgVisit, subscriptions: Vec<Subscription>) -> impl IntoView + use<> {
    let may = visit.may(Action::Subscribe);
    let catalog = visit.at("/catalog");
    let rows: Vec<_> = subscriptions
        .into_iter()
        .map(|subscription| {
            let product = format!("{catalog}/{}", subscription.product_slug);
            let cancel = (may && is_running(subscription.state)).then(|| {
                visit.form(&visit.at(&format!("/subscriptions/{}/cancel", subscription.id)))
            });
            row(subscription, product, may.then_some(cancel))
        })
        .collect();
    let list = if rows.is_empty() {
        view! { <p class="absent">{text::NO_SUBSCRIPTIONS}</p> }.into_any()
    } else {
        let mut columns = vec![
            (text::PRODUCT, CellKind::Head),
            (text::PLAN, CellKind::Text),
            (text::STATE, CellKind::Text),
            (text::SINCE, CellKind::Text),
        ];
        if may {
            columns.push((text::CHANGE, CellKind::Number));
        }
        view! { <DataTable caption=text::SUBSCRIPTIONS columns=columns rows=rows /> }.into_any()
    };
    let find = may.then(|| {
        view! { <LinkButton href=catalog label=text::ADD_SUBSCRIPTION look=Look::Quiet /> }
    });
    view! { <Section title=text::SUBSCRIPTIONS>{list} {find}</Section> }
}

const fn is_running(state: SubscriptionState) -> bool {
    use SubscriptionState::{Active, Requested, Suspended};
    matches!(state, Requested | Active | Suspended)
}

/// `change` is the last cell: absent for those who may not, empty when there is nothing to end.
fn row(
    subscription: Subscription,
    product: String,
    change: Option<Option<FormState>>,
) -> Vec<Cell> {
    let question = text::cancel_question(&subscription.product_name, &subscription.app_name);
    let (id, app) = (subscription.id.to_string(), subscription.app_id.to_string());
    let mut cells = vec![
        Cell::head(view! { <a href=product>{subscription.product_name}</a> }),
        Cell::text(subscription.plan_name),
        Cell::text(view! { <StateBadge state=subscription.state /> }),
        Cell::text(view! { <Day at=subscription.created_at /> }),
    ];
    cells.extend(change.map(|form| Cell::number(form.map(|form| cancel(form, id, app, question)))));
    cells
}

fn cancel(form: FormState, id: String, app: String, question: String) -> impl IntoView {
    let dialog = format!("cancel-{id}");
    view! {
        <DialogButton id=dialog.clone() label=text::CANCEL_SHORT look=Look::Bare />
        <Dialog id=dialog title=text::CANCEL>
            <p>{question}</p>
            <Form state=form>
                <Hidden name="app" value=app />
                <Button label=text::CANCEL look=Look::Danger />
            </Form>
        </Dialog>
    }
}
