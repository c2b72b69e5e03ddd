//! `GET /o/{org}/apps/{app}/edit`: name and description; disabling.

use crate::fault::Fault;
use crate::visit::OrgVisit;
use axum::extract::Path;
use axum::response::Response;
use contract::role::Action;
use leptos::prelude::*;
use portal_app::components::{
    ActionButton, Button, Card, Crumb, Field, Form, Hidden, Look, PageHead, TextArea,
};
use portal_app::nav::Place;
use portal_app::text::apps as text;

/// # Errors
/// When the role may not, there is no such app, or the control API does not answer.
pub async fn page(
    visit: OrgVisit,
    Path((_, app)): Path<(String, String)>,
) -> Result<Response, Fault> {
    visit.require(Action::EditApp)?;
    let app = visit.backend().app(&visit.org.slug, &app).await?;
    let list = visit.at("/apps");
    let here = format!("{list}/{}", app.id);
    let form = visit.form(&format!("{here}/edit"));
    let switch = visit.form(&format!("{here}/{}", if app.disabled { "enable" } else { "disable" }));
    Ok(visit.page(Place::Apps, text::EDIT_TITLE, move || {
        let version = app.version.to_string();
        let fields = vec![("version", version.clone())];
        let switch = if app.disabled {
            view! { <ActionButton state=switch label=text::ENABLE look=Look::Quiet fields=fields /> }
                .into_any()
        } else {
            view! {
                <p>{text::DISABLE_WHY}</p>
                <ActionButton state=switch label=text::DISABLE look=Look::Danger fields=fields />
            }
            .into_any()
        };
        let crumbs = vec![Crumb::new(text::TITLE, list), Crumb::new(app.name.clone(), here)];
        view! {
            <div class="medium">
                <PageHead title=text::EDIT_TITLE crumbs=crumbs />
                <Form state=form>
                    <Hidden name="version" value=version />
                    <Field
                        name="name"
                        label=text::NAME
                        hint=text::NAME_HINT
                        value=app.name
                        autocomplete="off"
                    />
                    <TextArea
                        name="description"
                        label=text::DESCRIPTION
                        value=app.description
                        rows=3
                        optional=true
                    />
                    <Button label=text::SAVE />
                </Form>
                <Card title=if app.disabled { text::ENABLE } else { text::DISABLE }>{switch}</Card>
            </div>
        }
    }))
}
