//! Checks of a request's fields. All of them run, so that a form shows every mistake at once.

use super::ApiError;
use contract::error::FieldError;
use std::ops::RangeInclusive;

#[derive(Debug, Default)]
pub struct Check(Vec<FieldError>);

impl Check {
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Blames `pointer` unless `holds`.
    pub fn that(&mut self, holds: bool, pointer: &str, detail: impl Into<String>) {
        if !holds {
            self.0.push(FieldError::new(pointer, detail));
        }
    }

    /// One line of text, of `chars` characters once trimmed. Returns it trimmed.
    pub fn line<'a>(
        &mut self,
        pointer: &str,
        text: &'a str,
        chars: RangeInclusive<usize>,
    ) -> &'a str {
        let text = text.trim();
        let (least, most) = (*chars.start(), *chars.end());
        if text.is_empty() && least > 0 {
            self.that(false, pointer, "Say something here; it may not be empty.");
        } else if !chars.contains(&text.chars().count()) {
            self.that(false, pointer, format!("Use {least} to {most} characters."));
        } else if text.chars().any(char::is_control) {
            self.that(false, pointer, "Use one line without control characters.");
        }
        text
    }

    /// Text of several lines, of at most `chars_max` characters.
    pub fn text<'a>(&mut self, pointer: &str, text: &'a str, chars_max: usize) -> &'a str {
        let text = text.trim();
        if text.chars().count() > chars_max {
            self.that(false, pointer, format!("Use at most {chars_max} characters."));
        } else if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            self.that(false, pointer, "Remove the control characters.");
        }
        text
    }

    /// An e-mail address. Returns it trimmed and in lower case: the form that is stored.
    pub fn email(&mut self, pointer: &str, text: &str) -> String {
        let email = text.trim().to_lowercase();
        let is_whole = email.len() <= 254
            && email.parse::<lettre::Address>().is_ok()
            && email.rsplit_once('@').is_some_and(|(_, host)| !host.starts_with('['));
        self.that(is_whole, pointer, "Write an e-mail address such as ada@example.com.");
        email
    }

    /// The value of a rule that reads one; its default, and the blame, when the rule refuses.
    pub fn take<T: Default>(&mut self, read: Result<T, FieldError>) -> T {
        read.unwrap_or_else(|error| {
            self.0.push(error);
            T::default()
        })
    }

    /// Takes in what another rule blamed.
    pub fn all(&mut self, errors: impl IntoIterator<Item = FieldError>) {
        self.0.extend(errors);
    }

    /// # Errors
    /// `request.invalid` with every field that was blamed.
    pub fn done(self) -> Result<(), ApiError> {
        if self.0.is_empty() { Ok(()) } else { Err(ApiError::invalid(self.0)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_is_reported_at_once() {
        let mut check = Check::new();
        check.line("/name", "  ", 1..=10);
        check.line("/long", "eleven chars", 1..=10);
        check.line("/tab", "a\tb", 1..=10);
        check.email("/email", "nobody");
        check.text("/text", "two\nlines", 20);
        let blamed: Vec<_> = check.0.iter().map(|e| e.pointer.as_str()).collect();
        assert_eq!(blamed, ["/name", "/long", "/tab", "/email"]);
    }

    #[test]
    fn an_address_is_stored_in_one_form() {
        let mut check = Check::new();
        assert_eq!(check.email("/email", " Ada@Example.COM "), "ada@example.com");
        for wrong in ["", "a@", "@b.c", "a b@c.d", "a@b c", "a@[127.0.0.1]", "a\u{0}@b.c"] {
            check.email("/email", wrong);
        }
        assert_eq!(check.0.len(), 7);
    }
}
