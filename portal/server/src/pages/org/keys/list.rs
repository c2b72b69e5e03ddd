//! `GET /o/{org}/keys`.

use super::table::table;
use crate::address;
use crate::fault::Fault;
use crate::visit::OrgVisit;
use axum::response::Response;
use contract::role::Action;
use leptos::prelude::*;
use portal_app::components::{EmptyState, LinkButton, NextPage, PageHead, Sign};
use portal_app::nav::Place;
use portal_app::text::keys as text;

/// # Errors
/// When the role may not, or the control API does not answer.
pub async fn page(visit: OrgVisit) -> Result<Response, Fault> {
    visit.require(Action::ViewKeys)?;
    let keys = visit.backend().keys(&visit.org.slug, &[], visit.query("cursor")).await?;
    let next = address::next(&visit, keys.next);
    let (base, now, may) = (visit.at("/keys"), visit.now(), visit.may(Action::CreateKey));
    Ok(visit.page(Place::Keys, text::TITLE, move || {
        let new = format!("{base}/new");
        let list = if keys.items.is_empty() {
            let (why, button) = if may {
                (text::NONE_WHY, Some(view! { <LinkButton href=new.clone() label=text::NEW /> }))
            } else {
                (text::NONE_ASK, None)
            };
            view! { <EmptyState sign=Sign::Key title=text::NONE why=why>{button}</EmptyState> }
                .into_any()
        } else {
            table(keys.items, &base, now, true).into_any()
        };
        view! {
            <PageHead title=text::TITLE lead=text::LEAD>
                {may.then(|| view! { <LinkButton href=new label=text::NEW /> })}
            </PageHead>
            {list}
            <NextPage href=next />
        }
    }))
}
