//! What tests of several dialects need.

use proptest::prelude::*;
use serde_json::{Value, json};

/// `value` with some of its inner values, chosen at random, put in place of others, replaced by
/// values of other types, or taken away: nearly right, which is where readers go wrong.
pub(crate) fn mangled(value: Value) -> impl Strategy<Value = Value> {
    let edit = (any::<prop::sample::Index>(), 0..9_usize);
    proptest::collection::vec(edit, 1..4).prop_map(move |edits| {
        let mut value = value.clone();
        for (at, with) in edits {
            let places = count(&value);
            let mut left = at.index(places);
            replace(&mut value, &mut left, with);
        }
        value
    })
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum::<usize>(),
        Value::Object(map) => map.values().map(count).sum(),
        _ => 0,
    }
}

fn replace(value: &mut Value, left: &mut usize, with: usize) -> bool {
    if *left == 0 {
        *value = match with {
            0 => Value::Null,
            1 => true.into(),
            2 => (-1).into(),
            3 => 1e300.into(),
            4 => "".into(),
            5 => "\u{1F980} data:;base64,".into(),
            6 => json!([]),
            7 => json!({}),
            _ => json!([{"type": "text", "text": null}]),
        };
        return true;
    }
    *left -= 1;
    match value {
        Value::Array(items) => items.iter_mut().any(|item| replace(item, left, with)),
        Value::Object(map) => map.values_mut().any(|item| replace(item, left, with)),
        _ => false,
    }
}
