//! Dead letters: book one again.

use crate::fault::Fault;
use crate::form::Form;
use crate::visit::OperatorVisit;
use axum::extract::Path;
use axum::response::Response;
use portal_app::components::Tone;
use portal_app::text::dead_letters as text;

/// `POST /admin/dead-letters/{letter}/replay`.
///
/// # Errors
/// What no form can mend.
pub async fn replay(
    visit: OperatorVisit,
    Path(letter): Path<String>,
    form: Form,
) -> Result<Response, Fault> {
    let page = "/admin/dead-letters";
    match visit.backend().replay_dead_letter(&letter, form.key()).await {
        Ok(_) => visit.go(page).notice(Tone::Good, text::REPLAYED).answer(),
        Err(fault) => visit.retry(page, &form, fault),
    }
}
