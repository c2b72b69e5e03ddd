//! `GET /o/{org}/webhooks`, `/webhooks/{webhook}`, and the secret of a new one, once.

use crate::address;
use crate::fault::Fault;
use crate::visit::OrgVisit;
use axum::extract::Path;
use axum::response::{IntoResponse as _, Redirect, Response};
use contract::api::webhooks::{CreatedWebhook, Delivery, Webhook};
use contract::role::Action;
use leptos::prelude::*;
use portal_app::components::{
    ActionButton, Button, Cell, CellKind, CodeBlock, Copyable, Crumb, DataTable, Day, Details,
    Disabled, EmptyState, Field, Form, Instant, LinkButton, Look, NextPage, Notice, PageHead,
    Second, Section, Sign, StateBadge, Tone,
};
use portal_app::nav::Place;
use portal_app::text::webhooks as text;

/// # Errors
/// When the role may not, or the control API does not answer.
pub async fn list(visit: OrgVisit) -> Result<Response, Fault> {
    visit.require(Action::ViewWebhooks)?;
    let webhooks = visit.backend().all_webhooks(&visit.org.slug).await?;
    let base = visit.at("/webhooks");
    let form = visit.may(Action::EditWebhook).then(|| visit.form(&base));
    Ok(visit.page(Place::Webhooks, text::TITLE, move || {
        let list = if webhooks.is_empty() {
            view! { <EmptyState sign=Sign::Webhook title=text::NONE why=text::NONE_WHY /> }
                .into_any()
        } else {
            table(&base, webhooks).into_any()
        };
        let add = form.map(|form| {
            view! {
                <Section title=text::ADD>
                    <Form state=form>
                        <Field
                            name="url"
                            kind="url"
                            label=text::URL
                            hint=text::URL_HINT
                            autocomplete="off"
                        />
                        <Button label=text::ADD />
                    </Form>
                </Section>
            }
        });
        view! { <PageHead title=text::TITLE lead=text::LEAD /> {list} {add} {verify()} }
    }))
}

fn table(base: &str, webhooks: Vec<Webhook>) -> impl IntoView + use<> {
    let columns = vec![
        (text::URL, CellKind::Head),
        (text::STATE, CellKind::Text),
        (text::SINCE, CellKind::Text),
    ];
    let rows = webhooks
        .into_iter()
        .map(|webhook| {
            let href = format!("{base}/{}", webhook.id);
            let disabled = Disabled(webhook.disabled_at.is_some());
            vec![
                Cell::head(view! { <a href=href>{webhook.url}</a> }),
                Cell::text(view! { <StateBadge state=disabled /> }),
                Cell::text(view! { <Day at=webhook.created_at /> }),
            ]
        })
        .collect();
    view! { <DataTable caption=text::TITLE columns=columns rows=rows /> }
}

fn verify() -> impl IntoView {
    view! {
        <Details summary=text::VERIFY>
            <p>{text::VERIFY_WHY}</p>
            <CodeBlock code=text::SAMPLE what=text::CODE />
        </Details>
    }
}

/// # Errors
/// When the role may not, there is no such webhook, or the control API does not answer.
pub async fn page(
    visit: OrgVisit,
    Path((_, webhook)): Path<(String, String)>,
) -> Result<Response, Fault> {
    visit.require(Action::ViewWebhooks)?;
    let org = &visit.org.slug;
    let all = visit.backend().all_webhooks(org).await?;
    let found = all.into_iter().find(|one| one.id.to_string() == webhook).ok_or(Fault::NotFound)?;
    let sent = visit.backend().deliveries(org, &webhook, visit.query("cursor")).await?;
    let list = visit.at("/webhooks");
    let own = format!("{list}/{}", found.id);
    let may = visit.may(Action::EditWebhook);
    let test = (may && found.disabled_at.is_none()).then(|| visit.form(&format!("{own}/test")));
    let rotate = may.then(|| visit.form(&format!("{own}/rotate")));
    let delete = may.then(|| visit.form(&format!("{own}/delete")));
    let next = address::next(&visit, sent.next);
    Ok(visit.page(Place::Webhooks, text::DELIVERIES, move || {
        let test = test.map(|state| {
            view! { <ActionButton state=state label=text::TEST look=Look::Quiet /> }
        });
        let rotate = rotate.map(|state| {
            view! {
                <Details summary=text::ROTATE>
                    <p>{text::ROTATE_WHY}</p>
                    <ActionButton state=state label=text::ROTATE look=Look::Quiet />
                </Details>
            }
        });
        let old = found.old_secret_until.map(|at| {
            view! { <p>{text::OLD_UNTIL} " " <Instant at=at /> "."</p> }
        });
        let delete = delete.map(|state| {
            view! {
                <Details summary=text::DELETE>
                    <ActionButton state=state label=text::DELETE look=Look::Danger />
                </Details>
            }
        });
        view! {
            <PageHead
                title=text::DELIVERIES
                lead=found.url
                crumbs=vec![Crumb::new(text::TITLE, list)]
            >
                {test}
            </PageHead>
            {deliveries(sent.items)}
            <NextPage href=next />
            {old}
            {rotate}
            {delete}
        }
    }))
}

fn deliveries(sent: Vec<Delivery>) -> impl IntoView {
    if sent.is_empty() {
        return view! { <p class="absent">{text::NO_DELIVERIES}</p> }.into_any();
    }
    let columns = vec![
        (text::MESSAGE, CellKind::Head),
        (text::STATE, CellKind::Text),
        (text::AT, CellKind::Text),
        (text::ATTEMPTS, CellKind::Number),
        (text::ANSWER, CellKind::Text),
    ];
    let rows = sent
        .into_iter()
        .map(|one| {
            let status = one.last_status.map(|status| format!("HTTP {status}"));
            let answer: Vec<_> = [status, one.last_error].into_iter().flatten().collect();
            vec![
                Cell::head(one.kind),
                Cell::text(view! { <StateBadge state=one.state /> }),
                Cell::text(view! { <Second at=one.created_at /> }),
                Cell::number(one.attempts.to_string()),
                Cell::text(answer.join(": ")),
            ]
        })
        .collect();
    view! { <DataTable caption=text::DELIVERIES columns=columns rows=rows /> }.into_any()
}

/// The secret of a webhook that was just made. A second look finds nothing.
///
/// # Errors
/// When the role may not.
pub async fn secret(visit: OrgVisit) -> Result<Response, Fault> {
    visit.require(Action::EditWebhook)?;
    let list = visit.at("/webhooks");
    let Some(created) = visit.payload::<CreatedWebhook>() else {
        return Ok(Redirect::to(&list).into_response());
    };
    Ok(visit.page(Place::Webhooks, text::SECRET, move || {
        view! {
            <div class="medium">
                <PageHead title=text::SECRET lead=created.webhook.url />
                <Notice tone=Tone::Wait title=text::SECRET_WARN>
                    <p>{text::SECRET_WHY}</p>
                </Notice>
                <p class="reveal"><Copyable text=created.secret what=text::THE_SECRET /></p>
                {verify()}
                <p class="actions"><LinkButton href=list label=text::STORED /></p>
            </div>
        }
    }))
}
