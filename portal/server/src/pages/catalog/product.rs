//! `GET /catalog/{product}` and `GET /o/{org}/catalog/{product}`: facts first, code in sight.

use super::{models, plans, subscribe};
use crate::fault::Fault;
use crate::pages::samples;
use crate::visit::{OrgVisit, Visit};
use axum::extract::Path;
use axum::response::Response;
use contract::api::catalog::ProductDetail;
use contract::role::Action;
use contract::snapshot::Lifecycle;
use leptos::prelude::*;
use portal_app::components::{Card, Columns, Crumb, LinkButton, PageHead, Samples, Section};
use portal_app::nav::Place;
use portal_app::text::{catalog as text, shell};

/// # Errors
/// When there is no such product, or the control API does not answer.
pub async fn public(visit: Visit, Path(product): Path<String>) -> Result<Response, Fault> {
    let me = visit.me().await?;
    let product = visit.backend().product(None, &product).await?;
    let title = product.name.clone();
    let base = visit.app.config.gateway_base();
    let stranger = me.is_none();
    Ok(visit.page(&title, me.as_ref(), || {
        let join = stranger.then(|| {
            view! {
                <Card title=text::SUBSCRIBE>
                    <p>{text::SIGN_UP}</p>
                    <LinkButton href="/signup" label=shell::SIGN_UP />
                </Card>
            }
            .into_any()
        });
        view(product, &base, "/catalog".to_owned(), join)
    }))
}

/// # Errors
/// When the role may not, there is no such product, or the control API does not answer.
pub async fn org(
    visit: OrgVisit,
    Path((_, product)): Path<(String, String)>,
) -> Result<Response, Fault> {
    visit.require(Action::ViewCatalog)?;
    let product = visit.backend().product(Some(&visit.org.slug), &product).await?;
    let apps = subscribe::load(&visit, &product).await?;
    let title = product.name.clone();
    let base = visit.app.config.gateway_base();
    let list = visit.at("/catalog");
    Ok(visit.page(Place::Catalog, &title, || {
        let beside =
            visit.may(Action::ViewSubscriptions).then(|| subscribe::part(&visit, &product, apps));
        view(product, &base, list, beside)
    }))
}

/// `beside` stands at the right where there is room.
fn view(
    product: ProductDetail,
    base: &str,
    list: String,
    beside: Option<AnyView>,
) -> impl IntoView + use<> {
    let callable = product.models.iter().find(|model| model.state == Lifecycle::Active);
    let samples = callable.map(|model| samples::of(base, &model.name, model.modality));
    let samples = samples.map(|samples| {
        view! {
            <Section title=text::SAMPLES>
                <p>{text::SAMPLES_WHY}</p>
                <Samples id="call" samples=samples />
            </Section>
        }
    });
    let paragraphs = product
        .description
        .split("\n\n")
        .map(str::trim)
        .filter(|paragraph| !paragraph.is_empty())
        .map(|paragraph| view! { <p>{paragraph.to_owned()}</p> })
        .collect_view();
    let about = (!paragraphs.is_empty()).then(
        || view! { <Section title=text::ABOUT><div class="prose">{paragraphs}</div></Section> },
    );
    let kinds: Vec<_> =
        product.models.iter().map(|model| (model.name.clone(), model.modality)).collect();
    view! {
        <PageHead
            title=product.name
            lead=product.summary
            crumbs=vec![Crumb::new(text::TITLE, list)]
        />
        <Columns>
            <div>{models::section(product.models)} {samples} {about}</div>
            <div>{beside} {plans::section(product.plans, &kinds)}</div>
        </Columns>
    }
}
