//! The page for a fault: what it is, what to do, and the request id.

use crate::App;
use crate::fault::Fault;
use crate::http::arrival::Arrival;
use crate::visit::bare_shell;
use axum::response::{Html, IntoResponse as _, Response};
use contract::error::{ErrorCode, Problem};
use leptos::prelude::*;
use portal_app::components::{Copyable, LinkButton, Look, PageHead};
use portal_app::shell::{Shell, document};
use portal_app::text::fault as text;

/// Draws it with its status.
pub fn page(app: &App, arrival: &Arrival, fault: &Fault) -> Response {
    let (title, why) = words(fault);
    let shell = Shell { title: title.clone(), ..bare_shell(app, arrival) };
    let id = arrival.request_id().to_owned();
    let again = arrival
        .reads()
        .then(|| arrival.here().to_owned())
        .filter(|_| matches!(fault, Fault::Unreachable | Fault::Broken));
    let html = document(
        shell,
        Box::new(move || {
            view! {
            <div class="narrow fault">
                <PageHead title=title lead=why />
                <p class="actions">
                    {again.map(|href| view! { <LinkButton href=href label=text::TRY_AGAIN /> })}
                    <LinkButton href="/" label=text::GO_HOME look=Look::Quiet />
                </p>
                <p class="aside">{text::REQUEST_ID} " " <Copyable text=id what=text::REQUEST_ID /></p>
            </div>
        }
        .into_any()
        }),
    );
    (fault.status(), Html(html)).into_response()
}

fn words(fault: &Fault) -> (String, String) {
    let (title, why) = match fault {
        Fault::NotFound => (text::NOT_FOUND, text::NOT_FOUND_WHY),
        Fault::OtherSite => (text::OTHER_SITE, text::OTHER_SITE_WHY),
        Fault::Unreachable => (text::UNAVAILABLE, text::UNAVAILABLE_WHY),
        Fault::Broken | Fault::SignIn => (text::BROKEN, text::BROKEN_WHY),
        Fault::BadForm(why) => (portal_app::text::form::PROBLEM, *why),
        Fault::Forbidden(action) => {
            let roles = Fault::roles_that_may(*action);
            return (text::FORBIDDEN.to_owned(), text::needs_role(&roles));
        }
        Fault::Refused(problem) => return refused(problem),
    };
    (title.to_owned(), why.to_owned())
}

fn refused(problem: &Problem) -> (String, String) {
    if ErrorCode::parse(&problem.code) == Some(ErrorCode::NotFound) {
        return (text::NOT_FOUND.to_owned(), text::NOT_FOUND_WHY.to_owned());
    }
    let mut why = problem.detail.clone();
    for error in &problem.errors {
        why = format!("{why} {}", error.detail);
    }
    (problem.title.trim_end_matches('.').to_owned(), why)
}
