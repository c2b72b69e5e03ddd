//! Slows guessing down. Each subject (an account, an address) has a few free attempts; each one
//! after that waits twice as long as the one before. An attempt counts before it is judged, so that
//! many at once do not slip through.

use crate::app::App;
use crate::db::Tx as _;
use crate::http::{ApiError, Result};
use chrono::TimeDelta;
use contract::error::ErrorCode;
use std::net::IpAddr;

/// Who is slowed down, and from when on.
#[derive(Debug)]
pub struct Subject {
    name: String,
    free: i32,
}

/// The count starts anew this long after its first attempt.
const FORGET: TimeDelta = TimeDelta::minutes(15);
const FIRST_WAIT_S: i64 = 5;
const WAIT_S_MAX: i64 = 900;

impl Subject {
    /// Guesses at the password of one account, known or not.
    #[must_use]
    pub fn account(email: &str) -> Self {
        Self { name: format!("account:{}", digest(email)), free: 5 }
    }

    /// Anything one address tries. Many people may share one.
    #[must_use]
    pub fn address(ip: Option<IpAddr>) -> Self {
        let ip = ip.map_or_else(|| "unknown".to_owned(), |ip| ip.to_string());
        Self { name: format!("address:{ip}"), free: 60 }
    }

    /// Mails that anybody can make us send to one address.
    #[must_use]
    pub fn mail(email: &str) -> Self {
        Self { name: format!("mail:{}", digest(email)), free: 5 }
    }
}

fn digest(email: &str) -> String {
    let hash = blake3::derive_key("tollgate throttle v1", email.as_bytes());
    data_encoding::HEXLOWER.encode(hash.get(..16).unwrap_or_default())
}

/// Counts an attempt of each subject.
///
/// # Errors
/// `session.throttled` with a true `Retry-After` while one of them has to wait; that attempt does
/// not count.
pub async fn attempt(app: &App, subjects: &[Subject]) -> Result<()> {
    let mut tx = app.system_tx("sign-in", "count attempts").await?;
    let now = tx.now();
    for subject in subjects {
        let row = sqlx::query!(
            "insert into throttles (subject, failures, resets_at) values ($1, 1, $3)
             on conflict (subject) do update set
               failures = case
                 when throttles.blocked_until > $2 then throttles.failures
                 when throttles.resets_at <= $2 then 1
                 else throttles.failures + 1 end,
               resets_at = case when throttles.resets_at <= $2 then $3 else throttles.resets_at end
             returning failures, blocked_until",
            subject.name,
            now,
            now + FORGET,
        )
        .fetch_one(tx.conn())
        .await?;
        if let Some(until) = row.blocked_until.filter(|until| *until > now) {
            let wait = (until - now).num_milliseconds().div_euclid(1000) + 1;
            return Err(throttled(u64::try_from(wait).unwrap_or(1)));
        }
        let over = row.failures - subject.free;
        let wait = (over >= 0).then(|| {
            let doubled = FIRST_WAIT_S << u32::try_from(over).unwrap_or(0).min(16);
            now + TimeDelta::seconds(doubled.min(WAIT_S_MAX))
        });
        sqlx::query!(
            "update throttles set blocked_until = $2 where subject = $1",
            subject.name,
            wait
        )
        .execute(tx.conn())
        .await?;
    }
    Ok(tx.commit().await?)
}

/// Counts one more of `name` in this minute, whatever comes of it.
///
/// # Errors
/// `limit.requests` with a true `Retry-After` when there were `max` already.
pub async fn per_minute(app: &App, name: &str, max: i32) -> Result<()> {
    let mut tx = app.system_tx("throttle", "count what a minute brings").await?;
    let now = tx.now();
    let row = sqlx::query!(
        "insert into throttles (subject, failures, resets_at) values ($1, 1, $3)
         on conflict (subject) do update set
           failures = case when throttles.resets_at <= $2 then 1 else throttles.failures + 1 end,
           resets_at = case when throttles.resets_at <= $2 then $3 else throttles.resets_at end
         returning failures, resets_at",
        name,
        now,
        now + TimeDelta::minutes(1),
    )
    .fetch_one(tx.conn())
    .await?;
    tx.commit().await?;
    if row.failures <= max {
        return Ok(());
    }
    let seconds = (row.resets_at - now).num_seconds().unsigned_abs().max(1);
    Err(ApiError::new(
        ErrorCode::LimitRequests,
        format!("At most {max} of these are answered in a minute. Try again in {seconds} seconds."),
    )
    .retry_after(seconds))
}

/// Forgets the attempts of `subject`: it has proven itself.
///
/// # Errors
/// Postgres is not reachable.
pub async fn forgive(app: &App, subject: &Subject) -> Result<()> {
    let mut tx = app.system_tx("sign-in", "forget attempts").await?;
    sqlx::query!("delete from throttles where subject = $1", subject.name)
        .execute(tx.conn())
        .await?;
    Ok(tx.commit().await?)
}

fn throttled(seconds: u64) -> ApiError {
    ApiError::new(
        ErrorCode::SignInThrottled,
        format!("There were too many attempts. Try again in {seconds} seconds."),
    )
    .retry_after(seconds)
}
