//! What a caller says of answers that are not made for it: `Cache-Control` of its request.

/// The directives that count here; others, and those that cannot be read, change nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CacheAsked {
    /// Neither look for an answer nor keep the one that is made.
    pub no_store: bool,
    /// Make another answer, and keep that one.
    pub no_cache: bool,
    /// The oldest answer that will do, in seconds.
    pub age_max_s: Option<u64>,
}

impl CacheAsked {
    /// Adds what one header says.
    pub fn add(&mut self, header: &[u8]) {
        let Ok(text) = std::str::from_utf8(header) else { return };
        for directive in text.split(',') {
            let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
            let (name, value) = (name.trim(), value.trim().trim_matches('"'));
            if name.eq_ignore_ascii_case("no-store") {
                self.no_store = true;
            } else if name.eq_ignore_ascii_case("no-cache") {
                self.no_cache = true;
            } else if name.eq_ignore_ascii_case("max-age")
                && let Ok(age) = value.parse()
            {
                self.age_max_s = Some(self.age_max_s.map_or(age, |known| known.min(age)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_are_read_whatever_stands_around_them() {
        let of = |headers: &[&str]| {
            let mut asked = CacheAsked::default();
            headers.iter().for_each(|header| asked.add(header.as_bytes()));
            asked
        };
        let none = CacheAsked::default();
        assert_eq!(of(&["No-Cache"]), CacheAsked { no_cache: true, ..none });
        assert_eq!(of(&["private, no-store"]), CacheAsked { no_store: true, ..none });
        let aged = CacheAsked { no_cache: true, age_max_s: Some(5), ..none };
        assert_eq!(of(&["max-age=9 , no-cache", "max-age=\"5\""]), aged);
        for nothing in ["", "max-age", "max-age=-1", "max-age=x", "nocache", "no-cachex", ",,="] {
            assert_eq!(of(&[nothing]), none, "{nothing}");
        }
        let mut asked = none;
        asked.add(b"\xff\xfe, no-cache");
        assert_eq!(asked, none);
    }
}
