//! `GET /o/{org}/keys/new`: everything is filled in, so that one click is enough.

use super::table::environment;
use crate::actions::keys::EXPIRY_DEFAULT;
use crate::fault::Fault;
use crate::visit::OrgVisit;
use axum::response::Response;
use contract::key::KeyEnv;
use contract::role::Action;
use leptos::prelude::*;
use portal_app::components::{
    Button, Choice, Crumb, EmptyState, Field, Form, LinkButton, PageHead, Select, Sign,
};
use portal_app::format;
use portal_app::nav::Place;
use portal_app::text::{apps, keys as text};

/// # Errors
/// When the role may not, or the control API does not answer.
pub async fn page(visit: OrgVisit) -> Result<Response, Fault> {
    visit.require(Action::CreateKey)?;
    let apps = visit.backend().all_apps(&visit.org.slug).await?;
    let choices: Vec<_> = apps
        .into_iter()
        .filter(|app| !app.disabled)
        .map(|app| Choice::new(app.id.to_string(), app.name))
        .collect();
    let chosen = visit.query("app").unwrap_or_default();
    let name = format!("{} {}", text::DEFAULT_NAME, format::day(visit.now()));
    let form = visit.form(&visit.at("/keys"));
    let (list, new_app) = (visit.at("/keys"), visit.at("/apps/new"));
    Ok(visit.page(Place::Keys, text::NEW, move || {
        let body = if choices.is_empty() {
            view! {
                <EmptyState sign=Sign::App title=text::NO_APPS why=text::NO_APPS_WHY>
                    <LinkButton href=new_app label=apps::NEW />
                </EmptyState>
            }
            .into_any()
        } else {
            view! {
                <Form state=form>
                    <Select
                        name="app_id"
                        label=text::APP
                        hint=text::APP_HINT
                        value=chosen
                        choices=choices
                    />
                    <Field
                        name="name"
                        label=text::NAME
                        hint=text::NAME_HINT
                        value=name
                        autocomplete="off"
                    />
                    <Select
                        name="env"
                        label=text::ENV
                        hint=text::ENV_HINT
                        value=KeyEnv::Live.as_str()
                        choices=environments()
                    />
                    <Select
                        name="expires_at"
                        label=text::EXPIRY
                        hint=text::EXPIRY_HINT
                        value=EXPIRY_DEFAULT
                        choices=expiries()
                    />
                    <Button label=text::NEW />
                </Form>
            }
            .into_any()
        };
        view! {
            <div class="medium">
                <PageHead
                    title=text::NEW
                    lead=text::NEW_LEAD
                    crumbs=vec![Crumb::new(text::TITLE, list)]
                />
                {body}
            </div>
        }
    }))
}

fn environments() -> Vec<Choice> {
    [KeyEnv::Live, KeyEnv::Test].map(|env| Choice::new(env.as_str(), environment(env))).to_vec()
}

fn expiries() -> Vec<Choice> {
    [("30", text::DAYS_30), ("90", text::DAYS_90), ("365", text::YEAR), ("never", text::NEVER)]
        .map(|(value, label)| Choice::new(value, label))
        .to_vec()
}
