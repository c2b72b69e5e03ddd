//! `GET /`: what this is, with a call to look at.

use crate::fault::Fault;
use crate::pages::samples;
use crate::visit::Visit;
use axum::response::Response;
use leptos::prelude::*;
use portal_app::components::{LinkButton, Look, Samples};
use portal_app::text::landing as text;

/// What the sample calls while nobody has chosen a model.
const SAMPLE_MODEL: &str = "your-model";

/// # Errors
/// When the control API does not answer a visitor who has a session.
pub async fn page(visit: Visit) -> Result<Response, Fault> {
    // The start page stands even when the control API does not.
    let me = visit.me().await.unwrap_or_default();
    let samples = samples::chat(&visit.app.config.gateway_base(), SAMPLE_MODEL);
    Ok(visit.page(text::TITLE, me.as_ref(), move || {
        let points = text::POINTS
            .map(|(title, why)| view! { <li><h2>{title}</h2><p>{why}</p></li> })
            .into_iter()
            .collect_view();
        view! {
            <div class="landing">
                <section class="hero">
                    <div class="hero-words">
                        <h1>{text::TITLE}</h1>
                        <p class="lead">{text::LEAD}</p>
                        <p class="actions">
                            <LinkButton href="/signup" label=text::START />
                            <LinkButton href="/catalog" label=text::LOOK look=Look::Quiet />
                        </p>
                    </div>
                    <div class="hero-sample">
                        <h2 class="eyebrow">{text::SAMPLE}</h2>
                        <Samples id="sample" samples=samples />
                        <p class="hint">{text::SAMPLE_NOTE}</p>
                    </div>
                </section>
                <ul class="points">{points}</ul>
            </div>
        }
    }))
}
