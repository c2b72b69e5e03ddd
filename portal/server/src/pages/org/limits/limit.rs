//! `GET /o/{org}/limits/{limit}`: one limit, its use, and other maxima for a while.

use super::list::{resets, used};
use crate::fault::Fault;
use crate::visit::OrgVisit;
use axum::extract::Path;
use axum::response::Response;
use contract::api::limits::{EffectiveLimit, Limit, LimitOverride};
use contract::money::Usd;
use contract::role::Action;
use contract::snapshot::Metric;
use leptos::prelude::*;
use portal_app::components::{
    ActionButton, Button, Cell, CellKind, Crumb, DataTable, Details, Fact, Facts, Field, Form,
    Hidden, Instant, Look, Notice, PageHead, Section, Tone,
};
use portal_app::form::FormState;
use portal_app::nav::Place;
use portal_app::text::limits as text;

/// # Errors
/// When the role may not, there is no such limit, or the control API does not answer.
pub async fn page(
    visit: OrgVisit,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, Fault> {
    visit.require(Action::ViewUsage)?;
    let slug = &visit.org.slug;
    let limit = visit.backend().limit(slug, &id).await?;
    let query = [("id", limit.id.to_string())];
    let standing = visit.backend().effective_limits(slug, &query).await?.items.pop();
    let here = visit.at(&format!("/limits/{}", limit.id));
    let may = visit.may(Action::EditLimit);
    let title = text::whole_phrase(&limit);
    Ok(visit.page(Place::Limits, &title, || {
        let gone = limit.is_gone.then(|| view! { <Notice tone=Tone::Wait>{text::GONE}</Notice> });
        let edit = may.then(|| edit(visit.form(&here), &limit));
        let remove = may.then(|| {
            let form = visit.form(&format!("{here}/delete"));
            view! { <ActionButton state=form label=text::REMOVE look=Look::Danger /> }
        });
        let overrides = overrides(&visit, &here, &limit, may);
        view! {
            <PageHead
                title=title.clone()
                crumbs=vec![Crumb::new(text::TITLE, visit.at("/limits"))]
            >
                {remove}
            </PageHead>
            {gone}
            {facts(&limit, standing)}
            {edit}
            {overrides}
        }
    }))
}

fn facts(limit: &Limit, standing: Option<EffectiveLimit>) -> impl IntoView + use<> {
    let scope = format!("{} {}", text::scope(limit.scope), limit.scope_name);
    let percent = format!("{} %", limit.without_redis_percent);
    let standing = standing.map(|one| {
        let in_force = text::amount(one.metric, one.max, one.max_usd);
        let (used, resets) = (used(&one), resets(&one));
        view! {
            <Fact term=text::IN_FORCE>{in_force}</Fact>
            <Fact term=text::USED>{used}</Fact>
            <Fact term=text::RESETS>{resets}</Fact>
        }
    });
    let since = limit.created_at;
    view! {
        <Facts>
            <Fact term=text::ON>{scope}</Fact>
            {standing}
            <Fact term=text::WITHOUT_REDIS>{percent}</Fact>
            <Fact term=text::SINCE><Instant at=since /></Fact>
        </Facts>
    }
}

/// The number as it is typed.
fn typed(max: Option<i64>, max_usd: Option<Usd>) -> String {
    max.map(|max| max.to_string()).or(max_usd.map(|usd| usd.to_string())).unwrap_or_default()
}

fn edit(form: FormState, limit: &Limit) -> impl IntoView + use<> {
    let max = typed(limit.max, limit.max_usd);
    let percent = limit.without_redis_percent.to_string();
    let (metric, version) = (limit.metric.as_str(), limit.version.to_string());
    let of_money = limit.metric == Metric::Money;
    let percent = (!of_money).then(|| {
        view! {
            <Field
                name="without_redis_percent"
                label=text::WITHOUT_REDIS
                hint=text::WITHOUT_REDIS_HINT
                inputmode="numeric"
                autocomplete="off"
                value=percent
            />
        }
    });
    view! {
        <Section title=text::EDIT>
            <p>{text::EDIT_LEAD}</p>
            <div class="medium">
                <Form state=form>
                    <Hidden name="version" value=version />
                    <Hidden name="metric" value=metric />
                    <Field
                        name="max"
                        label=text::MAX
                        hint=text::MAX_HINT
                        inputmode="decimal"
                        autocomplete="off"
                        value=max
                    />
                    {percent}
                    <Button label=text::SAVE />
                </Form>
            </div>
        </Section>
    }
}

fn overrides(visit: &OrgVisit, here: &str, limit: &Limit, may: bool) -> impl IntoView + use<> {
    let list = if limit.overrides.is_empty() {
        view! { <p class="absent">{text::NO_OVERRIDES}</p> }.into_any()
    } else {
        let end = |one: &LimitOverride| {
            may.then(|| visit.form(&format!("{here}/overrides/{}/end", one.id)))
        };
        let rows = limit.overrides.iter().map(|one| row(limit.metric, one, end(one))).collect();
        let mut columns = vec![
            (text::MAX, CellKind::Head),
            (text::FROM, CellKind::Text),
            (text::UNTIL, CellKind::Text),
            (text::REASON, CellKind::Text),
            (text::BY, CellKind::Text),
        ];
        if may {
            columns.push((text::CHANGE, CellKind::Number));
        }
        view! { <DataTable caption=text::OVERRIDES columns=columns rows=rows /> }.into_any()
    };
    let add = may.then(|| add(visit.form(&format!("{here}/overrides")), limit.metric));
    view! { <Section title=text::OVERRIDES>{list} {add}</Section> }
}

fn row(metric: Metric, one: &LimitOverride, end: Option<FormState>) -> Vec<Cell> {
    let (starts_at, ends_at) = (one.starts_at, one.ends_at);
    let mut cells = vec![
        Cell::head(text::amount(metric, one.max, one.max_usd)),
        Cell::text(view! { <Instant at=starts_at /> }),
        Cell::text(view! { <Instant at=ends_at /> }),
        Cell::text(one.reason.clone()),
        Cell::text(one.created_by_name.clone()),
    ];
    cells.extend(end.map(|form| {
        Cell::number(view! { <ActionButton state=form label=text::END look=Look::Bare /> })
    }));
    cells
}

fn add(form: FormState, metric: Metric) -> impl IntoView {
    let open = form.is_refused();
    view! {
        <Details summary=text::OVERRIDE open=open>
            <Form state=form>
                <Hidden name="metric" value=metric.as_str() />
                <Field
                    name="override_max"
                    label=text::MAX
                    hint=text::MAX_HINT
                    inputmode="decimal"
                    autocomplete="off"
                />
                <Field
                    name="starts_at"
                    label=text::FROM
                    hint=text::FROM_HINT
                    kind="datetime-local"
                    optional=true
                />
                <Field name="ends_at" label=text::UNTIL hint=text::UNTIL_HINT kind="datetime-local" />
                <Field name="reason" label=text::REASON autocomplete="off" />
                <Button label=text::OVERRIDE look=Look::Quiet />
            </Form>
        </Details>
    }
}
