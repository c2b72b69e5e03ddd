//! Rules that orgs, teams and apps share. No I/O.

/// The most characters of a slug, before a number that tells it from others.
const SLUG_CHARS_MAX: usize = 40;

/// The form of `name` that goes into addresses: lower-case letters, digits, single hyphens.
#[must_use]
pub fn slug(name: &str, fallback: &str) -> String {
    let mut out = String::new();
    for c in name.to_lowercase().chars() {
        if out.len() >= SLUG_CHARS_MAX {
            break;
        }
        if c.is_ascii_alphanumeric() {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    let trimmed = out.trim_end_matches('-');
    if trimmed.is_empty() { fallback.to_owned() } else { trimmed.to_owned() }
}

/// Can `text` be an org's slug or id? Saves asking Postgres about what it could not even read.
#[must_use]
pub fn is_name_of_org(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// `slug`, or `slug-2`, `slug-3` …: the first that is not `taken`.
#[must_use]
pub fn free_slug(slug: &str, taken: &[String]) -> String {
    let is_taken = |candidate: &str| taken.iter().any(|t| t == candidate);
    if !is_taken(slug) {
        return slug.to_owned();
    }
    // One more candidate than there are names to be in the way.
    let numbered = (2..taken.len() + 3).map(|n| format!("{slug}-{n}"));
    numbered.into_iter().find(|candidate| !is_taken(candidate)).unwrap_or_else(|| slug.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_fits_an_address_whatever_the_name() {
        assert_eq!(slug("  Ångström & Söhne GmbH ", "org"), "ngstr-m-s-hne-gmbh");
        assert_eq!(slug("Data  Platform (EU)", "team"), "data-platform-eu");
        assert_eq!(slug("東京", "org"), "org");
        assert_eq!(slug(&"x".repeat(200), "org").len(), 40);
    }

    #[test]
    fn a_taken_slug_gets_the_first_free_number() {
        let taken = ["a".to_owned(), "a-2".to_owned(), "a-4".to_owned()];
        assert_eq!(free_slug("a", &taken), "a-3");
        assert_eq!(free_slug("b", &taken), "b");
    }
}
