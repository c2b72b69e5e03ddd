//! Where Postgres and Redis are. Their addresses may carry a password, so Debug hides them.

use std::fmt;
use std::num::NonZeroU32;

#[derive(Clone, clap::Args)]
pub struct Database {
    /// Address of Postgres, for example postgres://user@host:5432/tollgate.
    #[arg(
        id = "database_url",
        long = "database-url",
        env = "DATABASE_URL",
        hide_env_values = true
    )]
    pub url: String,
    /// The most connections this process opens.
    #[arg(long, env = "TOLLGATE_DATABASE_CONNECTIONS_MAX", default_value = "20")]
    pub database_connections_max: NonZeroU32,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("max", &self.database_connections_max).finish()
    }
}

#[derive(Clone, clap::Args)]
pub struct Redis {
    /// Address of Redis: redis://host, or redis+sentinel://host,host/master, or
    /// redis+cluster://host,host; rediss… is with TLS.
    #[arg(id = "redis_url", long = "redis-url", env = "REDIS_URL", hide_env_values = true)]
    pub url: String,
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redis(…)")
    }
}
