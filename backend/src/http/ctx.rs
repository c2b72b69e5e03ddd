//! Who is calling, and as what: [`Ctx`] a signed-in person, [`OrgCtx`] a member of the org in the
//! address, [`OperatorCtx`] the platform's staff. None can be made without a session.

use super::{ApiError, Result};
use crate::app::App;
use crate::audit::Actor;
use crate::db::{PersonTx, SystemTx, TenantTx};
use crate::http::layer::call::Call;
use crate::orgs::store;
use axum::extract::{FromRequestParts, RawPathParams};
use contract::error::ErrorCode;
use contract::id::{OrgId, PersonId};
use contract::role::{Action, Role};
use http::request::Parts;

/// A person who has signed in.
#[derive(Debug, Clone)]
pub struct Person {
    pub id: PersonId,
    pub email: String,
    pub name: String,
    pub is_operator: bool,
}

/// A request of a signed-in person. [`super::layer::authenticate`] makes it.
#[derive(Debug, Clone)]
pub struct Ctx {
    app: App,
    call: Call,
    person: Person,
}

impl Ctx {
    pub(super) const fn new(app: App, call: Call, person: Person) -> Self {
        Self { app, call, person }
    }

    #[must_use]
    pub const fn app(&self) -> &App {
        &self.app
    }

    #[must_use]
    pub const fn person(&self) -> &Person {
        &self.person
    }

    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor {
            person_id: Some(self.person.id),
            name: self.person.name.clone(),
            email: Some(self.person.email.clone()),
            role: None,
            ip: self.call.ip,
            call: Some(self.call.id),
        }
    }

    /// A transaction over the person's own rows.
    ///
    /// # Errors
    /// Postgres is not reachable.
    pub async fn person_tx(&self) -> Result<PersonTx> {
        Ok(PersonTx::begin(&self.app, self.actor(), self.person.id).await?)
    }

    /// A transaction across tenants, for a stated reason.
    ///
    /// # Errors
    /// Postgres is not reachable.
    pub async fn system_tx(&self, reason: &'static str) -> Result<SystemTx> {
        Ok(SystemTx::begin(&self.app, self.actor(), reason).await?)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Ctx {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        parts.extensions.get::<Self>().cloned().ok_or_else(ApiError::sign_in_first)
    }
}

impl ApiError {
    /// Nobody is signed in.
    #[must_use]
    pub fn sign_in_first() -> Self {
        Self::new(ErrorCode::SessionMissing, "Sign in and send the session cookie.")
    }
}

/// A request of a member, in the org that the address names by slug or id.
#[derive(Debug, Clone)]
pub struct OrgCtx {
    ctx: Ctx,
    org: OrgId,
    role: Role,
}

impl OrgCtx {
    #[must_use]
    pub const fn app(&self) -> &App {
        self.ctx.app()
    }

    #[must_use]
    pub const fn person(&self) -> &Person {
        self.ctx.person()
    }

    #[must_use]
    pub const fn org_id(&self) -> OrgId {
        self.org
    }

    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor { role: Some(self.role.as_str()), ..self.ctx.actor() }
    }

    /// Checks that the role may perform `action`, and opens a transaction on the org's rows.
    ///
    /// # Errors
    /// `role.forbidden`; Postgres is not reachable.
    pub async fn tenant_tx(&self, action: Action) -> Result<TenantTx> {
        TenantTx::begin(self, action).await
    }
}

impl<S: Send + Sync> FromRequestParts<S> for OrgCtx {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let ctx = Ctx::from_request_parts(parts, state).await?;
        let params = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| ApiError::not_found())?;
        let named = params.iter().find(|(name, _)| *name == "org").map(|(_, value)| value);
        let named = named.ok_or_else(ApiError::not_found)?;
        let mut tx = ctx.person_tx().await?;
        let (org, role) =
            store::find_membership(&mut tx, named).await?.ok_or_else(ApiError::not_found)?;
        Ok(Self { ctx, org, role })
    }
}

/// A request of the platform's staff.
#[derive(Debug, Clone)]
pub struct OperatorCtx(Ctx);

impl OperatorCtx {
    #[must_use]
    pub const fn app(&self) -> &App {
        self.0.app()
    }

    #[must_use]
    pub const fn person(&self) -> &Person {
        self.0.person()
    }

    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor { role: Some("operator"), ..self.0.actor() }
    }

    /// A transaction on the platform's own rows and across tenants, for a stated reason.
    ///
    /// # Errors
    /// Postgres is not reachable.
    pub async fn system_tx(&self, reason: &'static str) -> Result<SystemTx> {
        Ok(SystemTx::begin(self.app(), self.actor(), reason).await?)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for OperatorCtx {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let ctx = Ctx::from_request_parts(parts, state).await?;
        if ctx.person.is_operator {
            return Ok(Self(ctx));
        }
        Err(ApiError::new(ErrorCode::RoleForbidden, "Only the platform's operators may do this."))
    }
}
