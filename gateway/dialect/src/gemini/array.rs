//! The form of a stream for callers that do not ask for events (no `alt=sse`): one JSON list that
//! grows. Whatever is sent as events is put into it, translated or passed through.

use crate::sse;
use bytes::{BufMut, BytesMut};

/// Puts the events of a stream into a list.
#[derive(Debug, Default)]
pub struct Array {
    begun: bool,
}

impl Array {
    /// The `Content-Type` of the list.
    pub const CONTENT_TYPE: &'static str = "application/json; charset=UTF-8";

    /// Adds what one event holds.
    pub fn add(&mut self, event: &[u8], out: &mut BytesMut) {
        let Some(data) = sse::data(event) else { return };
        let data = data.trim_ascii();
        if data.is_empty() {
            return;
        }
        out.put_slice(if self.begun { b",\r\n" } else { b"[" });
        self.begun = true;
        out.put_slice(data);
    }

    /// Ends the list. One that is not ended tells the caller that its stream was cut.
    pub fn end(&mut self, out: &mut BytesMut) {
        out.put_slice(if self.begun { b"\r\n]" } else { b"[]" });
        out.put_slice(b"\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn events_become_one_list() {
        let (mut array, mut out) = (Array::default(), BytesMut::new());
        for event in ["data: {\"a\":1}\n\n", ": ping\n\n", "data: {\"b\":\ndata: 2}\n\n"] {
            array.add(event.as_bytes(), &mut out);
        }
        assert!(serde_json::from_slice::<Value>(&out).is_err());
        array.end(&mut out);
        assert_eq!(serde_json::from_slice::<Value>(&out).unwrap(), json!([{"a": 1}, {"b": 2}]));
        let mut empty = BytesMut::new();
        Array::default().end(&mut empty);
        assert_eq!(serde_json::from_slice::<Value>(&empty).unwrap(), json!([]));
    }
}
