//! `GET /admin/aliases`: other names for models, and where all names lead.

use super::models::life::cut_overs;
use crate::address;
use crate::fault::Fault;
use crate::visit::OperatorVisit;
use axum::response::Response;
use contract::api::lifecycle::Alias;
use leptos::prelude::*;
use portal_app::components::{
    ActionButton, Button, Cell, CellKind, Crumb, DataTable, EmptyState, Field, Form, Instant, Look,
    NextPage, PageHead, Section, Sign,
};
use portal_app::form::FormState;
use portal_app::nav::Place;
use portal_app::text::{admin, lifecycle as text};

/// # Errors
/// When the control API does not answer.
pub async fn page(visit: OperatorVisit) -> Result<Response, Fault> {
    let aliases = visit.backend().aliases(visit.query("cursor")).await?;
    let done = visit.backend().cut_overs(None, None).await?;
    let next = address::next(&visit, aliases.next);
    Ok(visit.page(Place::AdminModels, text::ALIASES_TITLE, || {
        let list = if aliases.items.is_empty() {
            view! { <EmptyState sign=Sign::Model title=text::NO_ALIASES why=text::NO_ALIASES_WHY /> }
                .into_any()
        } else {
            table(&visit, aliases.items).into_any()
        };
        let add = add(visit.form("/admin/aliases"));
        let names = cut_overs::section(&visit, None, done.items);
        view! {
            <PageHead
                title=text::ALIASES_TITLE
                lead=text::ALIASES_LEAD
                crumbs=vec![Crumb::new(admin::MODELS, "/admin/models")]
            />
            {list}
            <NextPage href=next />
            {add}
            {names}
        }
    }))
}

fn table(visit: &OperatorVisit, aliases: Vec<Alias>) -> impl IntoView + use<> {
    let columns = vec![
        (text::NAME, CellKind::Head),
        (text::TO, CellKind::Text),
        (text::ANSWERS, CellKind::Text),
        (text::NEXT, CellKind::Text),
        (text::CHANGE, CellKind::Number),
    ];
    let rows = aliases
        .into_iter()
        .map(|alias| {
            let form = visit.form(&format!("/admin/aliases/{}/delete", alias.id));
            let next = alias.next.map(|next| {
                view! { <code>{next.to}</code> " " <Instant at=next.at /> }
            });
            vec![
                Cell::head(view! { <code>{alias.name}</code> }),
                Cell::text(view! { <code>{alias.to}</code> }),
                Cell::text(view! { <code>{alias.model_name}</code> }),
                Cell::text(next),
                Cell::number(view! {
                    <ActionButton state=form label=text::DELETE look=Look::Bare />
                }),
            ]
        })
        .collect();
    view! { <DataTable caption=text::ALIASES columns=columns rows=rows /> }
}

fn add(form: FormState) -> impl IntoView {
    view! {
        <Section title=text::ADD_ALIAS>
            <div class="medium">
                <Form state=form>
                    <Field
                        name="name"
                        label=text::NAME
                        hint=text::ALIAS_NAME_HINT
                        autocomplete="off"
                    />
                    <Field name="to" label=text::TO hint=text::TO_HINT autocomplete="off" />
                    <Button label=text::ADD_ALIAS />
                </Form>
            </div>
        </Section>
    }
}
