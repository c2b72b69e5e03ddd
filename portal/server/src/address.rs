//! Addresses made from the one that was asked for: the same filters with one of them changed.

use crate::visit::Visit;
use url::form_urlencoded::{Serializer, parse};

/// Where "Next page" leads, when there is one.
#[must_use]
pub fn next(visit: &Visit, cursor: Option<String>) -> Option<String> {
    cursor.map(|cursor| with(visit.arrival().here(), &[("cursor", Some(&cursor))]))
}

/// `here` with some parameters set anew, or left out where there is no value. A changed filter
/// starts at the first page again.
#[must_use]
pub fn with(here: &str, changes: &[(&str, Option<&str>)]) -> String {
    let (path, query) = here.split_once('?').unwrap_or((here, ""));
    let kept =
        |name: &str| name != "cursor" && !changes.iter().any(|(changed, _)| *changed == name);
    let mut made = Serializer::new(String::new());
    made.extend_pairs(
        parse(query.as_bytes()).filter(|(name, value)| kept(name) && !value.is_empty()),
    );
    for (name, value) in changes {
        if let Some(value) = value {
            made.append_pair(name, value);
        }
    }
    let query = made.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_keeps_the_filters_and_has_one_cursor() {
        let next = [("cursor", Some("c2"))];
        assert_eq!(with("/o/acme/keys", &next), "/o/acme/keys?cursor=c2");
        assert_eq!(
            with("/o/acme/requests?model=a%2Fb&cursor=c1", &next),
            "/o/acme/requests?model=a%2Fb&cursor=c2"
        );
    }

    #[test]
    fn a_changed_filter_starts_at_the_first_page() {
        assert_eq!(with("/x?app=a&cursor=c1&model=", &[("app", None)]), "/x");
        assert_eq!(with("/x?app=a&cursor=c1", &[("range", Some("7d"))]), "/x?app=a&range=7d");
    }
}
