//! What every test starts from: an app on a database of its own, with a clock that stands still,
//! and clients that call it as nobody or as a member.

mod client;
mod database;
mod redis;
mod shop;

pub use client::{Client, Reply};
pub use redis::{TestRedis, idle};
pub use shop::{Caller, RATES, Shop, entry};

use axum::Router;
use backend::app::App;
use backend::clock::Clock;
use backend::config::Config;
use backend::db::Db;
use backend::entropy;
use backend::http::stack;
use backend::identity::session;
use clap::Parser;
use contract::id::{AppId, OrgId, PersonId, TeamId};
use contract::role::Role;
use database::TestDatabase;
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use std::sync::Arc;
use tower_sessions::Session;

pub struct TestApp {
    pub app: App,
    pub clock: Clock,
    router: Router,
    database: TestDatabase,
}

/// An org with a team and an app.
#[derive(Clone)]
pub struct TestOrg {
    pub id: OrgId,
    pub slug: String,
    pub team: TeamId,
    pub app: AppId,
}

#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    config: Config,
}

/// Everybody's who signs up.
pub const PASSWORD: &str = "correct horse battery";

/// 32 zero bytes, and 32 others.
const MASTER_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const PEPPER: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

impl TestApp {
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With these flags beside those every app has.
    pub async fn start_with(more: &[&str]) -> Self {
        Self::on(TestDatabase::create().await, more)
    }

    /// Where no Postgres answers.
    pub fn without_postgres() -> Self {
        Self::on(TestDatabase::none(), &[])
    }

    fn on(database: TestDatabase, more: &[&str]) -> Self {
        let mut flags = vec!["test", "--database-url", database.url()];
        if !more.contains(&"--redis-url") {
            flags.extend(["--redis-url", "redis://127.0.0.1:1"]);
        }
        let secrets = ["--master-key", MASTER_KEY, "--key-pepper", PEPPER];
        let flags = Flags::parse_from(flags.iter().chain(&secrets).chain(more));
        let clock = Clock::fixed("2026-03-01T12:00:00Z".parse().unwrap());
        let db = Db::open(database.url(), 5).unwrap();
        let app = App::new(db, clock.clone(), flags.config);
        let router = stack::service(&app);
        Self { app, clock, router, database }
    }

    /// A connection that no wall binds, to look behind the API.
    pub async fn sql(&self) -> PgConnection {
        PgConnection::connect(self.database.url()).await.unwrap()
    }

    pub fn nobody(&self) -> Client {
        Client::new(self.router.clone(), None)
    }

    /// An org of that name, made behind the API.
    pub async fn org(&self, slug: &str) -> TestOrg {
        let now = self.clock.now();
        let org = TestOrg {
            id: entropy::id(OrgId::new, now),
            slug: slug.to_owned(),
            team: entropy::id(TeamId::new, now),
            app: entropy::id(AppId::new, now),
        };
        let mut sql = self.sql().await;
        sqlx::query("insert into orgs (id, slug, name, created_at) values ($1, $2, $2, $3)")
            .bind(org.id.0)
            .bind(slug)
            .bind(now)
            .execute(&mut sql)
            .await
            .unwrap();
        sqlx::query(
            "insert into teams (id, org_id, slug, name, created_at)
             values ($1, $2, 'default', 'Default', $3)",
        )
        .bind(org.team.0)
        .bind(org.id.0)
        .bind(now)
        .execute(&mut sql)
        .await
        .unwrap();
        sqlx::query(
            "insert into apps (id, org_id, team_id, slug, name, created_at)
             values ($1, $2, $3, 'first', 'First', $4)",
        )
        .bind(org.app.0)
        .bind(org.id.0)
        .bind(org.team.0)
        .bind(now)
        .execute(&mut sql)
        .await
        .unwrap();
        org
    }

    /// A new person, signed in.
    pub async fn person(&self, email: &str, is_operator: bool) -> (PersonId, Client) {
        let now = self.clock.now();
        let id = entropy::id(PersonId::new, now);
        sqlx::query(
            "insert into people (id, email, name, password_hash, is_operator, created_at)
             values ($1, $2, $3, 'none', $4, $5)",
        )
        .bind(id.0)
        .bind(email)
        .bind(email.split('@').next())
        .bind(is_operator)
        .bind(now)
        .execute(&mut self.sql().await)
        .await
        .unwrap();
        let session = Session::new(None, Arc::new(session::Store::new(self.app.clone())), None);
        session::start(&session, id).await.unwrap();
        session.save().await.unwrap();
        let cookie = format!("{}={}", session::COOKIE, session.id().unwrap());
        (id, Client::new(self.router.clone(), Some(cookie)))
    }

    /// A new member of `org`, signed in.
    pub async fn member(&self, org: &TestOrg, role: Role) -> Client {
        let email = format!("{}@{}.example", role.as_str(), org.slug);
        let (person, client) = self.person(&email, false).await;
        sqlx::query(
            "insert into memberships (org_id, person_id, role, created_at) values ($1, $2, $3, $4)",
        )
        .bind(org.id.0)
        .bind(person.0)
        .bind(role.as_str())
        .bind(self.clock.now())
        .execute(&mut self.sql().await)
        .await
        .unwrap();
        client
    }

    /// One of the platform's staff, signed in.
    pub async fn operator(&self) -> Client {
        self.person("operator@platform.example", true).await.1
    }

    /// The body of the newest mail to `to` that waits to be sent.
    pub async fn mail(&self, to: &str) -> Option<String> {
        sqlx::query_scalar(
            "select body from mails where to_email = $1 and sent_at is null
             order by created_at desc, id desc limit 1",
        )
        .bind(to)
        .fetch_optional(&mut self.sql().await)
        .await
        .unwrap()
    }

    /// The token of the link to `page` in the newest mail to `to`.
    pub async fn token(&self, to: &str, page: &str) -> String {
        let mail = self.mail(to).await.unwrap_or_else(|| panic!("no mail to {to}"));
        let link = format!("http://127.0.0.1:7102/{page}/");
        let (_, rest) = mail.split_once(&link).unwrap_or_else(|| panic!("no {link} in {mail}"));
        rest.split_whitespace().next().unwrap().to_owned()
    }

    /// A stranger who signs up the long way, and is signed in.
    pub async fn sign_up(&self, email: &str, org_name: &str) -> Client {
        let nobody = self.nobody();
        let new =
            json!({"email": email, "password": PASSWORD, "name": "Ada", "org_name": org_name});
        nobody.post("/v1/sign-up", new).await.expect(202);
        let token = self.token(email, "verify").await;
        let reply = nobody.post("/v1/verify-email", json!({ "token": token })).await.expect(200);
        nobody.signed_in_by(&reply)
    }

    /// Rows of `table`.
    pub async fn count(&self, table: &str) -> i64 {
        let sql = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
        sqlx::query_scalar(sql).fetch_one(&mut self.sql().await).await.unwrap()
    }
}
