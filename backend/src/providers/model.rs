//! What a provider may be: the rules of its address, name and credential.

use contract::error::FieldError;
use contract::snapshot::Auth;
use url::Url;

/// Characters of a credential at most.
const CREDENTIAL_MAX: usize = 8_192;

/// Brings an address to its stored form, without a trailing slash.
///
/// # Errors
/// What is wrong with it and how to write it.
pub fn base_url(text: &str) -> Result<String, FieldError> {
    let refuse = |why: &str| Err(FieldError::new("/base_url", why));
    let text = text.trim();
    let Ok(url) = Url::parse(text) else {
        return refuse("write a whole address, like https://api.example.com/v1");
    };
    if !matches!(url.scheme(), "http" | "https") {
        return refuse("the address must start with http:// or https://");
    }
    if url.host_str().is_none_or(str::is_empty) {
        return refuse("the address names no host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("put the credential into `credential`, not into the address");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("leave out everything from `?` or `#` on: the operation's path is appended");
    }
    if text.len() > 500 {
        return refuse("the address is longer than 500 characters");
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Checks that a credential can be sent in a header.
///
/// # Errors
/// Never repeats the credential.
pub fn credential(text: &str) -> Result<&str, FieldError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(FieldError::new("/credential", "the credential is empty"));
    }
    if text.len() > CREDENTIAL_MAX {
        return Err(FieldError::new(
            "/credential",
            "the credential is longer than 8192 characters",
        ));
    }
    if !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(FieldError::new(
            "/credential",
            "the credential holds a space, a line break or a character that no header can carry",
        ));
    }
    Ok(text)
}

/// Whether two addresses lead to the same scheme, host and port.
#[must_use]
pub fn same_host(one: &str, other: &str) -> bool {
    match (Url::parse(one), Url::parse(other)) {
        (Ok(one), Ok(other)) => one.origin() == other.origin(),
        _ => false,
    }
}

/// Whether `auth` can work with what is stored and what was sent.
///
/// # Errors
/// Names the missing or the needless credential.
pub fn auth_fits(auth: Auth, stored: bool, sent: bool) -> Result<(), FieldError> {
    match auth {
        Auth::None if sent => {
            Err(FieldError::new("/credential", "auth `none` sends no credential: leave it out"))
        }
        Auth::Bearer | Auth::ApiKey if !stored && !sent => Err(FieldError::new(
            "/credential",
            "send a credential: this kind of auth needs one, and a stored one is only used \
                 for the host it was given for",
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_kept_without_its_trailing_slash() {
        assert_eq!(
            base_url(" https://api.example.com/v1/ ").unwrap(),
            "https://api.example.com/v1"
        );
        assert_eq!(base_url("http://127.0.0.1:7103/v1").unwrap(), "http://127.0.0.1:7103/v1");
        assert_eq!(base_url("HTTPS://Api.Example.com").unwrap(), "https://api.example.com");
    }

    #[test]
    fn an_address_that_could_not_be_called_is_refused_with_what_to_change() {
        for (bad, word) in [
            ("", "whole address"),
            ("api.example.com/v1", "whole address"),
            ("ftp://example.com", "http"),
            ("file:///etc/passwd", "http"),
            ("https://me:secret@example.com", "credential"),
            ("https://example.com/v1?key=1", "?"),
            ("https://example.com/v1#a", "#"),
        ] {
            let error = base_url(bad).unwrap_err();
            assert_eq!(error.pointer, "/base_url");
            assert!(error.detail.contains(word), "{bad}: {}", error.detail);
            assert!(!error.detail.contains("secret"));
        }
    }

    #[test]
    fn a_credential_that_no_header_carries_is_refused_without_repeating_it() {
        assert_eq!(credential(" sk-abc\n").unwrap(), "sk-abc");
        for bad in ["", "   ", "sk abc", "sk\nabc", "schlüssel"] {
            let error = credential(bad).unwrap_err();
            assert!(bad.trim().is_empty() || !error.detail.contains(bad));
        }
    }

    #[test]
    fn a_credential_does_not_follow_to_another_host() {
        assert!(same_host("https://a.example/v1", "https://a.example/v2"));
        assert!(!same_host("https://a.example/v1", "https://b.example/v1"));
        assert!(!same_host("https://a.example/v1", "http://a.example/v1"));
        assert!(!same_host("https://a.example/v1", "https://a.example:444/v1"));
    }

    #[test]
    fn a_kind_of_auth_that_needs_a_credential_does_not_go_without() {
        assert!(auth_fits(Auth::Bearer, false, false).is_err());
        assert!(auth_fits(Auth::ApiKey, true, false).is_ok());
        assert!(auth_fits(Auth::None, false, true).is_err());
        assert!(auth_fits(Auth::None, true, false).is_ok());
    }
}
