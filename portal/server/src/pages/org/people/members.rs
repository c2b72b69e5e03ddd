//! `GET /o/{org}/members`: members and open invitations.

use crate::fault::Fault;
use crate::visit::OrgVisit;
use axum::response::Response;
use contract::api::orgs::{Invitation, Member};
use contract::id::PersonId;
use contract::role::Action;
use leptos::prelude::*;
use portal_app::components::{
    ActionButton, Cell, CellKind, DataTable, Day, LinkButton, Look, PageHead, Section,
};
use portal_app::form::FormState;
use portal_app::nav::Place;
use portal_app::text::people as text;

/// # Errors
/// When the role may not, or the control API does not answer.
pub async fn page(visit: OrgVisit) -> Result<Response, Fault> {
    visit.require(Action::ViewMembers)?;
    let members = visit.backend().all_members(&visit.org.slug).await?;
    let invitations = if visit.may(Action::InviteMember) {
        visit.backend().all_invitations(&visit.org.slug).await?
    } else {
        Vec::new()
    };
    let base = visit.at("/members");
    let edit = visit.may(Action::EditMember).then(|| base.clone());
    let invite = visit.may(Action::InviteMember).then(|| format!("{base}/invite"));
    let withdraw: Vec<_> = invitations
        .into_iter()
        .map(|one| (visit.form(&visit.at(&format!("/invitations/{}/delete", one.id))), one))
        .collect();
    let me = visit.me.id;
    Ok(visit.page(Place::Members, text::TITLE, move || {
        let invite = invite.map(|href| view! { <LinkButton href=href label=text::INVITE /> });
        let open = (!withdraw.is_empty()).then(|| invitations_part(withdraw));
        view! {
            <PageHead title=text::TITLE lead=text::LEAD>{invite}</PageHead>
            {table(members, edit, me)}
            {open}
        }
    }))
}

/// Names lead to the member's page for those who may edit; `me` is marked.
fn table(members: Vec<Member>, edit: Option<String>, me: PersonId) -> impl IntoView {
    let columns = vec![
        (text::NAME, CellKind::Head),
        (text::EMAIL, CellKind::Text),
        (text::ROLE, CellKind::Text),
        (text::JOINED, CellKind::Text),
    ];
    let rows = members
        .into_iter()
        .map(|member| {
            let name = match &edit {
                Some(base) => {
                    let href = format!("{base}/{}", member.person_id);
                    view! { <a href=href>{member.name}</a> }.into_any()
                }
                None => member.name.into_any(),
            };
            let you = (member.person_id == me)
                .then(|| view! { <span class="absent">" (" {text::YOU} ")"</span> });
            vec![
                Cell::head(view! { {name} {you} }),
                Cell::text(member.email),
                Cell::text(text::role_word(member.role)),
                Cell::text(view! { <Day at=member.joined_at /> }),
            ]
        })
        .collect();
    view! { <DataTable caption=text::TITLE columns=columns rows=rows /> }
}

fn invitations_part(invitations: Vec<(FormState, Invitation)>) -> impl IntoView {
    let columns = vec![
        (text::EMAIL, CellKind::Head),
        (text::ROLE, CellKind::Text),
        (text::SENT, CellKind::Text),
        (text::EXPIRES, CellKind::Text),
        (text::CHANGE, CellKind::Number),
    ];
    let rows = invitations
        .into_iter()
        .map(|(form, invitation)| {
            vec![
                Cell::head(invitation.email),
                Cell::text(text::role_word(invitation.role)),
                Cell::text(view! { <Day at=invitation.created_at /> }),
                Cell::text(view! { <Day at=invitation.expires_at /> }),
                Cell::number(view! {
                    <ActionButton state=form label=text::WITHDRAW look=Look::Bare />
                }),
            ]
        })
        .collect();
    view! {
        <Section title=text::INVITATIONS>
            <DataTable caption=text::INVITATIONS columns=columns rows=rows />
        </Section>
    }
}
