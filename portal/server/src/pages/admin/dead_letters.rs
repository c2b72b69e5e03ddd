//! `GET /admin/dead-letters`: usage events that could not be booked.

use crate::address;
use crate::fault::Fault;
use crate::visit::OperatorVisit;
use axum::response::Response;
use contract::api::dead_letters::DeadLetter;
use leptos::prelude::*;
use portal_app::components::{
    ActionButton, Cell, CellKind, DataTable, Details, EmptyState, Instant, LinkButton, Look, Money,
    NextPage, PageHead, Sign,
};
use portal_app::nav::Place;
use portal_app::text::dead_letters as text;

/// # Errors
/// When the control API does not answer.
pub async fn page(visit: OperatorVisit) -> Result<Response, Fault> {
    let all = visit.query("state").is_some_and(|state| state == "all");
    let found = visit.backend().dead_letters(all, visit.query("cursor")).await?;
    let next =
        found.next.map(|next| address::with(visit.arrival().here(), &[("cursor", Some(&next))]));
    Ok(visit.page(Place::AdminDeadLetters, text::TITLE, || {
        let list = if found.items.is_empty() {
            view! { <EmptyState sign=Sign::Check title=text::NONE why=text::NONE_WHY /> }.into_any()
        } else {
            table(&visit, found.items).into_any()
        };
        let (href, label) = if all {
            ("/admin/dead-letters", text::OPEN)
        } else {
            ("/admin/dead-letters?state=all", text::ALL)
        };
        view! {
            <PageHead title=text::TITLE lead=text::LEAD>
                <LinkButton href=href label=label look=Look::Quiet />
            </PageHead>
            {list}
            <NextPage href=next />
        }
    }))
}

fn table(visit: &OperatorVisit, letters: Vec<DeadLetter>) -> impl IntoView + use<> {
    let columns = vec![
        (text::KEPT, CellKind::Head),
        (text::REASON, CellKind::Text),
        (text::CALL, CellKind::Text),
        (text::ORG, CellKind::Text),
        (text::SAID, CellKind::Number),
        (text::STATE, CellKind::Text),
    ];
    let rows = letters.into_iter().map(|letter| row(visit, letter)).collect();
    view! { <DataTable caption=text::TITLE columns=columns rows=rows /> }
}

fn row(visit: &OperatorVisit, letter: DeadLetter) -> Vec<Cell> {
    let told = |id: Option<String>| id.unwrap_or_else(|| text::UNTOLD.to_owned());
    let said = match letter.said_usd {
        Some(cost) => view! { <Money amount=cost /> }.into_any(),
        None => text::UNTOLD.into_any(),
    };
    let state = if letter.replayed_at.is_some() {
        text::BOOKED.into_any()
    } else {
        let form = visit.form(&format!("/admin/dead-letters/{}/replay", letter.id));
        view! { <ActionButton state=form label=text::REPLAY look=Look::Quiet /> }.into_any()
    };
    vec![
        Cell::head(view! { <Instant at=letter.at /> }),
        Cell::text(view! {
            {letter.reason}
            <Details summary=text::EVENT>
                <pre class="code"><code>{letter.body}</code></pre>
            </Details>
        }),
        Cell::text(view! { <code>{told(letter.request_id.map(|id| id.to_string()))}</code> }),
        Cell::text(view! { <code>{told(letter.org_id.map(|id| id.to_string()))}</code> }),
        Cell::number(said),
        Cell::text(state),
    ]
}
