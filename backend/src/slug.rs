//! The rule of slugs that people choose: of providers, products, plans.

use contract::error::FieldError;

/// Checks a slug: what addresses and logs call the object.
///
/// # Errors
/// Says which characters it takes.
pub fn check(text: &str) -> Result<String, FieldError> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let fits = (1..=60).contains(&text.len())
        && text.bytes().all(allowed)
        && !text.starts_with('-')
        && !text.ends_with('-')
        && !text.contains("--");
    if fits {
        Ok(text.to_owned())
    } else {
        Err(FieldError::new(
            "/slug",
            "use 1 to 60 of a-z, 0-9 and single hyphens between them, like my-provider",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_one_word_of_an_address() {
        for bad in ["", "-a", "a-", "a--b", "A", "a b", "ä", &"a".repeat(61)] {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert_eq!(check("open-ai-2").unwrap(), "open-ai-2");
    }
}
