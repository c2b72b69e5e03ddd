//! What a page and a form handler get: the request's facts, who is signed in, the control API,
//! what the last answer left, and the ways to answer.

use crate::App;
use crate::backend::Backend;
use crate::fault::Fault;
use crate::flash::{Flash, RefusedForm, Slot};
use crate::form::Form;
use crate::http::arrival::{Arrival, token};
use axum::extract::{FromRequestParts, RawPathParams};
use axum::response::{Html, IntoResponse, Redirect, Response};
use contract::Timestamp;
use contract::api::identity::{Me, Membership};
use contract::error::{ErrorCode, Problem};
use contract::role::Action;
use http::request::Parts;
use leptos::prelude::{IntoAny as _, IntoView};
use portal_app::components::Tone;
use portal_app::form::{FormState, Refused};
use portal_app::nav::Place;
use portal_app::shell::{Content, Person, Rail, Shell, Viewer, document};
use portal_app::text;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::ops::Deref;
use std::sync::Arc;

/// A visit of anybody.
#[derive(Debug)]
pub struct Visit {
    pub app: Arc<App>,
    arrival: Arrival,
    /// What the last answer left for this page; empty for a POST.
    flash: Flash,
}

impl FromRequestParts<Arc<App>> for Visit {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Fault> {
        let arrival = parts.extensions.get::<Arrival>().cloned().ok_or(Fault::Broken)?;
        let mut visit = Self { app: Arc::clone(app), arrival, flash: Flash::default() };
        if visit.arrival.reads() {
            visit.flash = visit.take_flash(visit.arrival.path());
        }
        Ok(visit)
    }
}

impl Visit {
    /// The control API, on behalf of this visitor.
    #[must_use]
    pub fn backend(&self) -> Backend<'_> {
        Backend::new(&self.app, &self.arrival)
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.app.clock.now()
    }

    #[must_use]
    pub fn arrival(&self) -> &Arrival {
        &self.arrival
    }

    /// A parameter of the address's query, when present and not empty.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<String> {
        let (_, query) = self.arrival.here().split_once('?')?;
        let found = url::form_urlencoded::parse(query.as_bytes()).find(|(found, _)| found == name);
        found.map(|(_, value)| value.into_owned()).filter(|value| !value.is_empty())
    }

    /// Who is signed in, if anybody is. A session that has ended counts as nobody.
    ///
    /// # Errors
    /// When the control API does not answer.
    pub async fn me(&self) -> Result<Option<Me>, Fault> {
        if self.arrival.session().is_none() {
            return Ok(None);
        }
        match self.backend().me().await {
            Ok(me) => Ok(Some(me)),
            Err(Fault::SignIn) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// The state of the form that posts to `action`: fresh, or as it was refused.
    #[must_use]
    pub fn form(&self, action: &str) -> FormState {
        let fresh = || token().unwrap_or_default();
        match self.flash.form.as_ref().filter(|form| form.action == action) {
            Some(form) => {
                let key = form.key.clone().unwrap_or_else(fresh);
                FormState::new(action, &key, form.refused.clone())
            }
            None => FormState::new(action, &fresh(), Refused::default()),
        }
    }

    /// What the last answer left for this page with [`Go::payload`].
    #[must_use]
    pub fn payload<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_value(self.flash.payload.clone()?).ok()
    }

    /// Draws a page without a rail. `title` is unique among pages.
    pub fn page<V: IntoView + 'static>(
        &self,
        title: &str,
        me: Option<&Me>,
        content: impl FnOnce() -> V,
    ) -> Response {
        self.draw(title, me, Rail::None, None, boxed(content))
    }

    fn draw(
        &self,
        title: &str,
        me: Option<&Me>,
        rail: Rail,
        place: Option<Place>,
        content: Content<'_>,
    ) -> Response {
        let refused = self.flash.form.is_some();
        let prefix = if refused { text::form::ERROR_TITLE } else { "" };
        let shell = Shell {
            title: format!("{prefix}{title}"),
            viewer: me.map_or(Viewer::Nobody, |me| Viewer::Person(person(me))),
            rail,
            place,
            notice: self.flash.notice.clone(),
            ..bare_shell(&self.app, &self.arrival)
        };
        Html(document(shell, content)).into_response()
    }

    /// Answers a form: go to `path` (303).
    #[must_use]
    pub fn go(&self, path: impl Into<String>) -> Go<'_> {
        Go { visit: self, path: path.into(), flash: Flash::default() }
    }

    /// Answers a form that was not accepted: back to `page`, with what was typed and what was
    /// wrong. Faults that no form can mend become a page of their own.
    ///
    /// # Errors
    /// The fault, when it does not belong to the form.
    pub fn retry(&self, page: &str, form: &Form, fault: Fault) -> Result<Response, Fault> {
        let (errors, message, keep_key) = match &fault {
            Fault::Refused(problem) if belongs_to_a_page(problem) => return Err(fault),
            Fault::Refused(problem) => {
                let errors = fields(problem);
                let message = errors.is_empty().then(|| problem.detail.clone());
                (errors, message, problem.code == ErrorCode::IdempotencyInFlight.as_str())
            }
            Fault::Unreachable | Fault::Broken => {
                (Vec::new(), Some(text::form::UNREACHABLE.to_owned()), true)
            }
            _ => return Err(fault),
        };
        let mut go = self.go(page);
        go.flash.form = Some(RefusedForm {
            action: self.arrival.path().to_owned(),
            key: keep_key.then(|| form.key().to_owned()).filter(|key| !key.is_empty()),
            refused: Refused { values: form.kept(), errors, message },
        });
        go.answer()
    }

    /// Leaves `flash` for the next visit of `path` by this browser.
    ///
    /// # Errors
    /// [`Fault::Broken`] when the machine gives no randomness.
    pub fn leave(&self, path: &str, flash: Flash) -> Result<(), Fault> {
        let visitor = self.arrival.visitor_or_new()?.to_owned();
        let path = path.split(['?', '#']).next().unwrap_or(path).to_owned();
        let session = self.arrival.session_after();
        self.app.flash.put(Slot { visitor, path }, session, flash, self.now());
        Ok(())
    }

    /// Takes what was left for `path`; a browser that only looks ahead takes nothing.
    #[must_use]
    pub fn take_flash(&self, path: &str) -> Flash {
        if self.arrival.looks_ahead() {
            return Flash::default();
        }
        let Some(visitor) = self.arrival.visitor() else { return Flash::default() };
        let slot = Slot { visitor: visitor.to_owned(), path: path.to_owned() };
        self.app.flash.take(&slot, self.arrival.session(), self.now())
    }
}

fn boxed<'a, V: IntoView + 'static>(content: impl FnOnce() -> V + 'a) -> Content<'a> {
    Box::new(move || content().into_any())
}

/// Not there, or not with this role: the form cannot help.
fn belongs_to_a_page(problem: &Problem) -> bool {
    [
        ErrorCode::NotFound,
        ErrorCode::RouteUnknown,
        ErrorCode::RoleForbidden,
        ErrorCode::RequestOrigin,
    ]
    .iter()
    .any(|code| problem.code == code.as_str())
}

/// `/limits/0/max`, `/settings/region` and `?from` to the field they speak of: `limits`, `region`,
/// `from`.
fn fields(problem: &Problem) -> Vec<(String, String)> {
    let field = |pointer: &str| {
        let name = pointer.trim_start_matches(['/', '?']);
        let name = name.strip_prefix("settings/").unwrap_or(name);
        name.split('/').next().unwrap_or(name).to_owned()
    };
    problem.errors.iter().map(|error| (field(&error.pointer), error.detail.clone())).collect()
}

fn person(me: &Me) -> Person {
    Person {
        name: me.name.clone(),
        email: me.email.clone(),
        is_operator: me.is_operator,
        orgs: me.orgs.iter().map(|org| (org.slug.clone(), org.name.clone())).collect(),
    }
}

/// A shell of which only the request is known.
pub(crate) fn bare_shell(app: &App, arrival: &Arrival) -> Shell {
    let signed_in = arrival.session().is_some();
    Shell {
        title: String::new(),
        theme: arrival.theme(),
        nonce: arrival.nonce().to_owned(),
        assets: app.assets.links.clone(),
        here: if arrival.reads() { arrival.here().to_owned() } else { "/".to_owned() },
        viewer: if signed_in { Viewer::Someone } else { Viewer::Nobody },
        rail: Rail::None,
        place: None,
        notice: None,
        sign_out: FormState::new("/logout", &token().unwrap_or_default(), Refused::default()),
    }
}

/// The answer to a form that was carried out.
#[derive(Debug)]
pub struct Go<'a> {
    visit: &'a Visit,
    path: String,
    flash: Flash,
}

impl Go<'_> {
    /// Says so at the top of the next page.
    #[must_use]
    pub fn notice(mut self, tone: Tone, text: impl Into<String>) -> Self {
        self.flash.notice = Some((tone, text.into()));
        self
    }

    /// Hands a value to the next page; it can be read once, by [`Visit::payload`].
    #[must_use]
    pub fn payload<T: Serialize>(mut self, value: &T) -> Self {
        self.flash.payload = serde_json::to_value(value).ok();
        self
    }

    /// # Errors
    /// [`Fault::Broken`] when nothing can be left for the next page.
    pub fn answer(self) -> Result<Response, Fault> {
        if self.flash != Flash::default() {
            self.visit.leave(&self.path, self.flash)?;
        }
        Ok(Redirect::to(&self.path).into_response())
    }
}

/// A visit of somebody signed in; everybody else is sent to sign in first.
#[derive(Debug)]
pub struct SignedIn {
    visit: Visit,
    pub me: Me,
}

impl FromRequestParts<Arc<App>> for SignedIn {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Fault> {
        let visit = Visit::from_request_parts(parts, app).await?;
        let me = visit.me().await?.ok_or(Fault::SignIn)?;
        Ok(Self { visit, me })
    }
}

impl SignedIn {
    pub fn page<V: IntoView + 'static>(
        &self,
        title: &str,
        content: impl FnOnce() -> V,
    ) -> Response {
        self.visit.page(title, Some(&self.me), content)
    }
}

impl Deref for SignedIn {
    type Target = Visit;

    fn deref(&self) -> &Visit {
        &self.visit
    }
}

/// A member's visit of the `{org}` in the path. Another's org is not there.
#[derive(Debug)]
pub struct OrgVisit {
    visit: SignedIn,
    pub org: Membership,
}

impl FromRequestParts<Arc<App>> for OrgVisit {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Fault> {
        let visit = SignedIn::from_request_parts(parts, app).await?;
        let params = RawPathParams::from_request_parts(parts, app).await;
        let params = params.map_err(|_| Fault::NotFound)?;
        let slug = params.iter().find(|(name, _)| *name == "org").map(|(_, slug)| slug);
        let slug = slug.ok_or(Fault::Broken)?;
        let org = visit.me.orgs.iter().find(|org| org.slug == slug).cloned();
        Ok(Self { org: org.ok_or(Fault::NotFound)?, visit })
    }
}

impl OrgVisit {
    /// The address of a page of this org: `path` starts with a slash, or is empty for home.
    #[must_use]
    pub fn at(&self, path: &str) -> String {
        format!("/o/{}{path}", self.org.slug)
    }

    #[must_use]
    pub fn may(&self, action: Action) -> bool {
        self.org.role.may(action)
    }

    /// # Errors
    /// [`Fault::Forbidden`] when the member's role may not.
    pub fn require(&self, action: Action) -> Result<(), Fault> {
        if self.may(action) { Ok(()) } else { Err(Fault::Forbidden(action)) }
    }

    pub fn page<V: IntoView + 'static>(
        &self,
        place: Place,
        title: &str,
        content: impl FnOnce() -> V,
    ) -> Response {
        let Membership { slug, name, role, .. } = self.org.clone();
        let full = format!("{title} · {name}");
        self.draw(
            &full,
            Some(&self.me),
            Rail::Org { slug, name, role },
            Some(place),
            boxed(content),
        )
    }
}

impl Deref for OrgVisit {
    type Target = SignedIn;

    fn deref(&self) -> &SignedIn {
        &self.visit
    }
}

/// An operator's visit of `/admin`; for everybody else there is nothing there.
#[derive(Debug)]
pub struct OperatorVisit(SignedIn);

impl FromRequestParts<Arc<App>> for OperatorVisit {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Fault> {
        let visit = SignedIn::from_request_parts(parts, app).await?;
        if visit.me.is_operator { Ok(Self(visit)) } else { Err(Fault::NotFound) }
    }
}

impl OperatorVisit {
    pub fn page<V: IntoView + 'static>(
        &self,
        place: Place,
        title: &str,
        content: impl FnOnce() -> V,
    ) -> Response {
        let full = format!("{title} · {}", text::shell::OPERATOR);
        self.draw(&full, Some(&self.me), Rail::Admin, Some(place), boxed(content))
    }
}

impl Deref for OperatorVisit {
    type Target = SignedIn;

    fn deref(&self) -> &SignedIn {
        &self.0
    }
}
