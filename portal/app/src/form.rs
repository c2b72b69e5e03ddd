//! The state of one form: what was typed, what was wrong with it. Kept on the server between the
//! refused POST and the page that shows the form again.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Name of the hidden field that carries the form's idempotency key.
pub const KEY_FIELD: &str = "_key";

/// One form as a page shows it. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct FormState {
    /// Where it posts to; also what tells two forms of one page apart.
    pub action: Arc<str>,
    /// Sent as `Idempotency-Key`: a form posted twice acts once.
    pub key: Arc<str>,
    /// What the ids of its fields end in.
    pub mark: Arc<str>,
    refused: Arc<Refused>,
}

/// What a refused form comes back with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refused {
    /// Typed values by field; never a secret.
    pub values: BTreeMap<String, Vec<String>>,
    /// What is wrong, by field, in the order the API gave it.
    pub errors: Vec<(String, String)>,
    /// What is wrong with the whole.
    pub message: Option<String>,
}

impl FormState {
    #[must_use]
    pub fn new(action: &str, key: &str, refused: Refused) -> Self {
        let (action, key, mark) = (action.into(), key.into(), Arc::default());
        Self { action, key, mark, refused: Arc::new(refused) }
    }

    /// One of several forms of a page with fields of the same names: by `mark` their ids differ.
    #[must_use]
    pub fn marked(self, mark: impl std::fmt::Display) -> Self {
        Self { mark: mark.to_string().into(), ..self }
    }

    /// What was typed into `field` before the form was refused.
    #[must_use]
    pub fn value(&self, field: &str) -> Option<&str> {
        self.refused.values.get(field)?.first().map(String::as_str)
    }

    /// Was `value` among the choices of `field`? `None` when the form comes for the first time.
    #[must_use]
    pub fn chose(&self, field: &str, value: &str) -> Option<bool> {
        if !self.is_refused() {
            return None;
        }
        let chosen = self.refused.values.get(field);
        Some(chosen.is_some_and(|all| all.iter().any(|one| one == value)))
    }

    #[must_use]
    pub fn error(&self, field: &str) -> Option<&str> {
        let found = self.refused.errors.iter().find(|(name, _)| name == field);
        found.map(|(_, error)| error.as_str())
    }

    #[must_use]
    pub fn errors(&self) -> &[(String, String)] {
        &self.refused.errors
    }

    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.refused.message.as_deref()
    }

    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.refused.message.is_some() || !self.refused.errors.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_form_keeps_what_was_typed_and_chosen() {
        let refused = Refused {
            values: [("scope".to_owned(), vec!["a".to_owned(), "b".to_owned()])].into(),
            errors: vec![("name".to_owned(), "Enter a name.".to_owned())],
            message: None,
        };
        let form = FormState::new("/x", "k", refused);
        assert_eq!(form.chose("scope", "b"), Some(true));
        assert_eq!(form.chose("scope", "c"), Some(false));
        assert_eq!(form.error("name"), Some("Enter a name."));
        assert_eq!(FormState::new("/x", "k", Refused::default()).chose("scope", "a"), None);
    }
}
