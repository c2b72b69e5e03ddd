//! `GET /orgs`: where to work.

use crate::visit::SignedIn;
use axum::response::Response;
use leptos::prelude::*;
use portal_app::components::{Button, Card, EmptyState, Field, Form, Look, PageHead, Sign};
use portal_app::text::account as text;

pub async fn page(visit: SignedIn) -> Response {
    let form = visit.form("/orgs");
    let orgs = visit.me.orgs.clone();
    visit.page(text::ORGS, move || {
        let list = if orgs.is_empty() {
            view! { <EmptyState sign=Sign::Members title=text::NO_ORGS why=text::NO_ORGS_WHY /> }
                .into_any()
        } else {
            let items = orgs
                .into_iter()
                .map(|org| {
                    view! {
                        <li>
                            <a class="tile" href=format!("/o/{}", org.slug)>
                                <strong>{org.name}</strong>
                                <span class="tile-note">{org.role.as_str()}</span>
                            </a>
                        </li>
                    }
                })
                .collect_view();
            view! { <ul class="tiles">{items}</ul> }.into_any()
        };
        view! {
            <div class="medium">
                <PageHead title=text::ORGS lead=text::ORGS_LEAD />
                {list}
                <Card title=text::NEW_ORG>
                    <Form state=form>
                        <Field
                            name="name"
                            label=text::NEW_ORG_NAME
                            hint=text::NEW_ORG_HINT
                            autocomplete="organization"
                        />
                        <Button label=text::NEW_ORG_BUTTON look=Look::Quiet />
                    </Form>
                </Card>
            </div>
        }
    })
}
