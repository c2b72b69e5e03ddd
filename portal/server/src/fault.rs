//! What can stand between a visitor and a page. A fault travels in the response's extensions;
//! `http::arrival` draws it, because only there theme, nonce and request id are known.

use axum::response::{IntoResponse, Response};
use contract::error::{ErrorCode, FieldError, Problem};
use contract::role::{Action, Role};
use http::StatusCode;

/// Why there is no page.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Nobody is signed in: go and sign in, then come back.
    SignIn,
    /// The control API said no.
    Refused(Box<Problem>),
    /// The control API did not answer, or not in a way we understand.
    Unreachable,
    /// Not there, or not theirs: the two look the same.
    NotFound,
    /// The role may not; carries what would be needed.
    Forbidden(Action),
    /// The form was posted by a page of another site.
    OtherSite,
    /// The body is not a form; says why.
    BadForm(&'static str),
    /// Our own doing.
    Broken,
}

impl Fault {
    /// A refusal of one field, made here because the text cannot be sent at all.
    #[must_use]
    pub fn field(name: &str, complaint: &str) -> Self {
        let mut problem = Problem::new(ErrorCode::RequestInvalid, complaint, "");
        problem.errors.push(FieldError::new(format!("/{name}"), complaint));
        Self::Refused(Box::new(problem))
    }

    /// The same refusal, where the form has another name for a field than the control API.
    #[must_use]
    pub fn renaming(mut self, pointer: &str, to: &str) -> Self {
        if let Self::Refused(problem) = &mut self {
            for error in problem.errors.iter_mut().filter(|error| error.pointer == pointer) {
                to.clone_into(&mut error.pointer);
            }
        }
        self
    }

    /// Blames one field of the form for all within an object or a list.
    #[must_use]
    pub fn gathering(mut self, object: &str, to: &str) -> Self {
        if let Self::Refused(problem) = &mut self {
            for error in &mut problem.errors {
                let within = error.pointer.strip_prefix(object);
                if within.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
                    to.clone_into(&mut error.pointer);
                }
            }
        }
        self
    }

    /// Speaks of the members of `object` as if they stood beside it: its fields are a form's own.
    #[must_use]
    pub fn unwrapping(mut self, object: &str) -> Self {
        if let Self::Refused(problem) = &mut self {
            for error in &mut problem.errors {
                if let Some(member) = error.pointer.strip_prefix(object)
                    && member.starts_with('/')
                {
                    error.pointer = member.to_owned();
                }
            }
        }
        self
    }

    /// Does the control API refuse with this code?
    #[must_use]
    pub fn is(&self, code: ErrorCode) -> bool {
        matches!(self, Self::Refused(problem) if problem.code == code.as_str())
    }

    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::SignIn => StatusCode::SEE_OTHER,
            Self::Refused(problem) => {
                StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_GATEWAY)
            }
            Self::Unreachable => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forbidden(_) | Self::OtherSite => StatusCode::FORBIDDEN,
            Self::BadForm(_) => StatusCode::BAD_REQUEST,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The roles that may, in words: `owner, admin or developer`.
    #[must_use]
    pub fn roles_that_may(action: Action) -> String {
        let names: Vec<_> =
            Role::ALL.into_iter().filter(|role| role.may(action)).map(Role::as_str).collect();
        match names.split_last() {
            Some((last, [])) => (*last).to_owned(),
            Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
            None => String::new(),
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_needed_roles_read_as_a_sentence() {
        assert_eq!(Fault::roles_that_may(Action::EditOrg), "owner");
        assert_eq!(Fault::roles_that_may(Action::CreateKey), "owner, admin or developer");
    }
}
