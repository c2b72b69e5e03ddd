use super::*;
use contract::error::ErrorCode;
use proptest::prelude::*;

const KIND: &str = "multipart/form-data; boundary=xyz";

fn form(fields: &[(&str, &str)]) -> Vec<u8> {
    let parts = fields.iter().map(|(name, value)| {
        let file = if matches!(*name, "file" | "image" | "image[]" | "mask") {
            "; filename=f"
        } else {
            ""
        };
        format!("--xyz\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n")
    });
    (parts.collect::<String>() + "--xyz--\r\n").into_bytes()
}

fn json(task: Task, text: &str) -> Result<(Ask, Asked), Invalid> {
    read(task, text.as_bytes(), None)
}

fn wrong(result: Result<(Ask, Asked), Invalid>) -> (Option<String>, String) {
    let error = result.unwrap_err();
    (error.param.map(|param| param.into_owned()), error.detail.into_owned())
}

#[test]
fn pictures_are_asked_for_by_number_size_and_quality() {
    let text = r#"{"model":"m","prompt":"a fog","n":2,"size":"1024x1024","quality":"low"}"#;
    let (ask, asked) = json(Task::Generate, text).unwrap();
    let sizes = asked.sizes;
    assert_eq!((sizes.images, sizes.image_tokens, sizes.text_bytes), (2, 272, 5));
    assert_eq!((ask.model.as_str(), ask.stream, asked.tells), ("m", false, TellsAs::Json));
    let (ask, asked) = json(Task::Generate, r#"{"model":"m","stream":true,"n":null}"#).unwrap();
    assert_eq!((ask.stream, asked.sizes.images, asked.sizes.image_tokens), (true, 1, 6_540));
    for n in ["0", "101", "-1", "1.5", "\"2\"", "true", "[]"] {
        let text = format!(r#"{{"model":"m","n":{n}}}"#);
        let (param, detail) = wrong(json(Task::Generate, &text));
        assert_eq!(param.as_deref(), Some("n"), "{n}");
        assert!(detail.contains("1 to 100"));
    }
    for stream in ["\"true\"", "1", "{}"] {
        let text = format!(r#"{{"model":"m","stream":{stream}}}"#);
        assert_eq!(wrong(json(Task::Generate, &text)).0.as_deref(), Some("stream"), "{stream}");
    }
}

#[test]
fn a_text_to_speak_is_counted_in_characters() {
    let text =
        r#"{"model":"m","input":"h\u00e9 \ud83d\ude00","voice":"alloy","instructions":"softly"}"#;
    let (ask, asked) = json(Task::Speak, text).unwrap();
    assert_eq!((asked.sizes.characters, asked.tells, ask.stream), (4, TellsAs::Audio, false));
    let text = r#"{"model":"m","input":"a","stream_format":"sse"}"#;
    assert!(json(Task::Speak, text).unwrap().0.stream);
    for (text, what) in [
        (r#"{"model":"m"}"#, "missing"),
        (r#"{"model":"m","input":5}"#, "a string"),
        (r#"{"model":"m","input":null}"#, "a string"),
        (r#"{"model":"m","input":"\ud800"}"#, "a string"),
        (r#"{"model":"m","input":"a","input":"b"}"#, "twice"),
    ] {
        let (param, detail) = wrong(json(Task::Speak, text));
        assert_eq!(param.as_deref(), Some("input"), "{text}");
        assert!(detail.contains(what), "{detail}");
    }
}

#[test]
fn what_the_provider_stores_is_nobodys_to_call_on() {
    let voice = r#"{"model":"m","input":"a","voice":{"id":"voice_1"}}"#;
    assert_eq!(wrong(json(Task::Speak, voice)).0.as_deref(), Some("voice"));
    let images = r#"{"model":"m","prompt":"a","images":[{"file_id":"file-1"}]}"#;
    assert_eq!(wrong(json(Task::Edit, images)).0.as_deref(), Some("images"));
    let mask = r#"{"model":"m","images":[{"image_url":"https://x.test"}],"mask":{"file_id":"f"}}"#;
    assert_eq!(wrong(json(Task::Edit, mask)).0.as_deref(), Some("mask"));
    let urls =
        r#"{"model":"m","images":[{"image_url":"a"},{"image_url":"b"}],"mask":{"image_url":"c"}}"#;
    assert_eq!(json(Task::Edit, urls).unwrap().1.sizes.images_given, 3);
}

#[test]
fn a_form_is_read_and_only_its_models_value_changes() {
    let fields = [
        ("image[]", "\u{89}PNG model"),
        ("image[]", "GIF"),
        ("mask", "PNG"),
        ("prompt", "a fog"),
        ("model", "in"),
        ("n", "3"),
        ("stream", "True"),
        ("quality", "medium"),
    ];
    let body = Bytes::from(form(&fields));
    let (ask, asked) = read(Task::Edit, &body, Some(KIND)).unwrap();
    assert_eq!((asked.sizes.images_given, asked.sizes.images, ask.choices), (3, 3, 3));
    assert_eq!((ask.stream, asked.is_form, ask.text_bytes), (true, true, 5));
    assert_eq!(asked.sizes.image_tokens, 1_584 + 300);
    let sent = Asked::write_form(&body, &ask, "upstream/model");
    let expected =
        fields.map(|(name, value)| (name, if name == "model" { "upstream/model" } else { value }));
    assert_eq!(sent, form(&expected));
    assert_eq!(Asked::write_form(&body, &ask, "in"), body);
}

#[test]
fn a_recording_is_measured_where_its_header_tells_and_else_by_its_bytes() {
    let ask =
        |fields: &[(&str, &str)]| read(Task::Transcribe, &form(fields), Some(KIND)).unwrap().1;
    let asked = ask(&[("model", "m"), ("file", "not audio, 20 bytes.")]);
    assert_eq!((asked.sizes.audio_ms, asked.tells), (Some(5), TellsAs::Json));
    // A second at 8 kHz, in bytes that are text too.
    let wav =
        "RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\0\0\0\0\x02\0\x10\0data\0\0\0\0"
            .to_owned()
            + &"\0".repeat(16_000);
    let asked = ask(&[("file", &wav), ("model", "m"), ("response_format", "srt")]);
    assert_eq!((asked.sizes.audio_ms, asked.tells), (Some(1_000), TellsAs::Text));
    // Whichever of two a provider takes is paid for.
    let asked = ask(&[("file", &wav), ("file", &wav), ("model", "m")]);
    assert_eq!(asked.sizes.audio_ms, Some(2_000));
}

#[test]
fn a_form_without_its_model_or_with_two_is_refused() {
    for (fields, what) in [
        (&[("prompt", "a")][..], "no field `model`"),
        (&[("model", "")], "no field `model`"),
        (&[("model", "a"), ("model", "b")], "twice"),
        (&[("Model", "a")], "no field `model`"),
        (&[("model", "\u{e9}\u{e9}".repeat(80).as_str())], "longer than"),
    ] {
        let (param, detail) = wrong(read(Task::Vary, &form(fields), Some(KIND)));
        assert_eq!(param.as_deref(), Some("model"));
        assert!(detail.contains(what), "{detail}");
    }
    let other = [("model", "m"), ("stream", "maybe")];
    assert_eq!(wrong(read(Task::Edit, &form(&other), Some(KIND))).0.as_deref(), Some("stream"));
    let kind = read(Task::Edit, b"{}", Some("text/plain")).unwrap_err();
    assert_eq!(kind.code, ErrorCode::RequestMediaType);
}

#[test]
fn a_judgement_is_asked_for_like_any_call() {
    let text = r#"{"model":"m","input":["abc","def"],"stream":true}"#;
    let (ask, asked) = json(Task::Moderate, text).unwrap();
    assert_eq!((ask.stream, asked.sizes.text_bytes, asked.tells), (false, 6, TellsAs::Json));
    assert_eq!(json(Task::Moderate, "{").unwrap_err().code, ErrorCode::RequestNotJson);
    assert_eq!(wrong(json(Task::Moderate, r#"{"input":"a"}"#)).0.as_deref(), Some("model"));
}

proptest! {
    #[test]
    fn no_body_makes_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200), text in ".{0,100}", task in 0..7_usize) {
        let task = Task::ALL[task];
        read(task, &body, None).ok();
        read(task, &body, Some(KIND)).ok();
        read(task, text.as_bytes(), Some(&text)).ok();
        read(task, format!(r#"{{"model":"m","input":{text:?},"n":{text}}}"#).as_bytes(), None).ok();
    }
}
