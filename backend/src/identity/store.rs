//! All SQL on people, sign-ups, resets and what expires.

use crate::app::App;
use crate::audit::Actor;
use crate::db::{PersonTx, SystemTx, Tx as _};
use crate::http::ctx::Person;
use crate::http::{ApiError, Result};
use chrono::TimeDelta;
use contract::api::identity::{Me, Membership};
use contract::id::{OrgId, PersonId};
use contract::role::Role;

/// A person who may act.
pub async fn find_person(tx: &mut PersonTx, id: PersonId) -> sqlx::Result<Option<Person>> {
    sqlx::query_as!(
        Person,
        r#"select id as "id: PersonId", email, name, is_operator
           from people where id = $1 and disabled_at is null"#,
        id.0,
    )
    .fetch_optional(tx.conn())
    .await
}

/// Who one is, and where one belongs.
pub async fn find_me(tx: &mut PersonTx, id: PersonId) -> sqlx::Result<Option<Me>> {
    let person =
        sqlx::query!("select email, name, is_operator, created_at from people where id = $1", id.0)
            .fetch_optional(tx.conn())
            .await?;
    let Some(person) = person else { return Ok(None) };
    let orgs = sqlx::query_as!(
        Membership,
        r#"select org_id as "org_id: OrgId", slug, name, role as "role: Role"
           from memberships join orgs on orgs.id = org_id
           where person_id = $1 order by name, slug"#,
        id.0,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(Some(Me {
        id,
        email: person.email,
        name: person.name,
        is_operator: person.is_operator,
        created_at: person.created_at,
        orgs,
    }))
}

/// Who just proved to be `id`.
///
/// # Errors
/// Postgres is not reachable.
pub async fn read_me(app: &App, id: PersonId) -> Result<Me> {
    let mut tx = PersonTx::begin(app, Actor::platform("sign-in"), id).await?;
    find_me(&mut tx, id).await?.ok_or_else(ApiError::sign_in_first)
}

/// A person with what proves them.
#[derive(Debug)]
pub struct Account {
    pub id: PersonId,
    pub email: String,
    pub name: String,
    pub password_hash: String,
    pub is_disabled: bool,
}

pub async fn find_account(tx: &mut SystemTx, email: &str) -> sqlx::Result<Option<Account>> {
    sqlx::query_as!(
        Account,
        r#"select id as "id: PersonId", email, name, password_hash,
                  disabled_at is not null as "is_disabled!"
           from people where email = $1"#,
        email,
    )
    .fetch_optional(tx.conn())
    .await
}

pub async fn insert_person(tx: &mut SystemTx, id: PersonId, new: &SignUpRow) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        "insert into people (id, email, name, password_hash, created_at) values ($1, $2, $3, $4, $5)",
        id.0,
        new.email,
        new.name,
        new.password_hash,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn set_password_hash(tx: &mut SystemTx, id: PersonId, hash: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "update people set password_hash = $2, version = version + 1 where id = $1",
        id.0,
        hash
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn delete_sessions(tx: &mut SystemTx, person: PersonId) -> sqlx::Result<()> {
    sqlx::query!("delete from sessions where person_id = $1", person.0).execute(tx.conn()).await?;
    Ok(())
}

/// A sign-up about to be stored.
#[derive(Debug)]
pub struct NewSignUp<'a> {
    pub email: &'a str,
    pub name: &'a str,
    pub org_name: &'a str,
    pub password_hash: &'a str,
}

/// A sign-up whose link was opened.
#[derive(Debug)]
pub struct SignUpRow {
    pub email: String,
    pub name: String,
    pub org_name: String,
    pub password_hash: String,
}

pub async fn insert_sign_up(
    tx: &mut SystemTx,
    token_hash: &[u8],
    new: &NewSignUp<'_>,
    lasts: TimeDelta,
) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        "insert into sign_ups (token_hash, email, name, org_name, password_hash, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        token_hash,
        new.email,
        new.name,
        new.org_name,
        new.password_hash,
        now,
        now + lasts,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Gives the newest sign-up of `email` a new token; says its name.
pub async fn renew_sign_up(
    tx: &mut SystemTx,
    email: &str,
    token_hash: &[u8],
    lasts: TimeDelta,
) -> sqlx::Result<Option<String>> {
    let now = tx.now();
    sqlx::query_scalar!(
        "update sign_ups set token_hash = $2, expires_at = $3
         where token_hash = (select token_hash from sign_ups where email = $1
                             order by created_at desc limit 1)
         returning name",
        email,
        token_hash,
        now + lasts,
    )
    .fetch_optional(tx.conn())
    .await
}

/// The password of the newest sign-up of `email` that waits to be proven.
pub async fn find_sign_up_hash(tx: &mut SystemTx, email: &str) -> sqlx::Result<Option<String>> {
    let now = tx.now();
    sqlx::query_scalar!(
        "select password_hash from sign_ups where email = $1 and expires_at > $2
         order by created_at desc limit 1",
        email,
        now,
    )
    .fetch_optional(tx.conn())
    .await
}

/// Takes the sign-up of a token, and with it every other one of the address.
pub async fn take_sign_up(tx: &mut SystemTx, token_hash: &[u8]) -> sqlx::Result<Option<SignUpRow>> {
    let now = tx.now();
    let taken = sqlx::query_as!(
        SignUpRow,
        "delete from sign_ups where token_hash = $1 and expires_at > $2
         returning email, name, org_name, password_hash",
        token_hash,
        now,
    )
    .fetch_optional(tx.conn())
    .await?;
    if let Some(taken) = &taken {
        sqlx::query!("delete from sign_ups where email = $1", taken.email)
            .execute(tx.conn())
            .await?;
    }
    Ok(taken)
}

pub async fn insert_reset(
    tx: &mut SystemTx,
    token_hash: &[u8],
    person: PersonId,
    lasts: TimeDelta,
) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        "insert into password_resets (token_hash, person_id, created_at, expires_at)
         values ($1, $2, $3, $4)",
        token_hash,
        person.0,
        now,
        now + lasts,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes the reset of a token, and with it every other one of the person.
pub async fn take_reset(tx: &mut SystemTx, token_hash: &[u8]) -> sqlx::Result<Option<Person>> {
    let now = tx.now();
    let person = sqlx::query_as!(
        Person,
        r#"with taken as (
             delete from password_resets where token_hash = $1 and expires_at > $2
             returning person_id)
           select id as "id: PersonId", email, name, is_operator
           from people join taken on id = person_id where disabled_at is null"#,
        token_hash,
        now,
    )
    .fetch_optional(tx.conn())
    .await?;
    if let Some(person) = &person {
        sqlx::query!("delete from password_resets where person_id = $1", person.id.0)
            .execute(tx.conn())
            .await?;
    }
    Ok(person)
}

/// Deletes sessions, links and throttles whose time is over.
pub async fn delete_expired(tx: &mut SystemTx) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!("delete from sessions where expires_at <= $1", now).execute(tx.conn()).await?;
    sqlx::query!("delete from sign_ups where expires_at <= $1", now).execute(tx.conn()).await?;
    sqlx::query!("delete from password_resets where expires_at <= $1", now)
        .execute(tx.conn())
        .await?;
    sqlx::query!("delete from throttles where resets_at <= $1", now).execute(tx.conn()).await?;
    Ok(())
}

/// Makes a person one of the platform's staff.
pub async fn set_operator(tx: &mut SystemTx, id: PersonId) -> sqlx::Result<()> {
    sqlx::query!(
        "update people set is_operator = true, version = version + 1
         where id = $1 and not is_operator",
        id.0,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
