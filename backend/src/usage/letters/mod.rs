//! Dead letters: events that cannot be booked, kept whole with the reason until an operator has them
//! booked after all.
//!
//! What must stay true: none is ever deleted, and one counts as open until its call is booked.

pub mod alert;
pub mod list;
pub mod replay;
mod store;

pub use store::{keep, open_in};

use super::event::Refusal;
use super::stream::Entry;
use contract::id::{OrgId, RequestId};
use contract::money::Nanos;
use serde::Deserialize;

/// An entry that cannot be booked.
#[derive(Debug)]
pub struct Letter {
    stream_id: String,
    reason: String,
    body: String,
    said: Said,
}

/// What a body says of itself, as far as it can be read. Nothing of it is proven.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
struct Said {
    #[serde(default)]
    request_id: Option<RequestId>,
    #[serde(default)]
    org_id: Option<OrgId>,
    #[serde(default)]
    cost_nanos: Option<Nanos>,
}

impl Said {
    fn by(body: &str) -> Self {
        serde_json::from_str(body).unwrap_or_default()
    }
}

impl Letter {
    pub fn new(entry: &Entry, refusal: &Refusal) -> Self {
        // Postgres keeps no NUL in a text.
        let body = entry.body.clone().unwrap_or_default().replace('\0', "\u{fffd}");
        let reason = refusal.to_string().replace('\0', "\u{fffd}");
        let said = Said::by(&body);
        Self { stream_id: entry.stream_id.clone(), reason, body, said }
    }

    /// Why it cannot be booked.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_body_says_of_itself_is_read_as_far_as_it_goes() {
        assert_eq!(Said::by("{"), Said::default());
        assert_eq!(Said::by(r#"{"cost_nanos": 7}"#).cost_nanos, Some(Nanos(7)));
        assert_eq!(Said::by(r#"{"cost_nanos": "much"}"#), Said::default());
    }
}
