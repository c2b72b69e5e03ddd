//! Choosing light or dark without JavaScript.

use crate::actions::local;
use crate::fault::Fault;
use crate::form::Form;
use crate::http::arrival::theme_of;
use crate::visit::Visit;
use axum::response::Response;
use http::HeaderValue;
use portal_app::islands::THEME_COOKIE;

/// `POST /theme`.
///
/// # Errors
/// Never in practice; the signature is every action's.
pub async fn theme(visit: Visit, form: Form) -> Result<Response, Fault> {
    let theme = theme_of(Some(form.raw("theme")));
    let line = format!("{THEME_COOKIE}={theme}; Path=/; Max-Age=31536000; SameSite=Lax");
    if let Ok(line) = HeaderValue::from_str(&line) {
        visit.arrival().set_cookie(line);
    }
    visit.go(local(Some(form.raw("back")), "/")).answer()
}
