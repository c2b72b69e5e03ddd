//! `GET /admin/unknowns`: calls of unknown outcome of every organisation, and ending them.

use crate::address;
use crate::fault::Fault;
use crate::pages::org::unknowns;
use crate::visit::OperatorVisit;
use axum::response::Response;
use contract::api::billing::{Resolution, UnknownState};
use leptos::prelude::*;
use portal_app::components::{
    Button, Cell, CellKind, Choice, DataTable, Details, EmptyState, Field, Form, Money, NextPage,
    PageHead, Second, Select, Sign, StateBadge,
};
use portal_app::form::FormState;
use portal_app::nav::Place;
use portal_app::text::{billing as text, requests};

/// # Errors
/// When the control API does not answer.
pub async fn page(visit: OperatorVisit) -> Result<Response, Fault> {
    let found = visit.backend().all_unknowns(visit.query("cursor")).await?;
    Ok(visit.page(Place::AdminUnknowns, text::UNKNOWNS, || {
        let next = address::next(&visit, found.next);
        let columns = vec![
            (text::WHEN, CellKind::Head),
            (text::ORG, CellKind::Text),
            (text::CALL, CellKind::Text),
            (text::MODEL, CellKind::Text),
            (text::STATE, CellKind::Text),
            (text::RESERVED, CellKind::Number),
        ];
        let rows: Vec<_> = found
            .items
            .into_iter()
            .map(|call| {
                let may = matches!(call.state, UnknownState::Open | UnknownState::Unknown);
                let action = format!("/admin/unknowns/{}/resolve", call.request_id);
                let form = may.then(|| visit.form(&action).marked(call.request_id));
                let org = format!("/admin/orgs/{}", call.org_slug);
                let ended = unknowns::ended(&call);
                vec![
                    Cell::head(view! { <Second at=call.at /> }),
                    Cell::text(view! { <a href=org>{call.org_slug}</a> }),
                    Cell::text(view! {
                        <code class="id">{call.request_id.to_string()}</code>
                        {form.map(resolve)}
                    }),
                    Cell::text(view! { <code>{call.model_name}</code> }),
                    Cell::text(view! { <StateBadge state=call.state /> {ended} }),
                    Cell::number(view! { <Money amount=call.reserved_usd /> }),
                ]
            })
            .collect();
        let list = if rows.is_empty() {
            view! {
                <EmptyState sign=Sign::Check title=text::UNKNOWNS_NONE why=text::UNKNOWNS_NONE_WHY />
            }
            .into_any()
        } else {
            view! { <DataTable caption=text::UNKNOWNS columns=columns rows=rows /> }.into_any()
        };
        view! {
            <PageHead title=text::UNKNOWNS lead=text::UNKNOWNS_LEAD />
            {list}
            <NextPage href=next />
        }
    }))
}

fn resolve(form: FormState) -> impl IntoView {
    let open = form.is_refused();
    let count = |(name, label): (&'static str, &'static str)| {
        view! { <Field name=name label=label inputmode="numeric" autocomplete="off" optional=true /> }
    };
    let tokens = text::TOKENS.iter().zip(requests::CLASSES).map(|(name, label)| (*name, label));
    let tokens = tokens.map(count).collect_view();
    let units = text::UNITS.map(count).into_iter().collect_view();
    let choices = vec![
        Choice::new(Resolution::Usage.as_str(), text::BY_REPORT),
        Choice::new(Resolution::Forgive.as_str(), text::FORGIVE),
        Choice::new(Resolution::BillReserved.as_str(), text::BILL),
    ];
    view! {
        <Details summary=text::RESOLVE open=open>
            <Form state=form>
                <Select name="resolution" label=text::RESOLUTION choices=choices />
                <fieldset class="group">
                    <legend>{text::REPORTED}</legend>
                    <div class="rates">{tokens} {units}</div>
                </fieldset>
                <Field name="reason" label=text::REASON />
                <Button label=text::RESOLVE />
            </Form>
        </Details>
    }
}
