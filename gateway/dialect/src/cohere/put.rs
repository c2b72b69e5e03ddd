//! The events of a stream, written.

use bytes::{BufMut as _, BytesMut};
use serde_json::Value;

pub(super) fn put_start(out: &mut BytesMut, index: usize, block: &Value) {
    put_index(out, "content-start", index);
    out.put_slice(br#","delta":{"message":{"content":"#);
    put_json(out, block);
    out.put_slice(b"}}}\n\n");
}

pub(super) fn put_end(out: &mut BytesMut, kind: &str, index: usize) {
    put_index(out, kind, index);
    out.put_slice(b"}\n\n");
}

pub(super) fn put_index(out: &mut BytesMut, kind: &str, index: usize) {
    out.put_slice(b"event: ");
    out.put_slice(kind.as_bytes());
    out.put_slice(b"\ndata: {\"type\":\"");
    out.put_slice(kind.as_bytes());
    out.put_slice(br#"","index":"#);
    out.put_slice(itoa::Buffer::new().format(index).as_bytes());
}

pub(super) fn put_event(out: &mut BytesMut, kind: &str, data: &Value) {
    out.put_slice(b"event: ");
    out.put_slice(kind.as_bytes());
    out.put_slice(b"\ndata: ");
    put_json(out, data);
    out.put_slice(b"\n\n");
}

pub(super) fn put_json(out: &mut BytesMut, value: &(impl serde::Serialize + ?Sized)) {
    // Writing text and values of JSON to memory cannot fail.
    serde_json::to_writer(out.writer(), value).unwrap_or_default();
}
