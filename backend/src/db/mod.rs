//! The only holder of the pool. Everybody else gets a transaction that says whose rows it may
//! touch: [`TenantTx`], [`PersonTx`] or [`SystemTx`].

#![expect(clippy::disallowed_types, reason = "this is the one room that holds the pool")]

mod error;
mod tx;

pub use tx::{PersonTx, SystemTx, TenantTx, Tx};

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions};
use sqlx::{Postgres, Transaction};
use std::time::Duration;

/// Every migration, in order.
pub static MIGRATOR: Migrator = sqlx::migrate!("../migrations");

#[derive(Debug, Clone)]
pub struct Db {
    pool: PgPool,
}

impl Db {
    /// Opens a pool of at most `connections_max`. Connects on first use, so that the program
    /// starts, and says that it is not ready, while Postgres is away.
    ///
    /// # Errors
    /// The address is malformed.
    pub fn open(url: &str, connections_max: u32) -> sqlx::Result<Self> {
        let options: PgConnectOptions = url.parse()?;
        let options = options.application_name("tollgate-backend").options([
            ("statement_timeout", "15s"),
            ("idle_in_transaction_session_timeout", "30s"),
            ("lock_timeout", "10s"),
            // Every query is short: compiling one costs more than running it.
            ("jit", "off"),
        ]);
        let pool = PgPoolOptions::new()
            .max_connections(connections_max)
            .acquire_timeout(Duration::from_secs(3))
            .connect_lazy_with(options);
        Ok(Self { pool })
    }

    /// Brings the schema up to date. Safe to run from several processes at once.
    ///
    /// # Errors
    /// A migration failed, or the database was migrated by a newer version.
    pub async fn migrate(&self) -> Result<(), sqlx::migrate::MigrateError> {
        let mut conn = self.pool.acquire().await?;
        // A long migration is not an accident.
        sqlx::query!("select set_config('statement_timeout', '0', false)")
            .fetch_one(&mut *conn)
            .await?;
        MIGRATOR.run(&mut *conn).await?;
        conn.close().await?;
        Ok(())
    }

    /// Is Postgres there, and migrated as far as this program expects?
    ///
    /// # Errors
    /// Postgres is not reachable.
    pub async fn is_ready(&self) -> sqlx::Result<bool> {
        let expected = MIGRATOR.iter().map(|m| m.version).max().unwrap_or(0);
        let applied: Option<i64> =
            sqlx::query_scalar("select max(version) from _sqlx_migrations where success")
                .fetch_one(&self.pool)
                .await?;
        Ok(applied.unwrap_or(0) >= expected)
    }

    /// A connection of its own that hears `channel`.
    ///
    /// # Errors
    /// Postgres is not reachable.
    pub async fn listen(&self, channel: &str) -> sqlx::Result<PgListener> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.listen(channel).await?;
        Ok(listener)
    }

    /// Waits for running work and closes every connection.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    async fn begin(&self) -> sqlx::Result<Transaction<'static, Postgres>> {
        self.pool.begin().await
    }
}
