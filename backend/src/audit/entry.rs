//! What an entry says beside who and when. Secrets never reach it: members with a telling name are
//! masked, on top of the rule that nobody hands one in.

use contract::id::OrgId;
use serde::Serialize;
use serde_json::Value;
use std::fmt::Display;

/// `Entry::new("update_team", "team", id).before(&old).after(&new)`.
#[derive(Debug)]
pub struct Entry {
    pub(super) org: Option<OrgId>,
    pub(super) action: &'static str,
    pub(super) object_kind: &'static str,
    pub(super) object_id: String,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
}

impl Entry {
    /// `action` is the operation's id.
    pub fn new(action: &'static str, object_kind: &'static str, object_id: impl Display) -> Self {
        let object_id = object_id.to_string();
        Self { org: None, action, object_kind, object_id, before: None, after: None }
    }

    /// Files it with `org`, when the transaction is not bound to one.
    #[must_use]
    pub const fn in_org(mut self, org: OrgId) -> Self {
        self.org = Some(org);
        self
    }

    /// The object as it was.
    #[must_use]
    pub fn before(mut self, object: &impl Serialize) -> Self {
        self.before = masked(object);
        self
    }

    /// The object as it is now.
    #[must_use]
    pub fn after(mut self, object: &impl Serialize) -> Self {
        self.after = masked(object);
        self
    }
}

const SECRET_NAMES: [&str; 5] = ["secret", "password", "token", "credential", "api_key"];

fn masked(object: &impl Serialize) -> Option<String> {
    let mut value = serde_json::to_value(object).ok()?;
    mask(&mut value);
    Some(value.to_string())
}

fn mask(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let is_secret = SECRET_NAMES.iter().any(|secret| name == secret);
                if is_secret && !member.is_null() {
                    *member = Value::from("masked");
                } else {
                    mask(member);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_however_deep_they_are() {
        let entry = Entry::new("x", "y", 1).after(&serde_json::json!({
            "name": "n", "password": "p-1", "list": [{"token": "t-1", "secret": null}],
        }));
        let text = entry.after.unwrap();
        assert!(!text.contains("p-1") && !text.contains("t-1"), "{text}");
        assert!(text.contains(r#""secret":null"#) && text.contains(r#""name":"n""#), "{text}");
    }
}
