//! What answers say of a model that goes away: `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and
//! the successor as a `Link` (RFC 5829).

use crate::text;
use contract::Timestamp;
use dialect::sigv4::segment;
use http::{HeaderMap, HeaderName, HeaderValue, header};

const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// The headers of a model that goes away.
#[derive(Debug, Clone, Default)]
pub struct Leaving {
    deprecation: Option<HeaderValue>,
    sunset: Option<HeaderValue>,
    link: Option<HeaderValue>,
}

/// Written for a model with these instants and this successor.
#[must_use]
pub fn headers(
    deprecated_at: Option<Timestamp>,
    sunset_at: Option<Timestamp>,
    successor: Option<&str>,
) -> Leaving {
    let date = |at: Timestamp| at.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let link = |name: &str| format!("</v1/models/{}>; rel=\"successor-version\"", segment(name));
    let header = |text: String| text::header(&[text.as_bytes()]);
    Leaving {
        deprecation: deprecated_at.map(|at| header(format!("@{}", at.timestamp()))),
        sunset: sunset_at.map(|at| header(date(at))),
        link: successor.map(|name| header(link(name))),
    }
}

impl Leaving {
    /// Puts them on an answer.
    pub fn tell(&self, headers: &mut HeaderMap) {
        let all =
            [(DEPRECATION, &self.deprecation), (SUNSET, &self.sunset), (header::LINK, &self.link)];
        for (name, value) in all {
            if let Some(value) = value {
                headers.insert(name, value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headers_are_as_their_rfcs_have_them() {
        let at = |seconds| Timestamp::from_timestamp(seconds, 999_000_000);
        let told = headers(at(1_688_169_599), at(1_730_414_460), Some("acme/chat:2"));
        let mut all = HeaderMap::new();
        told.tell(&mut all);
        assert_eq!(all["deprecation"], "@1688169599");
        assert_eq!(all["sunset"], "Thu, 31 Oct 2024 22:41:00 GMT");
        assert_eq!(all["link"], "</v1/models/acme%2Fchat%3A2>; rel=\"successor-version\"");
        let mut none = HeaderMap::new();
        headers(None, None, None).tell(&mut none);
        assert!(none.is_empty());
    }
}
