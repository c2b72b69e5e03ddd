//! Turns every refusal into problem+json, ours and those of the layers below (an unknown address,
//! a wrong method, a panic), and logs what was our fault.

use super::call::Call;
use crate::http::error::Refusal;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use contract::error::{ErrorCode, Problem};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use std::sync::Arc;

pub async fn layer(request: Request, next: Next) -> Response {
    let id = request.extensions().get::<Call>().map(|call| call.id.to_string()).unwrap_or_default();
    let mut response = next.run(request).await;
    if response.status().is_success() || response.status().is_redirection() {
        return response;
    }
    let ours = response.extensions_mut().remove::<Arc<Refusal>>();
    let problem = match &ours {
        Some(refusal) => {
            if let Some(cause) = &refusal.cause {
                tracing::error!(
                    code = refusal.code.as_str(),
                    cause = format!("{cause:#}"),
                    "failed"
                );
            }
            let mut problem = Problem::new(refusal.code, refusal.detail.as_str(), id);
            problem.errors.clone_from(&refusal.errors);
            problem
        }
        None => foreign(response.status(), id),
    };
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    *response.status_mut() = StatusCode::from_u16(problem.status).unwrap_or(response.status());
    let headers = response.headers_mut();
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if let Some(seconds) = ours.and_then(|refusal| refusal.retry_after_s) {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    *response.body_mut() = Body::from(body);
    response
}

fn foreign(status: StatusCode, id: String) -> Problem {
    let (code, detail) = match status {
        StatusCode::NOT_FOUND => (
            ErrorCode::RouteUnknown,
            "The API has no such address. /openapi.json lists what it has.",
        ),
        StatusCode::METHOD_NOT_ALLOWED => {
            (ErrorCode::RequestMethod, "The Allow header names the methods this address takes.")
        }
        StatusCode::PAYLOAD_TOO_LARGE => (ErrorCode::RequestTooLarge, "Send a smaller body."),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => (ErrorCode::RequestMediaType, "Send JSON."),
        StatusCode::REQUEST_TIMEOUT => (ErrorCode::RequestTimeout, "Send it again."),
        StatusCode::SERVICE_UNAVAILABLE => {
            (ErrorCode::Overloaded, "It took too long, and was stopped. Read before you try again.")
        }
        status if status.is_client_error() => {
            (ErrorCode::RequestHeaderInvalid, "The request is not well formed.")
        }
        _ => (ErrorCode::Internal, "Something went wrong on our side. Try again."),
    };
    Problem::new(code, detail, id)
}
