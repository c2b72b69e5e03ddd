//! `GET /o/{org}/keys/created/{key}`: the secret, once. The answer is `no-store`, the secret is in
//! no address, and a second look finds nothing.

use crate::fault::Fault;
use crate::pages::samples;
use crate::visit::OrgVisit;
use axum::extract::Path;
use axum::response::Response;
use contract::api::keys::CreatedKey;
use contract::id::AppId;
use contract::role::Action;
use contract::snapshot::{Lifecycle, Modality, SubscriptionState};
use leptos::prelude::*;
use portal_app::components::{
    CodeBlock, Copyable, Details, LinkButton, Look, Notice, PageHead, Section, Tone,
};
use portal_app::islands::FirstCall;
use portal_app::nav::Place;
use portal_app::text::{home, keys as text};

/// # Errors
/// When the role may not, there is no such key, or the control API does not answer.
pub async fn page(
    visit: OrgVisit,
    Path((_, key)): Path<(String, String)>,
) -> Result<Response, Fault> {
    visit.require(Action::ViewKeys)?;
    match visit.payload::<CreatedKey>() {
        Some(created) => reveal(&visit, created).await,
        None => shown_before(&visit, &key).await,
    }
}

async fn reveal(visit: &OrgVisit, created: CreatedKey) -> Result<Response, Fault> {
    let model = sample_model(visit, created.key.app_id).await?;
    let base = visit.app.config.gateway_base();
    let curl = model.map(|model| samples::curl_with_key(&base, &model, &created.secret));
    let first_call = visit.at(&format!("/keys/{}/first-call", created.key.id));
    let (done, catalog) = (visit.at("/keys"), visit.at("/catalog"));
    let usage = visit.at("/usage");
    Ok(visit.page(Place::Keys, text::REVEAL, move || {
        let secret = created.secret;
        let env_line = format!("{}={secret}", samples::KEY_VARIABLE);
        let try_it = match curl {
            Some(curl) => view! {
                <p>{text::USE_IT_WHY}</p>
                <CodeBlock code=curl what=text::CURL />
                <div class="needs-js">
                    <FirstCall
                        url=first_call
                        waiting=text::WAITING.to_owned()
                        seen=text::SEEN.to_owned()
                    />
                </div>
            }
            .into_any(),
            None => view! {
                <p>{home::NO_MODEL}</p>
                <LinkButton href=catalog label=home::OPEN_CATALOG look=Look::Quiet />
            }
            .into_any(),
        };
        view! {
            <div class="medium">
                <PageHead title=text::REVEAL lead=created.key.name />
                <Notice tone=Tone::Wait title=text::REVEAL_WARN>
                    <p>{text::REVEAL_WHY}</p>
                </Notice>
                <p class="reveal"><Copyable text=secret what=text::THE_KEY /></p>
                <Details summary=text::AS_ENV>
                    <CodeBlock code=env_line what=text::ENV_LINE />
                </Details>
                <Section title=text::USE_IT>{try_it}</Section>
                <p class="actions">
                    <LinkButton href=done label=text::STORED />
                    <LinkButton href=usage label=text::SEE_USAGE look=Look::Quiet />
                </p>
            </div>
        }
    }))
}

async fn shown_before(visit: &OrgVisit, key: &str) -> Result<Response, Fault> {
    let key = visit.backend().key(&visit.org.slug, key).await?;
    let (details, new) = (visit.at(&format!("/keys/{}", key.id)), visit.at("/keys/new"));
    let mut response = visit.page(Place::Keys, text::SHOWN, move || {
        view! {
            <div class="medium">
                <PageHead title=text::SHOWN lead=text::SHOWN_WHY />
                <p class="actions">
                    <LinkButton href=details label=text::SEE_KEY look=Look::Quiet />
                    <LinkButton href=new label=text::NEW look=Look::Quiet />
                </p>
            </div>
        }
    });
    *response.status_mut() = http::StatusCode::GONE;
    Ok(response)
}

/// A chat model that the app may call, for the sample.
async fn sample_model(visit: &OrgVisit, app: AppId) -> Result<Option<String>, Fault> {
    let org = &visit.org.slug;
    let onboarding = visit.backend().onboarding(org).await?;
    if onboarding.app_id == Some(app) && onboarding.sample_model.is_some() {
        return Ok(onboarding.sample_model);
    }
    let subscriptions = visit.backend().subscriptions(org, &app.to_string()).await?;
    for subscription in subscriptions {
        if subscription.state != SubscriptionState::Active {
            continue;
        }
        let product = visit.backend().product(Some(org), &subscription.product_slug).await?;
        let callable = product
            .models
            .into_iter()
            .find(|model| model.modality == Modality::Chat && model.state == Lifecycle::Active);
        if let Some(model) = callable {
            return Ok(Some(model.name));
        }
    }
    Ok(None)
}
