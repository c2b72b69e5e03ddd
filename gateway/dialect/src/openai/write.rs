//! The changes that a request gets on its way out: the provider's name of the model, and for
//! streams that usage is reported. Every other byte stays.

use super::read::{Ask, StreamOptions};
use bytes::{Bytes, BytesMut};
use std::ops::Range;

/// The body as the provider gets it.
#[must_use]
pub fn write_request(body: &Bytes, ask: &Ask, upstream_model: &str) -> Bytes {
    let named_here = !ask.model_at.is_empty();
    let model = (named_here && ask.model != upstream_model).then(|| {
        let quoted = serde_json::Value::from(upstream_model).to_string();
        (ask.model_at.clone(), quoted)
    });
    let usage = if ask.stream { include_usage(ask) } else { None };
    let (first, second) = match (model, usage) {
        (None, None) => return body.clone(),
        (Some(edit), None) | (None, Some(edit)) => (edit, None),
        (Some(a), Some(b)) if a.0.start <= b.0.start => (a, Some(b)),
        (Some(a), Some(b)) => (b, Some(a)),
    };
    let added = first.1.len() + second.as_ref().map_or(0, |edit| edit.1.len());
    let mut out = BytesMut::with_capacity(body.len() + added);
    let mut from = 0;
    for (at, text) in std::iter::once(first).chain(second) {
        out.extend_from_slice(body.get(from..at.start).unwrap_or_default());
        out.extend_from_slice(text.as_bytes());
        from = at.end;
    }
    out.extend_from_slice(body.get(from..).unwrap_or_default());
    out.freeze()
}

fn include_usage(ask: &Ask) -> Option<(Range<usize>, String)> {
    const OBJECT: &str = r#"{"include_usage":true}"#;
    match &ask.stream_options {
        StreamOptions::Asked => None,
        // The object holds at least the model, so a comma is always right.
        StreamOptions::Absent(None) => {
            Some((ask.close..ask.close, format!(r#","stream_options":{OBJECT}"#)))
        }
        StreamOptions::Absent(Some(null)) => Some((null.clone(), OBJECT.to_owned())),
        StreamOptions::Declined(value) => Some((value.clone(), "true".to_owned())),
        StreamOptions::Without { open, empty } => {
            let comma = if *empty { "" } else { "," };
            Some((open + 1..open + 1, format!(r#""include_usage":true{comma}"#)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::read::read_request;
    use super::*;
    use contract::error::ErrorCode;
    use contract::usage::Operation;
    use proptest::prelude::*;
    use serde_json::Value;

    fn write(body: &str, model: &str) -> String {
        let body = Bytes::from(body.to_owned());
        let ask = read_request(&body, Operation::Chat).unwrap();
        String::from_utf8(write_request(&body, &ask, model).to_vec()).unwrap()
    }

    #[test]
    fn only_the_models_value_changes_and_every_other_byte_stays() {
        let body = "{ \"x\":[1 ,{\"model\":\"in\"}],\t\"m\\u006fdel\" : \"a\" ,\"y\":1.50e0}\n";
        assert_eq!(write(body, "up\"x"), body.replace("\"a\"", r#""up\"x""#));
        assert_eq!(write(body, "a"), body);
    }

    #[test]
    fn a_stream_asks_for_usage_however_its_options_are_written() {
        for (given, sent) in [
            (
                r#"{"model":"a","stream":true}"#,
                r#"{"model":"a","stream":true,"stream_options":{"include_usage":true}}"#,
            ),
            (
                r#"{"stream_options":null,"stream":true,"model":"a"}"#,
                r#"{"stream_options":{"include_usage":true},"stream":true,"model":"b"}"#,
            ),
            (
                r#"{"stream_options":{ },"stream":true,"model":"a"}"#,
                r#"{"stream_options":{"include_usage":true },"stream":true,"model":"b"}"#,
            ),
            (
                r#"{"model":"a","stream_options":{"z":1},"stream":true}"#,
                r#"{"model":"b","stream_options":{"include_usage":true,"z":1},"stream":true}"#,
            ),
            (
                r#"{"model":"a","stream_options":{"z":1,"include_usage": false},"stream":true}"#,
                r#"{"model":"b","stream_options":{"z":1,"include_usage": true},"stream":true}"#,
            ),
            (
                r#"{"model":"a","stream_options":{"include_usage":true},"stream":true}"#,
                r#"{"model":"b","stream_options":{"include_usage":true},"stream":true}"#,
            ),
        ] {
            let model = if sent.contains(r#""b""#) { "b" } else { "a" };
            assert_eq!(write(given, model), sent);
        }
    }

    #[test]
    fn a_field_that_matters_and_is_wrong_is_named() {
        for (body, code, param) in [
            ("", ErrorCode::RequestNotJson, None),
            ("{\"model\":\"a\"} x", ErrorCode::RequestNotJson, None),
            (r#"["model"]"#, ErrorCode::RequestNotJson, None),
            (r"{}", ErrorCode::RequestMalformed, Some("model")),
            (r#"{"model":5}"#, ErrorCode::RequestMalformed, Some("model")),
            (r#"{"model":null}"#, ErrorCode::RequestMalformed, Some("model")),
            (r#"{"model":"\ud800"}"#, ErrorCode::RequestMalformed, Some("model")),
            (r#"{"model":"a","model":"b"}"#, ErrorCode::RequestMalformed, Some("model")),
            (r#"{"model":"a","m\u006fdel":"b"}"#, ErrorCode::RequestMalformed, Some("model")),
            (r#"{"model":"a","stream":"yes"}"#, ErrorCode::RequestMalformed, Some("stream")),
            (
                r#"{"model":"a","stream":true,"stream":false}"#,
                ErrorCode::RequestMalformed,
                Some("stream"),
            ),
            (
                r#"{"model":"a","stream_options":1}"#,
                ErrorCode::RequestMalformed,
                Some("stream_options"),
            ),
        ] {
            let invalid = read_request(body.as_bytes(), Operation::Chat).unwrap_err();
            assert_eq!((invalid.code, invalid.param.as_deref()), (code, param), "{body}");
        }
        let invalid = read_request(b"{\"model\":\"\xff\"}", Operation::Chat).unwrap_err();
        assert!(invalid.detail.contains("at byte 10"), "{}", invalid.detail);
    }

    #[test]
    fn the_larger_of_two_output_bounds_is_reserved_for_and_nonsense_is_left_to_the_provider() {
        let ask = |body: &str| read_request(body.as_bytes(), Operation::Chat).unwrap();
        let both = ask(r#"{"model":"a","max_tokens":5,"max_completion_tokens":9,"n":3}"#);
        assert_eq!((both.output_tokens_max, both.choices), (Some(9), 3));
        let none = ask(r#"{"model":"a","max_tokens":-5,"n":0}"#);
        assert_eq!((none.output_tokens_max, none.choices), (None, 1));
    }

    #[test]
    fn choices_are_counted_however_they_are_asked_for() {
        for (fields, choices) in [
            (r#""n":2.0"#, 2),
            (r#""n":1.5"#, 2),
            (r#""n":"many""#, 1),
            (r#""n":null"#, 1),
            (r#""n_cmpl":3"#, 3),
            (r#""prompt":"a""#, 1),
            (r#""prompt":["a","b"]"#, 2),
            (r#""prompt":[1,2,3]"#, 1),
            (r#""prompt":[[1,2],[3]],"n":2"#, 4),
            (r#""prompt":[]"#, 1),
        ] {
            let body = format!(r#"{{"model":"a",{fields}}}"#);
            let ask = read_request(body.as_bytes(), Operation::Chat).unwrap();
            assert_eq!(ask.choices, choices, "{body}");
        }
    }

    proptest! {
        #[test]
        fn a_parser_sees_the_same_request_with_only_model_and_usage_changed(
            keys in proptest::collection::hash_map("[a-z]{1,6}", ".*", 0..5),
            model in ".{1,20}", upstream in ".{1,20}", stream in any::<bool>(), pretty in any::<bool>(),
        ) {
            let mut map: serde_json::Map<String, Value> = keys.into_iter()
                .filter(|(k, _)| !matches!(k.as_str(), "model" | "stream" | "n"))
                .map(|(k, v)| (k, v.into())).collect();
            map.insert("model".into(), model.into());
            map.insert("stream".into(), stream.into());
            let text = if pretty { serde_json::to_string_pretty(&map) } else { serde_json::to_string(&map) }.unwrap();
            let sent: Value = serde_json::from_str(&write(&text, &upstream)).unwrap();
            map.insert("model".into(), upstream.into());
            if stream {
                map.insert("stream_options".into(), serde_json::json!({"include_usage": true}));
            }
            prop_assert_eq!(sent, Value::Object(map));
        }
    }
}
