//! Keyset pages: an opaque cursor that stays stable while rows arrive.

use crate::Timestamp;
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Rows in a page when the caller does not say.
pub const LIMIT_DEFAULT: u16 = 25;
/// The most rows in a page.
pub const LIMIT_MAX: u16 = 100;

/// One page of a list, newest first unless the operation says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Send back as `cursor` for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    pub has_more: bool,
}

impl<T> Page<T> {
    /// Makes a page of rows fetched with `limit + 1`: the extra row only says that there are more.
    #[must_use]
    pub fn from_rows(mut rows: Vec<T>, limit: u16, cursor_of: impl Fn(&T) -> Cursor) -> Self {
        let has_more = rows.len() > usize::from(limit);
        rows.truncate(usize::from(limit));
        let next = has_more.then(|| rows.last().map(|row| cursor_of(row).encode())).flatten();
        Self { items: rows, next, has_more }
    }

    #[must_use]
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(f).collect(),
            next: self.next,
            has_more: self.has_more,
        }
    }
}

/// Where a page ended: the sort instant and the id that breaks ties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub at: Timestamp,
    pub id: Uuid,
}

impl Cursor {
    #[must_use]
    pub fn encode(&self) -> String {
        let mut bytes = self.at.timestamp_micros().to_be_bytes().to_vec();
        bytes.extend_from_slice(self.id.as_bytes());
        BASE64URL_NOPAD.encode(&bytes)
    }

    /// `None` when the text is not a cursor of ours.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        let (micros, id) = bytes.split_first_chunk::<8>()?;
        Some(Self {
            at: chrono::DateTime::from_timestamp_micros(i64::from_be_bytes(*micros))?,
            id: Uuid::from_slice(id).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cursor_survives_its_text(micros in -1_000_000_000_000_000_i64..4_000_000_000_000_000, id in any::<u128>()) {
            let cursor = Cursor {
                at: chrono::DateTime::from_timestamp_micros(micros).unwrap(),
                id: Uuid::from_u128(id),
            };
            prop_assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
        }

        #[test]
        fn no_text_makes_the_decoder_panic(text in ".*") {
            let _ = Cursor::decode(&text);
        }
    }

    #[test]
    fn the_extra_row_says_there_is_more_and_is_not_shown() {
        let at = chrono::DateTime::from_timestamp(1, 0).unwrap();
        let cursor = |n: &u128| Cursor { at, id: Uuid::from_u128(*n) };
        let page = Page::from_rows(vec![1, 2, 3], 2, cursor);
        assert_eq!((page.items.as_slice(), page.has_more), (&[1, 2][..], true));
        assert_eq!(Cursor::decode(&page.next.unwrap()), Some(cursor(&2)));
        assert_eq!(Page::from_rows(vec![1, 2], 2, cursor).next, None);
    }
}
