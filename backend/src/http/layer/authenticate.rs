//! Lets nobody in without a session, except to the routes [`super::super::stack::OPEN`] lists, and
//! with an API key to those that [`super::super::stack::WITH_KEY`] lists. A handler that forgets to ask who is calling is therefore still behind the door.

use super::call::Call;
use crate::app::App;
use crate::http::ctx::Ctx;
use crate::http::key_ctx::KeyCtx;
use crate::http::{ApiError, stack};
use crate::identity::session;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::Method;
use tower_sessions::Session;

pub async fn layer(
    State(app): State<App>,
    path: MatchedPath,
    session: Session,
    call: Call,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    // HEAD is GET without the body.
    let method = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
    let route = (method.as_str(), path.as_str());
    if stack::WITH_KEY.contains(&route) {
        let program = KeyCtx::authenticate(&app, call, request.headers()).await?;
        request.extensions_mut().insert(program);
    } else if !stack::OPEN.contains(&route) {
        let person = session::person_of(&app, &session).await?;
        let person = person.ok_or_else(ApiError::sign_in_first)?;
        request.extensions_mut().insert(Ctx::new(app, call, person));
    }
    let mut response = next.run(request).await;
    response.extensions_mut().insert(path);
    Ok(response)
}
