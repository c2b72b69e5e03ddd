//! Making, editing, activating, removing and explaining routes: the platform's and an org's own.
//! A policy is typed as JSON, so what is wrong with it is told with the line where it stands.

mod line;

use crate::fault::Fault;
use crate::form::Form;
use crate::pages::routes::Owner;
use crate::pages::routes::explain::Told;
use crate::visit::Visit;
use axum::response::Response;
use contract::api::routes::{ActivateRoute, CreateRoute, ExplainRoute, RouteCall, UpdateRoute};
use contract::snapshot::RoutePolicy;
use line::line_of;
use portal_app::components::Tone;
use portal_app::text::routes as text;
use serde::de::DeserializeOwned;

async fn create(visit: &Visit, owner: Owner, form: Form) -> Result<Response, Fault> {
    let page = format!("{}/new", owner.base);
    let body = match read_new(&form) {
        Ok(body) => body,
        Err(fault) => return visit.retry(&page, &form, fault),
    };
    match visit.backend().create_route(owner.slug(), form.key(), &body).await {
        Ok(route) => {
            let to = format!("{}/{}", owner.base, route.id);
            visit.go(to).notice(Tone::Good, text::CREATED).answer()
        }
        Err(fault) => visit.retry(&page, &form, placed(fault, form.raw("policy"))),
    }
}

fn read_new(form: &Form) -> Result<CreateRoute, Fault> {
    Ok(CreateRoute {
        model_id: form.parse("model_id", text::CHOOSE)?,
        policy: json(form, "policy", text::NOT_JSON)?,
        note: form.text("note"),
        activate: form.ticked("activate"),
    })
}

async fn edit(visit: &Visit, owner: Owner, id: &str, form: Form) -> Result<Response, Fault> {
    let page = format!("{}/{id}", owner.base);
    let policy = match json(&form, "policy", text::NOT_JSON) {
        Ok(policy) => policy,
        Err(fault) => return visit.retry(&page, &form, fault),
    };
    let body = UpdateRoute { policy, note: form.text("note"), activate: form.ticked("activate") };
    match visit.backend().update_route(owner.slug(), id, form.version(), &body).await {
        Ok(_) => visit.go(page).notice(Tone::Good, text::SAVED).answer(),
        Err(fault) => visit.retry(&page, &form, placed(fault, form.raw("policy"))),
    }
}

async fn activate(visit: &Visit, owner: Owner, id: &str, form: Form) -> Result<Response, Fault> {
    let page = format!("{}/{id}", owner.base);
    let active = match form.parse_optional("active", text::CHOOSE) {
        Ok(active) => active,
        Err(fault) => return visit.retry(&page, &form, fault),
    };
    let body = ActivateRoute { active };
    match visit.backend().activate_route(owner.slug(), id, form.version(), &body).await {
        Ok(_) => visit.go(page).notice(Tone::Good, text::ACTIVATED).answer(),
        Err(fault) => visit.retry(&page, &form, fault),
    }
}

async fn delete(visit: &Visit, owner: Owner, id: &str, form: Form) -> Result<Response, Fault> {
    match visit.backend().delete_route(owner.slug(), id).await {
        Ok(()) => visit.go(owner.base).notice(Tone::Good, text::DELETED).answer(),
        Err(fault) => visit.retry(&format!("{}/{id}", owner.base), &form, fault),
    }
}

async fn explain(visit: &Visit, owner: Owner, form: Form) -> Result<Response, Fault> {
    let page = format!("{}/explain", owner.base);
    let asked = match read_asked(&owner, &form) {
        Ok(asked) => asked,
        Err(fault) => return visit.retry(&page, &form, fault),
    };
    match visit.backend().explain_route(&asked).await {
        Ok(told) => {
            let typed = form.raw("call").to_owned();
            visit.go(page).payload(&Told { asked, typed, told }).answer()
        }
        Err(fault) => visit.retry(&page, &form, placed(fault, form.raw("policy"))),
    }
}

fn read_asked(owner: &Owner, form: &Form) -> Result<ExplainRoute, Fault> {
    let policy: Option<RoutePolicy> = match form.optional("policy") {
        Some(_) => Some(json(form, "policy", text::NOT_JSON)?),
        None => None,
    };
    let call: RouteCall = json(form, "call", text::CALL_NOT_JSON)?;
    let org = owner.slug.clone().or_else(|| form.optional("org"));
    let request_id = form.parse_optional("request_id", text::NO_REQUEST)?;
    Ok(ExplainRoute { model: form.text("model"), org, policy, call, request_id })
}

/// A field that is JSON.
fn json<T: DeserializeOwned>(form: &Form, field: &str, complaint: &str) -> Result<T, Fault> {
    serde_json::from_str(form.raw(field))
        .map_err(|error| Fault::field(field, &format!("{complaint} {error}.")))
}

/// Says of what is wrong with a policy in which line it stands.
fn placed(mut fault: Fault, policy: &str) -> Fault {
    if let Fault::Refused(problem) = &mut fault {
        for error in &mut problem.errors {
            if let Some(within) = error.pointer.strip_prefix("/policy/") {
                let line = line_of(policy, within.split('/'));
                error.detail = format!("Line {line} ({within}): {}", error.detail);
                "/policy".clone_into(&mut error.pointer);
            }
        }
    }
    fault
}

/// The forms under `/o/{org}/routes`.
pub mod org {
    use super::{Fault, Form, Owner, Response};
    use crate::visit::OrgVisit;
    use axum::extract::Path;

    /// # Errors
    /// What no form can mend.
    pub async fn create(visit: OrgVisit, form: Form) -> Result<Response, Fault> {
        super::create(&visit, Owner::of(&visit), form).await
    }

    /// # Errors
    /// What no form can mend.
    pub async fn edit(
        visit: OrgVisit,
        Path((_, id)): Path<(String, String)>,
        form: Form,
    ) -> Result<Response, Fault> {
        super::edit(&visit, Owner::of(&visit), &id, form).await
    }

    /// # Errors
    /// What no form can mend.
    pub async fn activate(
        visit: OrgVisit,
        Path((_, id)): Path<(String, String)>,
        form: Form,
    ) -> Result<Response, Fault> {
        super::activate(&visit, Owner::of(&visit), &id, form).await
    }

    /// # Errors
    /// What no form can mend.
    pub async fn delete(
        visit: OrgVisit,
        Path((_, id)): Path<(String, String)>,
        form: Form,
    ) -> Result<Response, Fault> {
        super::delete(&visit, Owner::of(&visit), &id, form).await
    }

    /// # Errors
    /// What no form can mend.
    pub async fn explain(visit: OrgVisit, form: Form) -> Result<Response, Fault> {
        super::explain(&visit, Owner::of(&visit), form).await
    }
}

/// The forms under `/admin/routes`.
pub mod admin {
    use super::{Fault, Form, Owner, Response};
    use crate::visit::OperatorVisit;
    use axum::extract::Path;

    /// # Errors
    /// What no form can mend.
    pub async fn create(visit: OperatorVisit, form: Form) -> Result<Response, Fault> {
        super::create(&visit, Owner::platform(), form).await
    }

    /// # Errors
    /// What no form can mend.
    pub async fn edit(
        visit: OperatorVisit,
        Path(id): Path<String>,
        form: Form,
    ) -> Result<Response, Fault> {
        super::edit(&visit, Owner::platform(), &id, form).await
    }

    /// # Errors
    /// What no form can mend.
    pub async fn activate(
        visit: OperatorVisit,
        Path(id): Path<String>,
        form: Form,
    ) -> Result<Response, Fault> {
        super::activate(&visit, Owner::platform(), &id, form).await
    }

    /// # Errors
    /// What no form can mend.
    pub async fn delete(
        visit: OperatorVisit,
        Path(id): Path<String>,
        form: Form,
    ) -> Result<Response, Fault> {
        super::delete(&visit, Owner::platform(), &id, form).await
    }

    /// # Errors
    /// What no form can mend.
    pub async fn explain(visit: OperatorVisit, form: Form) -> Result<Response, Fault> {
        super::explain(&visit, Owner::platform(), form).await
    }
}
