//! Refuses changes that another site's page asks a browser for. A browser says where a page is
//! from in `Origin` and `Sec-Fetch-Site`; a program sends neither and is let through, as it has
//! no cookie that a page could ride on.

use crate::app::App;
use crate::http::ApiError;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use contract::error::ErrorCode;
use http::header::ORIGIN;

pub async fn layer(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    if request.method().is_safe() {
        return Ok(next.run(request).await);
    }
    let headers = request.headers();
    let is_own = match headers.get(ORIGIN) {
        Some(origin) => origin.to_str().is_ok_and(|origin| app.config.public.is_own_origin(origin)),
        None => headers.get("sec-fetch-site").is_none_or(|site| site == "same-origin"),
    };
    if is_own {
        return Ok(next.run(request).await);
    }
    Err(ApiError::new(
        ErrorCode::RequestOrigin,
        "A page of another site asked for this change. Use the portal, or call from a program.",
    ))
}
