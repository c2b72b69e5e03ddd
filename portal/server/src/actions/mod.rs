//! What forms do: read the fields, call the control API, answer with a redirect. No rule of their
//! own: what is allowed and what is valid is decided behind the control API.

pub mod admin;
pub mod apps;
pub mod auth;
pub mod budgets;
pub mod catalog;
pub mod keys;
pub mod limits;
pub mod orgs;
pub mod people;
pub mod routes;
mod theme;
pub mod webhooks;

pub use theme::theme;

/// An address of this portal to go to next; anything else becomes `otherwise`.
pub(crate) fn local(path: Option<&str>, otherwise: &str) -> String {
    let ours = |path: &&str| {
        let mut characters = path.chars();
        characters.next() == Some('/')
            && !matches!(characters.next(), Some('/' | '\\'))
            && path.bytes().all(|byte| byte.is_ascii_graphic())
    };
    path.filter(ours).unwrap_or(otherwise).to_owned()
}

#[cfg(test)]
mod tests {
    use super::local;

    #[test]
    fn nobody_is_sent_to_another_site() {
        for bad in [
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "",
            "/a\r\nx: y",
            "/\t/evil",
        ] {
            assert_eq!(local(Some(bad), "/orgs"), "/orgs", "{bad}");
        }
        assert_eq!(local(Some("/o/acme?tab=1"), "/orgs"), "/o/acme?tab=1");
    }
}
