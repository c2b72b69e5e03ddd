//! `GET /docs/errors` and `GET /docs/errors/{code}`: every refusal, its cause and what to do.

use crate::fault::Fault;
use crate::visit::Visit;
use axum::extract::Path;
use axum::response::Response;
use contract::error::ErrorCode;
use leptos::prelude::*;
use portal_app::components::{Cell, CellKind, Crumb, DataTable, Fact, Facts, PageHead, Section};
use portal_app::text::docs as text;
use portal_app::text::errors::explain;

/// Every code.
///
/// # Errors
/// When the control API does not answer a visitor who has a session.
pub async fn list(visit: Visit) -> Result<Response, Fault> {
    let me = visit.me().await.unwrap_or_default();
    Ok(visit.page(text::ERRORS, me.as_ref(), || {
        let rows = ErrorCode::ALL
            .iter()
            .map(|code| {
                let name = code.as_str();
                vec![
                    Cell::head(
                        view! { <a href=format!("/docs/errors/{name}")><code>{name}</code></a> },
                    ),
                    Cell::number(code.status().to_string()),
                    Cell::text(code.title()),
                ]
            })
            .collect();
        let columns = vec![
            (text::CODE, CellKind::Text),
            (text::STATUS, CellKind::Number),
            (text::MEANING, CellKind::Text),
        ];
        view! {
            <div class="medium">
                <PageHead title=text::ERRORS lead=text::ERRORS_LEAD />
                <DataTable caption=text::ERRORS columns=columns rows=rows />
            </div>
        }
    }))
}

/// One code.
///
/// # Errors
/// [`Fault::NotFound`] when there is no such code.
pub async fn page(visit: Visit, Path(code): Path<String>) -> Result<Response, Fault> {
    let code = ErrorCode::parse(&code).ok_or(Fault::NotFound)?;
    let me = visit.me().await.unwrap_or_default();
    let explained = explain(code);
    Ok(visit.page(code.as_str(), me.as_ref(), move || {
        view! {
            <article class="medium prose">
                <PageHead
                    title=code.as_str()
                    lead=code.title()
                    crumbs=vec![Crumb::new(text::ERRORS, "/docs/errors")]
                />
                <Facts>
                    <Fact term=text::STATUS>{code.status().to_string()}</Fact>
                    <Fact term=text::RETRY>{explained.retry}</Fact>
                </Facts>
                <Section title=text::CAUSE><p>{explained.cause}</p></Section>
                <Section title=text::FIX><p>{explained.fix}</p></Section>
            </article>
        }
    }))
}
