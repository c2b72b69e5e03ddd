//! Tags that a caller declares with a call, like `cost-centre=42`: limits and reports go by them.

use serde::{Deserialize, Serialize};

/// Tags of one call at most.
pub const TAGS_MAX: usize = 8;
/// Bytes of a tag's name, and of its value, at most.
pub const TAG_NAME_MAX: usize = 32;
pub const TAG_VALUE_MAX: usize = 64;

/// A name and a value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Tag {
    /// 1 to 32 of `a-z`, `0-9`, `_`, `.`, `-`.
    pub name: String,
    /// 1 to 64 visible ASCII characters, no comma.
    pub value: String,
}

/// Why a text is no list of tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TagFault {
    #[error("write each tag as name=value and put commas between them")]
    NoValue,
    #[error("a tag's name is 1 to 32 of a-z, 0-9, `_`, `.` and `-`")]
    Name,
    #[error("a tag's value is 1 to 64 visible ASCII characters without a comma")]
    Value,
    #[error("a call has at most 8 tags")]
    TooMany,
    #[error("each tag's name may appear once")]
    Twice,
}

impl Tag {
    /// Checks both parts.
    ///
    /// # Errors
    /// Names the part that is not well formed.
    pub fn new(name: &str, value: &str) -> Result<Self, TagFault> {
        let named = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-');
        if !(1..=TAG_NAME_MAX).contains(&name.len()) || !name.bytes().all(named) {
            return Err(TagFault::Name);
        }
        let visible = |b: u8| b.is_ascii_graphic() && b != b',';
        if !(1..=TAG_VALUE_MAX).contains(&value.len()) || !value.bytes().all(visible) {
            return Err(TagFault::Value);
        }
        Ok(Self { name: name.to_owned(), value: value.to_owned() })
    }

    /// Reads `name=value, name=value`, adding to `tags`.
    ///
    /// # Errors
    /// What is wrong with the first that is not well formed, or with all together.
    pub fn read(text: &str, tags: &mut Vec<Self>) -> Result<(), TagFault> {
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or(TagFault::NoValue)?;
            let tag = Self::new(name.trim_end(), value.trim_start())?;
            if tags.iter().any(|other| other.name == tag.name) {
                return Err(TagFault::Twice);
            }
            if tags.len() == TAGS_MAX {
                return Err(TagFault::TooMany);
            }
            tags.push(tag);
        }
        Ok(())
    }
}

impl std::fmt::Display for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}={}", self.name, self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<String>, TagFault> {
        let mut tags = Vec::new();
        Tag::read(text, &mut tags)?;
        Ok(tags.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_list_of_tags_reads_as_it_is_written() {
        assert_eq!(read("cost-centre=42, feature=a=b").unwrap(), ["cost-centre=42", "feature=a=b"]);
        assert_eq!(read("a = 1 ,, b=2,").unwrap(), ["a=1", "b=2"]);
        assert_eq!(read(" ").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_bad_tag_is_refused_for_what_is_wrong_with_it() {
        assert_eq!(read("feature"), Err(TagFault::NoValue));
        assert_eq!(read("Feature=1"), Err(TagFault::Name));
        assert_eq!(read("=1"), Err(TagFault::Name));
        assert_eq!(read(&format!("{}=1", "n".repeat(33))), Err(TagFault::Name));
        assert_eq!(read("a="), Err(TagFault::Value));
        assert_eq!(read("a=é"), Err(TagFault::Value));
        assert_eq!(read("a=b c"), Err(TagFault::Value));
        assert_eq!(read(&format!("a={}", "v".repeat(65))), Err(TagFault::Value));
        assert_eq!(read("a=1,a=2"), Err(TagFault::Twice));
        let nine: Vec<String> = (0..9).map(|n| format!("t{n}=1")).collect();
        assert_eq!(read(&nine.join(",")), Err(TagFault::TooMany));
    }
}
