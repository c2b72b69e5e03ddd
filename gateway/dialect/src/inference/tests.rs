use super::*;
use crate::convert::Seen;
use crate::{Invalid, Problem};
use contract::error::ErrorCode;
use proptest::prelude::*;
use serde_json::{Value, json};

fn read(body: &Value) -> Result<u64, Invalid> {
    read_request(body.to_string().as_bytes(), Form::Json, "m").map(|(_, asked)| asked.rows)
}

fn tensor(shape: Value, datatype: &str, data: Value) -> Value {
    json!({"name": "x", "shape": shape, "datatype": datatype, "data": data})
}

fn refused(input: Value) -> (String, String) {
    let invalid = read(&json!({ "inputs": [input] })).unwrap_err();
    assert_eq!(invalid.code, ErrorCode::RequestMalformed);
    (invalid.param.unwrap().into_owned(), invalid.detail.into_owned())
}

/// A body with raw bytes behind its JSON, and how it is written.
fn binary(inputs: Value, raw: &[u8]) -> (Vec<u8>, Form) {
    let mut body = json!({ "inputs": inputs }).to_string().into_bytes();
    let form = Form::Binary(body.len());
    body.extend_from_slice(raw);
    (body, form)
}

fn raw_tensor(shape: Value, datatype: &str, size: usize) -> Value {
    json!({"name": "x", "shape": shape, "datatype": datatype,
        "parameters": {"binary_data_size": size}})
}

#[test]
fn rows_are_the_largest_first_dimension_whatever_the_order_of_the_tensors() {
    let many = tensor(json!([3, 2]), "FP32", json!([[1, 2], [3, 4], [5, 6.5]]));
    let flat = tensor(json!([3, 2]), "FP32", json!([1, 2, 3, 4, 5, 6.5]));
    let one = tensor(json!([1]), "INT64", json!([7]));
    for inputs in [json!([many, one]), json!([one, many]), json!([flat])] {
        assert_eq!(read(&json!({ "inputs": inputs })).unwrap(), 3);
    }
    assert_eq!(read(&json!({"inputs": [tensor(json!([]), "FP32", json!(1.5))]})).unwrap(), 1);
    assert_eq!(read(&json!({"inputs": [tensor(json!([0, 4]), "FP32", json!([]))]})).unwrap(), 0);
    // Text in one piece, and a datatype that nobody here knows.
    assert_eq!(read(&json!({"inputs": [tensor(json!([11]), "BYTES", json!("hi"))]})).unwrap(), 11);
    assert_eq!(read(&json!({"inputs": [tensor(json!([2]), "FP8", json!([1, 2]))]})).unwrap(), 2);
}

#[test]
fn what_can_be_told_to_be_wrong_is_named() {
    for (input, param, word) in [
        (tensor(json!([2]), "FP32", json!([1, 2, 3])), "inputs[0].data", "3 elements"),
        (tensor(json!([1]), "BYTES", json!(["a", "b"])), "inputs[0].data", "2 elements"),
        (tensor(json!([-1]), "FP32", json!([1])), "inputs[0].shape", "negative"),
        (tensor(json!("2"), "FP32", json!([1])), "inputs[0].shape", "list"),
        (tensor(json!([u64::MAX, 2]), "FP32", json!([1])), "inputs[0].shape", "counted"),
        (tensor(json!([1]), "FP32", Value::Null), "inputs[0].data", "missing"),
        (json!({"name": 1, "shape": [1]}), "inputs[0].name", "string"),
        (json!({"name": "x", "shape": [1], "data": [1]}), "inputs[0].datatype", "missing"),
        (json!({"name": "x", "datatype": "FP32", "data": [1]}), "inputs[0].shape", "missing"),
        (raw_tensor(json!([1]), "FP32", 4), "inputs[0].parameters.binary_data_size", "Header"),
        (json!("x"), "inputs", "objects"),
    ] {
        let (at, detail) = refused(input.clone());
        assert_eq!(at, param, "{input}");
        assert!(detail.contains(word), "{detail}");
    }
    for body in [json!({}), json!({"inputs": []}), json!({"inputs": null})] {
        assert_eq!(read(&body).unwrap_err().param.unwrap(), "inputs");
    }
    assert_eq!(read(&json!([1])).unwrap_err().code, ErrorCode::RequestNotJson);
    let deep: Value =
        serde_json::from_str(&format!("{}{}", "[".repeat(100), "]".repeat(100))).unwrap();
    let text = tensor(json!([1]), "FP32", json!([deep])).to_string();
    let text = text
        .replace(&"[".repeat(101), &"[".repeat(200))
        .replace(&"]".repeat(101), &"]".repeat(200));
    let body = format!("{{\"inputs\":[{text}]}}");
    let invalid = read_request(body.as_bytes(), Form::Json, "m").unwrap_err();
    assert_eq!(invalid.param.unwrap(), "inputs[0].data");
}

#[test]
fn nothing_is_asked_for_that_callers_would_share() {
    let shared = json!({"shared_memory_region": "r", "shared_memory_byte_size": 4});
    let input = json!({"name": "x", "shape": [1], "datatype": "FP32", "parameters": shared});
    assert_eq!(refused(input).0, "inputs[0].parameters.shared_memory_region");
    let good = tensor(json!([1]), "FP32", json!([1]));
    let output =
        json!({"inputs": [good], "outputs": [{"name": "y"}, {"name": "z", "parameters": shared}]});
    let invalid = read(&output).unwrap_err();
    assert_eq!(invalid.param.unwrap(), "outputs[1].parameters.shared_memory_region");
    let sequence = json!({"inputs": [good], "parameters": {"sequence_id": 7}});
    assert_eq!(read(&sequence).unwrap_err().param.unwrap(), "parameters.sequence_id");
    for harmless in [json!({"sequence_id": 0}), json!({"priority": 1}), Value::Null] {
        assert_eq!(read(&json!({"inputs": [good], "parameters": harmless})).unwrap(), 1);
    }
}

#[test]
fn raw_bytes_are_counted_against_shape_datatype_and_header() {
    let read = |inputs: Value, raw: &[u8]| {
        let (body, form) = binary(inputs, raw);
        read_request(&body, form, "m").map(|(_, asked)| asked.rows)
    };
    let floats = raw_tensor(json!([2, 1]), "FP16", 4);
    let texts = raw_tensor(json!([2]), "BYTES", 11);
    let raw = b"\x00\x3c\x00\x40\x01\x00\x00\x00a\x02\x00\x00\x00bc";
    assert_eq!(read(json!([floats, texts]), raw).unwrap(), 2);
    let mixed = tensor(json!([5]), "INT8", json!([1, 2, 3, 4, 5]));
    assert_eq!(read(json!([mixed, floats]), &raw[..4]).unwrap(), 5);
    for (inputs, raw, param, word) in [
        (json!([floats]), &raw[..3], Some("inputs[0].parameters.binary_data_size"), "3 are left"),
        (json!([floats]), &raw[..5], None, "1 bytes are left"),
        (
            json!([raw_tensor(json!([3]), "FP32", 4)]),
            &raw[..4],
            Some("inputs[0].parameters.binary_data_size"),
            "have 12",
        ),
        (
            json!([raw_tensor(json!([1]), "BYTES", 11)]),
            &raw[4..],
            Some("inputs[0].parameters.binary_data_size"),
            "2 texts",
        ),
        (
            json!([raw_tensor(json!([1]), "BYTES", 4)]),
            &raw[4..8],
            Some("inputs[0].parameters.binary_data_size"),
            "length",
        ),
        (
            json!([raw_tensor(json!([1]), "BYTES", 0)]),
            &raw[..0],
            Some("inputs[0].parameters.binary_data_size"),
            "0 texts",
        ),
        (
            json!([{"name": "x", "shape": [1], "datatype": "INT8", "data": [1], "parameters": {"binary_data_size": 1}}]),
            &raw[..1],
            Some("inputs[0].data"),
            "both",
        ),
    ] {
        let invalid = read(inputs.clone(), raw).unwrap_err();
        assert_eq!(invalid.param.as_deref(), param, "{inputs}");
        assert!(invalid.detail.contains(word), "{}", invalid.detail);
    }
}

#[test]
fn a_header_that_is_no_length_or_too_long_is_refused() {
    assert_eq!(Form::of_header(None).unwrap(), Form::Json);
    assert_eq!(Form::of_header(Some(b" 12 ")).unwrap(), Form::Binary(12));
    for bad in ["", "-1", "1.5", "ten", "99999999999999999999999"] {
        let invalid = Form::of_header(Some(bad.as_bytes())).unwrap_err();
        assert_eq!(invalid.code, ErrorCode::RequestHeaderInvalid, "{bad}");
    }
    let invalid = read_request(b"{}", Form::Binary(3), "m").unwrap_err();
    assert_eq!(invalid.code, ErrorCode::RequestHeaderInvalid);
    assert!(invalid.detail.contains("says 3 bytes") && invalid.detail.contains("has 2"));
    // A tensor alone, without JSON: what it is would have to be guessed.
    assert_eq!(
        read_request(b"\0\0", Form::Binary(0), "m").unwrap_err().code,
        ErrorCode::RequestNotJson
    );
}

#[test]
fn an_answer_has_outputs_and_the_bytes_they_tell_of() {
    let output = r#"{"model_name":"m","outputs":[{"name":"y","shape":[1],"datatype":"FP32","parameters":{"binary_data_size":4}}]}"#;
    let with = |raw: &[u8]| [output.as_bytes(), raw].concat();
    assert!(check_answer(&with(b"\0\0\0\0"), Form::Binary(output.len())).is_ok());
    assert!(check_answer(&with(b"\0\0\0"), Form::Binary(output.len())).is_err());
    assert!(check_answer(output.as_bytes(), Form::Binary(4_000)).is_err());
    assert!(check_answer(br#"{"outputs":[{"data":[1]}]}"#, Form::Json).is_ok());
    for bad in ["<html>", "{}", r#"{"outputs":1}"#, r#"{"outputs":[]} x"#, ""] {
        assert!(check_answer(bad.as_bytes(), Form::Json).is_err(), "{bad}");
    }
}

#[test]
fn a_model_is_told_of_under_our_name() {
    let said = br#"{"name":"iris-v3","versions":["1","2"],"platform":"sklearn","inputs":[{"name":"x","datatype":"FP32","shape":[-1,4]}],"outputs":[]}"#;
    let told: Value = serde_json::from_slice(&model_body(said, "house/iris").unwrap()).unwrap();
    assert_eq!((&told["name"], &told["versions"]), (&json!("house/iris"), &json!(["1", "2"])));
    assert_eq!(told["inputs"][0]["shape"], json!([-1, 4]));
    assert!(model_body(b"[]", "m").is_err() && model_body(b"<html>", "m").is_err());
}

#[test]
fn each_servers_way_to_refuse_is_read() {
    let said = |body: &str| read_error(body.as_bytes()).message;
    assert_eq!(said(r#"{"error":"no such input"}"#).as_deref(), Some("no such input"));
    let detail = r#"{"detail":[{"loc":["body","inputs",0],"msg":"Field required","type":"x"}]}"#;
    assert_eq!(said(detail).as_deref(), Some("body.inputs.0: Field required"));
    assert_eq!(said(r#"{"detail":"Not Found"}"#).as_deref(), Some("Not Found"));
    assert_eq!(said("<html>"), None);
}

#[test]
fn a_text_is_asked_for_with_its_bound_wherever_it_is_said() {
    let read = |body: Value| read_generate(body.to_string().as_bytes(), "m", true);
    let ask = read(
        json!({"text_input": "Hello", "max_tokens": 7, "parameters": {"max_tokens": 9, "n": 2}}),
    )
    .unwrap();
    assert_eq!((ask.output_tokens_max, ask.choices, ask.stream), (Some(9), 2, true));
    assert_eq!(read(json!({"text_input": "Hello"})).unwrap().output_tokens_max, None);
    for bad in [json!({}), json!({"text_input": 1}), json!({"text_input": null})] {
        assert_eq!(read(bad).unwrap_err().param.unwrap(), "text_input");
    }
    assert_eq!(check_text(br#"{"model_name":"m","text_output":" world"}"#).unwrap(), 6);
    assert!(check_text(b"{}").is_err() && check_text(b"<html>").is_err());
}

#[test]
fn a_stream_of_text_begins_with_its_first_text_and_breaks_with_an_error() {
    let mut watch = text_watch();
    let see = |watch: &mut Box<dyn crate::convert::WatchStream>, data: &str| {
        watch.see(format!("data: {data}\n\n").as_bytes())
    };
    assert_eq!(see(&mut watch, r#"{"text_output":""}"#), Seen::Chunk { content: false });
    assert_eq!(see(&mut watch, r#"{"text_output":"Hi"}"#), Seen::Chunk { content: true });
    assert_eq!(see(&mut watch, r#"{"error":"out of memory"}"#), Seen::Error);
    assert_eq!(see(&mut watch, "nonsense"), Seen::Malformed);
    assert_eq!(watch.see(b": alive\n\n"), Seen::Silent);
    assert!(watch.may_end() && watch.reported().tokens.is_none());
}

#[test]
fn an_error_is_one_sentence_with_its_code_also_at_the_end_of_a_stream() {
    let problem = Problem {
        code: ErrorCode::RequestMalformed,
        status: 400,
        message: "Say \"x\".",
        param: Some("inputs[0]"),
        request_id: "req_1",
    };
    let body: Value = serde_json::from_slice(&problem_body(&problem)).unwrap();
    assert_eq!(body, json!({"error": "Say \"x\". (inputs[0], request.malformed, req_1)"}));
    let event = problem_event(&problem);
    let data = event.strip_prefix(b"data: ").unwrap().strip_suffix(b"\n\n").unwrap();
    assert_eq!(serde_json::from_slice::<Value>(data).unwrap(), body);
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(body in proptest::collection::vec(any::<u8>(), 0..300), length in 0..400_usize) {
        for form in [Form::Json, Form::Binary(length)] {
            read_request(&body, form, "m").map(|_| ()).unwrap_or_default();
            check_answer(&body, form).unwrap_or_default();
        }
        read_generate(&body, "m", false).map(|_| ()).unwrap_or_default();
        check_text(&body).map(|_| ()).unwrap_or_default();
        text_watch().see(&body);
        drop(read_error(&body));
    }

    #[test]
    fn tensors_sent_raw_are_read_as_they_were_meant(
        shapes in proptest::collection::vec(proptest::collection::vec(0..5_u64, 0..3), 1..4),
        kinds in proptest::collection::vec(0..3_usize, 4),
        wrong in any::<bool>(),
    ) {
        let mut raw = Vec::new();
        let mut inputs = Vec::new();
        for (shape, kind) in shapes.iter().zip(kinds) {
            let count = shape.iter().product::<u64>();
            let (datatype, size) = [("UINT8", count), ("FP64", count * 8), ("BYTES", count * 5)][kind];
            for _ in 0..count {
                raw.extend_from_slice(match kind { 0 => b"\x07", 1 => b"\0\0\0\0\0\0\x04\x40", _ => b"\x01\0\0\0z" });
            }
            inputs.push(raw_tensor(json!(shape), datatype, usize::try_from(size).unwrap()));
        }
        let rows = shapes.iter().map(|shape| shape.first().copied().unwrap_or(1)).max().unwrap();
        if wrong { raw.push(0); }
        let (body, form) = binary(json!(inputs), &raw);
        let read = read_request(&body, form, "m").map(|(_, asked)| asked.rows);
        if wrong { prop_assert!(read.is_err()); } else { prop_assert_eq!(read, Ok(rows)); }
    }
}
