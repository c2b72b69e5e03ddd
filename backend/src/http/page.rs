//! `cursor` and `limit` of every list.

use super::ApiError;
use axum::extract::FromRequestParts;
use contract::Timestamp;
use contract::error::{ErrorCode, FieldError};
use contract::id::{Id, IdError};
use contract::page::{Cursor, LIMIT_DEFAULT, LIMIT_MAX, Page};
use http::request::Parts;
use uuid::Uuid;

/// Which page of a list is asked for.
#[derive(Debug, Clone, Copy)]
pub struct PageQuery {
    cursor: Option<Cursor>,
    limit: u16,
}

impl PageQuery {
    /// The longest first page, for callers inside the program.
    #[must_use]
    pub const fn first() -> Self {
        Self { cursor: None, limit: LIMIT_MAX }
    }

    /// The sort instant to go on after; `None` on the first page.
    #[must_use]
    pub fn after_at(&self) -> Option<Timestamp> {
        self.cursor.map(|cursor| cursor.at)
    }

    /// The id to go on after; `None` on the first page.
    #[must_use]
    pub fn after_id(&self) -> Option<Uuid> {
        self.cursor.map(|cursor| cursor.id)
    }

    /// Rows to fetch: one more than the page shows.
    #[must_use]
    pub fn fetch(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// Makes the page of the rows fetched.
    pub fn page<T>(&self, rows: Vec<T>, key: impl Fn(&T) -> (Timestamp, Uuid)) -> Page<T> {
        Page::from_rows(rows, self.limit, |row| {
            let (at, id) = key(row);
            Cursor { at, id }
        })
    }
}

/// The value of a query parameter, percent-decoded.
#[must_use]
pub fn query_param(parts: &Parts, name: &str) -> Option<String> {
    url::form_urlencoded::parse(parts.uri.query()?.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
        .filter(|value| !value.is_empty())
}

/// The identifier in a query parameter.
///
/// # Errors
/// `request.invalid` when it is none of its kind.
pub fn query_id<T: Id>(parts: &Parts, name: &str) -> Result<Option<T>, ApiError> {
    let Some(text) = query_param(parts, name) else { return Ok(None) };
    text.parse().map(Some).map_err(|error: IdError| {
        ApiError::invalid(vec![FieldError::new(format!("?{name}"), format!("{error}."))])
    })
}

/// An identifier that a list is narrowed to: `?app=app_…`. Named by the identifier's prefix.
#[derive(Debug, Clone, Copy)]
pub struct QueryId<T>(pub Option<T>);

impl<S: Send + Sync, T: Id> FromRequestParts<S> for QueryId<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        query_id(parts, T::PREFIX).map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PageQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let cursor = query_param(parts, "cursor")
            .map(|text| {
                Cursor::decode(&text).ok_or_else(|| {
                    ApiError::new(
                        ErrorCode::RequestCursor,
                        "Send `cursor` exactly as `next` gave it, or leave it out for the first page.",
                    )
                })
            })
            .transpose()?;
        let limit = match query_param(parts, "limit") {
            None => LIMIT_DEFAULT,
            Some(text) => {
                text.parse().ok().filter(|n| (1..=LIMIT_MAX).contains(n)).ok_or_else(|| {
                    ApiError::invalid(vec![FieldError::new(
                        "?limit",
                        format!("Ask for 1 to {LIMIT_MAX} rows."),
                    )])
                })?
            }
        };
        Ok(Self { cursor, limit })
    }
}
