//! A posted form: fields by name, as typed. Parsing beyond text belongs to the action.

use crate::fault::Fault;
use axum::extract::{FromRequest, Request};
use axum::http::header;
use portal_app::form::KEY_FIELD;
use std::collections::BTreeMap;
use std::fmt;

/// The largest form taken, in bytes.
const SIZE_MAX: usize = 256 * 1024;

/// The fields of a POST. Debug shows names only: values may be secrets.
pub struct Form(Vec<(String, String)>);

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Form {
    /// A field as people mean it: without space around it. Empty when absent.
    #[must_use]
    pub fn text(&self, name: &str) -> String {
        self.raw(name).trim().to_owned()
    }

    /// Like [`Form::text`], but nothing when empty.
    #[must_use]
    pub fn optional(&self, name: &str) -> Option<String> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    /// A field exactly as typed: for passwords.
    #[must_use]
    pub fn raw(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(field, _)| field == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// Every value of a field that may come several times.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(field, _)| field == name).map(|(_, value)| value.clone()).collect()
    }

    #[must_use]
    pub fn ticked(&self, name: &str) -> bool {
        self.0.iter().any(|(field, _)| field == name)
    }

    /// A field parsed as `T`.
    ///
    /// # Errors
    /// A refusal of this field with `complaint` when it does not parse.
    pub fn parse<T: std::str::FromStr>(&self, name: &str, complaint: &str) -> Result<T, Fault> {
        self.text(name).parse().map_err(|_| Fault::field(name, complaint))
    }

    /// Like [`Form::parse`], but an empty field is nothing.
    ///
    /// # Errors
    /// As [`Form::parse`].
    pub fn parse_optional<T: std::str::FromStr>(
        &self,
        name: &str,
        complaint: &str,
    ) -> Result<Option<T>, Fault> {
        self.optional(name).map(|_| self.parse(name, complaint)).transpose()
    }

    /// The version of the object that the form was drawn from. Without one the control API
    /// refuses the edit as stale.
    #[must_use]
    pub fn version(&self) -> i64 {
        self.raw("version").parse().unwrap_or(-1)
    }

    /// What to send as `Idempotency-Key`: a form posted twice acts once.
    #[must_use]
    pub fn key(&self) -> &str {
        self.raw(KEY_FIELD)
    }

    /// The values to show again when the form is refused. Passwords and other secrets are left
    /// out by name.
    #[must_use]
    pub(crate) fn kept(&self) -> BTreeMap<String, Vec<String>> {
        let mut kept: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in &self.0 {
            let secret = ["password", "secret", "credential", "token"];
            if name != KEY_FIELD && !secret.iter().any(|word| name.contains(word)) {
                kept.entry(name.clone()).or_default().push(value.clone());
            }
        }
        kept
    }
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Fault;

    async fn from_request(request: Request, _: &S) -> Result<Self, Fault> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if !kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded")) {
            return Err(Fault::BadForm("The form came in an encoding that is not used here."));
        }
        let bytes = axum::body::to_bytes(request.into_body(), SIZE_MAX)
            .await
            .map_err(|_| Fault::BadForm("The form is larger than 256 KiB or broke off."))?;
        Ok(Self(url::form_urlencoded::parse(&bytes).into_owned().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(fields: &[(&str, &str)]) -> Form {
        Form(fields.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect())
    }

    #[test]
    fn secrets_and_the_idempotency_key_are_not_kept() {
        let form = form(&[
            ("email", "a@b"),
            ("password", "hunter2"),
            ("credential", "sk"),
            (KEY_FIELD, "k"),
        ]);
        assert_eq!(form.kept().keys().collect::<Vec<_>>(), ["email"]);
        assert!(!format!("{form:?}").contains("hunter2"));
    }

    #[test]
    fn text_is_trimmed_but_a_password_is_taken_as_typed() {
        let form = form(&[("name", " Ada "), ("password", " a b ")]);
        assert_eq!(form.text("name"), "Ada");
        assert_eq!(form.raw("password"), " a b ");
        assert_eq!(form.optional("absent"), None);
    }
}
