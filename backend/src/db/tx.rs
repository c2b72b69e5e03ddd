//! The three kinds of transaction. Each switches to a role that row level security binds, so what
//! it cannot see does not depend on any WHERE clause. Dropping one rolls it back.

use super::Db;
use crate::app::App;
use crate::audit::Actor;
use crate::entropy;
use crate::http::{ApiError, OrgCtx};
use contract::Timestamp;
use contract::error::ErrorCode;
use contract::id::{IdEntropy, OrgId, PersonId};
use contract::role::{Action, Role};
use sqlx::{PgConnection, Postgres, Transaction};

/// What every transaction knows beside its connection.
pub trait Tx: Send {
    fn conn(&mut self) -> &mut PgConnection;
    /// The instant of the request; the same for everything it writes.
    fn now(&self) -> Timestamp;
    fn actor(&self) -> &Actor;
    /// The org whose rows it is bound to, if it is bound to one.
    fn org(&self) -> Option<OrgId>;
    /// # Errors
    /// Postgres refused, or went away: then nothing was written.
    fn commit(self) -> impl Future<Output = sqlx::Result<()>> + Send
    where
        Self: Sized;

    /// A new identifier: `tx.new_id(TeamId::new)`.
    fn new_id<T>(&self, make: fn(Timestamp, &IdEntropy) -> T) -> T
    where
        Self: Sized,
    {
        entropy::id(make, self.now())
    }
}

/// The rows of one org. Made only from an authenticated [`OrgCtx`] and an [`Action`] its role may
/// perform, or by narrowing a [`SystemTx`].
#[derive(Debug)]
pub struct TenantTx {
    inner: Inner,
    org: OrgId,
}

impl TenantTx {
    /// # Errors
    /// `role.forbidden` when the role may not; Postgres is not reachable.
    pub(crate) async fn begin(ctx: &OrgCtx, action: Action) -> Result<Self, ApiError> {
        if !ctx.role().may(action) {
            return Err(ApiError::new(
                ErrorCode::RoleForbidden,
                format!("Your role here is {}, which may not do this.", ctx.role().as_str()),
            ));
        }
        let mut inner = Inner::begin(ctx.app(), ctx.actor()).await?;
        set_tenant(inner.tx.as_mut(), ctx.org_id()).await?;
        Ok(Self { inner, org: ctx.org_id() })
    }

    /// Goes on as the person who acts, to store the answer to a request that made this very org.
    ///
    /// # Errors
    /// Postgres is not reachable.
    pub async fn leave(mut self) -> sqlx::Result<PersonTx> {
        let person = self.inner.actor.person_id.map_or_else(String::new, |id| id.0.to_string());
        set_person(self.inner.tx.as_mut(), &person, "").await?;
        Ok(PersonTx(self.inner))
    }

    /// The org it is bound to.
    #[must_use]
    pub const fn org_id(&self) -> OrgId {
        self.org
    }
}

/// What belongs to one person, whatever the org: memberships, sessions.
#[derive(Debug)]
pub struct PersonTx(Inner);

impl PersonTx {
    /// The rows of `person`.
    ///
    /// # Errors
    /// Postgres is not reachable.
    pub(crate) async fn begin(app: &App, actor: Actor, person: PersonId) -> sqlx::Result<Self> {
        Self::bound(app, actor, &person.0.to_string(), "").await
    }

    /// The one session whose hash is known to the bearer, before anybody knows whose it is.
    ///
    /// # Errors
    /// Postgres is not reachable.
    pub(crate) async fn begin_for_session(app: &App, hash_hex: &str) -> sqlx::Result<Self> {
        Self::bound(app, Actor::platform("sessions"), "", hash_hex).await
    }

    async fn bound(app: &App, actor: Actor, person: &str, session: &str) -> sqlx::Result<Self> {
        let mut inner = Inner::begin(app, actor).await?;
        set_person(inner.tx.as_mut(), person, session).await?;
        Ok(Self(inner))
    }
}

/// Rows of every org. Takes a stated reason, which is logged each time.
#[derive(Debug)]
pub struct SystemTx(Inner);

impl SystemTx {
    /// # Errors
    /// Postgres is not reachable.
    pub(crate) async fn begin(app: &App, actor: Actor, reason: &'static str) -> sqlx::Result<Self> {
        // The platform's own loops do so several times a second; people do not.
        match actor.person_id {
            Some(person) => tracing::info!(reason, %person, "crossing tenants"),
            None => tracing::debug!(reason, part = actor.name, "crossing tenants"),
        }
        let mut inner = Inner::begin(app, actor).await?;
        sqlx::query!("select set_config('role', 'app_system', true) as role")
            .fetch_one(inner.tx.as_mut())
            .await?;
        Ok(Self(inner))
    }

    /// Goes on as `role` inside one org, in the same transaction: only ever less than before.
    ///
    /// # Errors
    /// Postgres is not reachable.
    pub async fn enter(mut self, org: OrgId, role: Role) -> sqlx::Result<TenantTx> {
        set_tenant(self.0.tx.as_mut(), org).await?;
        self.0.actor.role = Some(role.as_str());
        Ok(TenantTx { inner: self.0, org })
    }

    /// From here on, what happens is this person's doing (who has just proven who they are).
    pub fn act_as(&mut self, person: PersonId, name: &str, email: &str) {
        self.0.actor.person_id = Some(person);
        name.clone_into(&mut self.0.actor.name);
        self.0.actor.email = Some(email.to_owned());
    }
}

async fn set_person(conn: &mut PgConnection, person: &str, session: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "select set_config('role', 'app_person', true) as role,
                set_config('app.person_id', $1, true) as person,
                set_config('app.session', $2, true) as session",
        person,
        session,
    )
    .fetch_one(conn)
    .await?;
    Ok(())
}

async fn set_tenant(conn: &mut PgConnection, org: OrgId) -> sqlx::Result<()> {
    sqlx::query!(
        "select set_config('role', 'app_tenant', true) as role,
                set_config('app.org_id', $1, true) as org",
        org.0.to_string(),
    )
    .fetch_one(conn)
    .await?;
    Ok(())
}

#[derive(Debug)]
struct Inner {
    tx: Transaction<'static, Postgres>,
    actor: Actor,
    now: Timestamp,
}

impl Inner {
    async fn begin(app: &App, actor: Actor) -> sqlx::Result<Self> {
        let db: &Db = &app.db;
        Ok(Self { tx: db.begin().await?, actor, now: app.clock.now() })
    }
}

macro_rules! tx {
    ($name:ident, $inner:tt, $org:expr) => {
        impl Tx for $name {
            fn conn(&mut self) -> &mut PgConnection {
                self.$inner.tx.as_mut()
            }
            fn now(&self) -> Timestamp {
                self.$inner.now
            }
            fn actor(&self) -> &Actor {
                &self.$inner.actor
            }
            fn org(&self) -> Option<OrgId> {
                let of: fn(&Self) -> Option<OrgId> = $org;
                of(self)
            }
            async fn commit(self) -> sqlx::Result<()> {
                self.$inner.tx.commit().await
            }
        }
    };
}
tx!(TenantTx, inner, |tx| Some(tx.org));
tx!(PersonTx, 0, |_| None);
tx!(SystemTx, 0, |_| None);
