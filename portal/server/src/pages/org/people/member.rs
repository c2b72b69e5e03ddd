//! `GET /o/{org}/members/{person}`: change the role, or remove.

use super::grantable;
use crate::fault::Fault;
use crate::visit::OrgVisit;
use axum::extract::Path;
use axum::response::Response;
use contract::role::Action;
use leptos::prelude::*;
use portal_app::components::{
    ActionButton, Button, Card, Crumb, Fact, Facts, Form, Hidden, Instant, Look, PageHead, Select,
};
use portal_app::nav::Place;
use portal_app::text::people as text;

/// # Errors
/// When the role may not, there is no such member, or the control API does not answer.
pub async fn page(
    visit: OrgVisit,
    Path((_, person)): Path<(String, String)>,
) -> Result<Response, Fault> {
    visit.require(Action::EditMember)?;
    let members = visit.backend().all_members(&visit.org.slug).await?;
    let member = members.into_iter().find(|member| member.person_id.to_string() == person);
    let member = member.ok_or(Fault::NotFound)?;
    // Above one's own role there is nothing to change.
    let may = visit.org.role.may_grant(member.role);
    let list = visit.at("/members");
    let here = format!("{list}/{}", member.person_id);
    let change = may.then(|| (visit.form(&here), grantable(visit.org.role)));
    let remove =
        (may && visit.may(Action::RemoveMember)).then(|| visit.form(&format!("{here}/remove")));
    let title = member.name.clone();
    Ok(visit.page(Place::Members, &title, move || {
        let role = member.role.as_str();
        let version = member.version.to_string();
        let change = change.map(|(form, roles)| {
            view! {
                <Form state=form>
                    <Hidden name="version" value=version />
                    <Select name="role" label=text::ROLE value=role choices=roles />
                    <Button label=text::CHANGE_ROLE />
                </Form>
            }
        });
        let remove = remove.map(|form| {
            view! {
                <Card title=text::REMOVE>
                    <p>{text::REMOVE_WHY}</p>
                    <ActionButton state=form label=text::REMOVE look=Look::Danger />
                </Card>
            }
        });
        view! {
            <div class="medium">
                <PageHead title=member.name crumbs=vec![Crumb::new(text::TITLE, list)] />
                <Facts>
                    <Fact term=text::EMAIL>{member.email}</Fact>
                    <Fact term=text::ROLE>{text::role_word(member.role)}</Fact>
                    <Fact term=text::JOINED><Instant at=member.joined_at /></Fact>
                </Facts>
                {change}
                {remove}
            </div>
        }
    }))
}
