//! `GET /account`: who one is here.

use crate::visit::SignedIn;
use axum::response::Response;
use leptos::prelude::*;
use portal_app::components::{Card, Fact, Facts, Instant, Notice, PageHead, Tone};
use portal_app::text::account as text;

pub async fn page(visit: SignedIn) -> Response {
    let me = visit.me.clone();
    visit.page(text::ACCOUNT, move || {
        let operator =
            me.is_operator.then(|| view! { <Notice tone=Tone::Plain>{text::OPERATOR}</Notice> });
        let orgs = me
            .orgs
            .into_iter()
            .map(|org| {
                view! {
                    <Fact term=org.role.as_str()>
                        <a href=format!("/o/{}", org.slug)>{org.name}</a>
                    </Fact>
                }
            })
            .collect_view();
        view! {
            <div class="medium">
                <PageHead title=text::ACCOUNT />
                {operator}
                <Card>
                    <Facts>
                        <Fact term=text::NAME>{me.name}</Fact>
                        <Fact term=text::EMAIL>{me.email}</Fact>
                        <Fact term=text::SINCE><Instant at=me.created_at /></Fact>
                    </Facts>
                </Card>
                <Card title=text::ORGS><Facts>{orgs}</Facts></Card>
            </div>
        }
    })
}
