//! A database per test, copied from a template that is migrated once for each set of migrations:
//! a copy takes a tenth of migrating anew, and tests of several processes do not meet.

use backend::clock::Clock;
use backend::db::{Db, MIGRATOR};
use backend::entropy;
use data_encoding::HEXLOWER;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use url::Url;

/// Databases of tests that were killed are dropped after this long.
const STALE_S: i64 = 3600;

pub struct TestDatabase {
    url: String,
    /// Dropped with this; none when nothing was made.
    made: Option<(Url, String)>,
}

impl TestDatabase {
    pub async fn create() -> Self {
        let server = std::env::var("DATABASE_URL")
            .expect("set DATABASE_URL to a Postgres where databases may be made");
        let server: Url = server.parse().expect("DATABASE_URL is a URL");
        let mut admin = PgConnection::connect(server.as_str()).await.expect("Postgres answers");
        let template = template(&mut admin, &server).await;
        let now = Clock::System.now().timestamp();
        let name = format!("tollgate_test_{now}_{}", HEXLOWER.encode(&entropy::bytes::<6>()));
        admin
            .execute(AssertSqlSafe(format!("create database {name} template {template}")))
            .await
            .unwrap();
        let url = database_url(&server, &name);
        Self { url, made: Some((server, name)) }
    }

    /// An address where nothing listens.
    pub fn none() -> Self {
        Self { url: "postgres://postgres@127.0.0.1:1/none".to_owned(), made: None }
    }

    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let Some((server, name)) = self.made.take() else { return };
        let left_behind = format!("left the database {name} behind");
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut admin = PgConnection::connect(server.as_str()).await?;
                let sql = format!("drop database if exists {name} with (force)");
                admin.execute(AssertSqlSafe(sql)).await?;
                anyhow::Ok(())
            })
        });
        if !matches!(dropping.join(), Ok(Ok(()))) {
            eprintln!("{left_behind}");
        }
    }
}

fn database_url(server: &Url, name: &str) -> String {
    let mut url = server.clone();
    url.set_path(name);
    url.to_string()
}

/// The template of this set of migrations, made by whoever comes first.
async fn template(admin: &mut PgConnection, server: &Url) -> String {
    let mut hasher = blake3::Hasher::new();
    for migration in MIGRATOR.iter() {
        hasher.update(&migration.checksum);
    }
    let name = format!("tollgate_template_{}", &hasher.finalize().to_hex()[..16]);
    let exists = "select exists (select 1 from pg_database where datname = $1)";
    let is_there = async |admin: &mut PgConnection| -> bool {
        sqlx::query_scalar(exists).bind(&name).fetch_one(admin).await.unwrap()
    };
    if is_there(admin).await {
        return name;
    }
    admin.execute("select pg_advisory_lock(7310579)").await.unwrap();
    if !is_there(admin).await {
        drop_stale(admin).await;
        // Renamed when it is whole, so that a killed run leaves no half template.
        let half = format!("{name}_{}", HEXLOWER.encode(&entropy::bytes::<4>()));
        admin.execute(AssertSqlSafe(format!("create database {half}"))).await.unwrap();
        let db = Db::open(&database_url(server, &half), 1).unwrap();
        db.migrate().await.unwrap();
        db.close().await;
        admin
            .execute(AssertSqlSafe(format!("alter database {half} rename to {name}")))
            .await
            .unwrap();
    }
    admin.execute("select pg_advisory_unlock(7310579)").await.unwrap();
    name
}

async fn drop_stale(admin: &mut PgConnection) {
    let before = Clock::System.now().timestamp() - STALE_S;
    let names: Vec<String> = sqlx::query_scalar(
        "select datname from pg_database where datname like 'tollgate\\_test\\_%'",
    )
    .fetch_all(&mut *admin)
    .await
    .unwrap();
    for name in names {
        let made = name.split('_').nth(2).and_then(|seconds| seconds.parse().ok());
        if made.is_some_and(|seconds: i64| seconds < before) {
            let sql = format!("drop database if exists {name} with (force)");
            let _ = admin.execute(AssertSqlSafe(sql)).await;
        }
    }
}
