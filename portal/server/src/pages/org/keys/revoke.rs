//! `GET /o/{org}/keys/{key}/revoke`: what would stop, and the question.

use crate::fault::Fault;
use crate::visit::OrgVisit;
use axum::extract::Path;
use axum::response::Response;
use contract::api::keys::KeyState;
use contract::role::Action;
use leptos::prelude::*;
use portal_app::components::{
    Button, Crumb, Fact, Facts, Form, LinkButton, Look, Notice, PageHead, Tone,
};
use portal_app::format;
use portal_app::nav::Place;
use portal_app::text::keys as text;

/// # Errors
/// When the role may not, there is no such key, or the control API does not answer.
pub async fn page(
    visit: OrgVisit,
    Path((_, key)): Path<(String, String)>,
) -> Result<Response, Fault> {
    visit.require(Action::RevokeKey)?;
    let org = &visit.org.slug;
    let key = visit.backend().key(org, &key).await?;
    let filter = [("app", key.app_id.to_string())];
    let siblings = visit.backend().keys(org, &filter, None).await?.items;
    let working = siblings
        .iter()
        .filter(|other| other.id != key.id && other.app_id == key.app_id)
        .filter(|other| other.state == KeyState::Active)
        .count();
    let used = key.last_used_at.map_or_else(
        || text::NEVER_USED.to_owned(),
        |at| text::last_used(&format::ago(at, visit.now())),
    );
    let others = text::others(&key.app_name, working);
    let (list, back) = (visit.at("/keys"), visit.at(&format!("/keys/{}", key.id)));
    let form = visit.form(&format!("{back}/revoke"));
    Ok(visit.page(Place::Keys, text::REVOKE, move || {
        let crumbs =
            vec![Crumb::new(text::TITLE, list), Crumb::new(key.name.clone(), back.clone())];
        view! {
            <div class="medium">
                <PageHead title=text::REVOKE crumbs=crumbs />
                <Facts>
                    <Fact term=text::NAME>{key.name}</Fact>
                    <Fact term=text::KEY><code>{key.masked}</code></Fact>
                </Facts>
                <Notice tone=Tone::Bad title=text::CONSEQUENCE>
                    <p>{used} " " {others}</p>
                </Notice>
                <Form state=form>
                    <p class="actions">
                        <Button label=text::REVOKE_SURE look=Look::Danger />
                        <LinkButton href=back label=text::KEEP look=Look::Quiet />
                    </p>
                </Form>
            </div>
        }
    }))
}
