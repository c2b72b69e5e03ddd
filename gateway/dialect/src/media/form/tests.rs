use super::*;
use proptest::prelude::*;

const KIND: &str = "multipart/form-data; boundary=xyz";

fn read(text: &str) -> Result<Form, Invalid> {
    Form::read(text.replace('\n', "\r\n").as_bytes(), KIND)
}

fn says(text: &str) -> String {
    read(text).unwrap_err().detail.into_owned()
}

const TWO: &str = "--xyz\nContent-Disposition: form-data; name=\"model\"\n\nm\n--xyz \
\ncontent-type: image/png\ncontent-disposition: form-data; filename=\"a;b\u{e9}.png\"; name=image[]\n\n\u{89}PNG\n\n--xy\n--xyz--\n";

#[test]
fn parts_are_found_where_they_lie_whatever_is_in_them() {
    let body = TWO.replace('\n', "\r\n");
    let form = Form::read(body.as_bytes(), KIND).unwrap();
    let (model, at) = form.text(body.as_bytes(), "model").unwrap().unwrap();
    assert_eq!((model, &body[at]), ("m", "m"));
    let image: Vec<_> = form.all("image").collect();
    assert_eq!(image.len(), 1);
    assert!(image[0].is_file);
    assert_eq!(image[0].bytes(body.as_bytes()), "\u{89}PNG\r\n\r\n--xy".as_bytes());
}

#[test]
fn a_value_may_be_empty_and_a_form_may_have_no_parts() {
    let form = read("--xyz\ncontent-disposition: form-data; name=a\n\n\n--xyz--").unwrap();
    assert!(form.parts[0].value.is_empty());
    assert_eq!(read("--xyz--\n").unwrap().parts, []);
    assert_eq!(read("\n--xyz--\n").unwrap().parts, []);
}

#[test]
fn a_content_type_without_a_form_or_its_boundary_is_refused() {
    for (kind, what) in [
        ("application/json", "as a form"),
        ("", "as a form"),
        ("multipart/form-data", "no boundary"),
        ("multipart/form-data; charset=utf-8", "no boundary"),
        ("multipart/form-data; boundary=", "must be one"),
        ("multipart/form-data; boundary=a; boundary=b", "must be one"),
        ("multipart/form-data; boundary=\"a\\\"b\"", "cannot be read"),
        ("multipart/form-data; boundary=\"a", "cannot be read"),
        ("multipart/form-data boundary=a", "as a form"),
    ] {
        let error = Form::read(b"--a--", kind).unwrap_err();
        assert_eq!(error.code, ErrorCode::RequestMediaType, "{kind}");
        assert!(error.detail.contains(what), "{kind}: {}", error.detail);
    }
    assert!(Form::read(b"--a b--", "Multipart/Form-Data ; charset=x; BOUNDARY=\"a b\"").is_ok());
}

#[test]
fn what_is_wrong_with_a_form_is_told_with_its_place() {
    let named = "Content-Disposition: form-data; name=\"a\"";
    for (text, what) in [
        (String::new(), "does not occur, at byte 0"),
        ("{\"model\":\"m\"}".into(), "does not occur"),
        ("x\n--xyz--".into(), "must begin with its boundary"),
        (format!("--xyz\n{named}\n\nv"), "ends before its closing boundary"),
        (format!("--xyz\n{named}\n\nv\n--xyz"), "ends before its closing boundary"),
        (format!("--xyz\n{named}\n\nv\n--xyz-"), "line of its own"),
        (format!("--xyz\n{named}\n\nv\n--xyzz\n--xyz--"), "line of its own"),
        (format!("--xyz\n{named}\nv\n--xyz--"), "part 1 has no empty line"),
        (format!("--xyz\n{named}\n\n--xyz--"), "part 1 has no empty line"),
        (format!("--xyz\n{named}\n\nv\n--xyz\n\nv\n--xyz--"), "part 2 has no name"),
        ("--xyz\nContent-Disposition: form-data\n\nv\n--xyz--".into(), "has no name"),
        ("--xyz\nContent-Disposition: form-data; name=\"\"\n\nv\n--xyz--".into(), "has no name"),
        (format!("--xyz\n{named}; name=b\n\nv\n--xyz--"), "has no name"),
        (format!("--xyz\n{named}; name*=utf-8''b\n\nv\n--xyz--"), "has no name"),
        ("--xyz\nContent-Disposition: form-data; name=\"mo\\del\"\n\nv\n--xyz--".into(), "no name"),
        (format!("--xyz\n{named}; filename=\"a\\\"; name=\"b\"\n\nv\n--xyz--"), "has no name"),
        (format!("--xyz\n{named}\n{named}\n\nv\n--xyz--"), "two `Content-Disposition`"),
        (format!("--xyz\n{named}\n folded\n\nv\n--xyz--"), "cannot be read"),
        (format!("--xyz\nContent-Disposition : x\n{named}\n\nv\n--xyz--"), "cannot be read"),
        (format!("--xyz\n{named}\ncontent-transfer-encoding: base64\n\nv\n--xyz--"), "encoded"),
        (format!("--xyz\n{named}\n\nv\n--xyz--\n--xyz\n{named}\n\nw\n--xyz--"), "after the end"),
    ] {
        let said = says(&text);
        assert!(said.contains(what), "{text}: {said}");
    }
}

#[test]
fn a_boundary_after_a_bare_line_feed_is_no_second_form_for_a_lenient_reader() {
    let part = "--xyz\r\ncontent-disposition: form-data; name=model\r\n\r\n";
    for bare in ["\n", "\r"] {
        let body = format!("{part}cheap{bare}{part}dear\r\n--xyz--");
        let error = Form::read(body.as_bytes(), KIND).unwrap_err();
        assert!(error.detail.contains("CR LF"), "{}", error.detail);
    }
}

#[test]
fn a_field_that_counts_is_given_once_and_as_text() {
    let part =
        |more: &str| format!("--xyz\ncontent-disposition: form-data; name=model{more}\n\nm\n");
    let field = |text: String| {
        let body = text.replace('\n', "\r\n");
        let form = Form::read(body.as_bytes(), KIND).unwrap();
        form.text(body.as_bytes(), "model").map(|found| found.map(|(text, _)| text.to_owned()))
    };
    assert_eq!(field(part("") + "--xyz--"), Ok(Some("m".into())));
    assert_eq!(field("--xyz--".into()), Ok(None));
    for (text, what) in [
        (part("") + &part("") + "--xyz--", "given twice"),
        (part("; filename=a") + "--xyz--", "not a file"),
    ] {
        let error = field(text).unwrap_err();
        assert_eq!(error.param.as_deref(), Some("model"));
        assert!(error.detail.contains(what), "{}", error.detail);
    }
}

#[test]
fn more_parts_than_any_form_has_are_refused() {
    let many = "--xyz\ncontent-disposition: form-data; name=a\n\n\n".repeat(513) + "--xyz--";
    assert!(says(&many).contains("more than 512 parts"));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        pieces in proptest::collection::vec(prop_oneof![
            Just("--xyz".to_owned()), Just("--xyz--".to_owned()), Just("\r\n".to_owned()),
            Just("\n".to_owned()), Just("\r\n\r\n".to_owned()), Just("\"".to_owned()),
            Just("content-disposition: form-data; name=\"a\"".to_owned()), Just("; ".to_owned()),
            Just("\\".to_owned()), Just("=".to_owned()), ".{0,6}",
        ], 0..24),
        kind in "(multipart/form-data; boundary=xyz|multipart/form-data.{0,20}|.{0,20})",
    ) {
        let text = pieces.concat();
        if let Ok(form) = Form::read(text.as_bytes(), &kind) {
            for part in &form.parts {
                prop_assert!(part.value.start <= part.value.end && part.value.end <= text.len());
            }
        }
    }

    #[test]
    fn whatever_is_put_into_a_form_is_found_in_it(
        parts in proptest::collection::vec(("[a-z_]{1,8}(\\[\\])?", any::<bool>(), proptest::collection::vec(any::<u8>(), 0..60)), 0..8),
    ) {
        let mut body = Vec::new();
        for (name, file, value) in &parts {
            let file = if *file { "; filename=\"f.bin\"\r\nContent-Type: audio/wav" } else { "" };
            body.extend(format!("--xyz\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n").bytes());
            body.extend(value);
            body.extend(b"\r\n");
        }
        body.extend(b"--xyz--\r\n");
        let form = Form::read(&body, KIND).unwrap();
        let found: Vec<_> = form.parts.iter().map(|part| (part.name.clone(), part.is_file, part.bytes(&body).to_vec())).collect();
        prop_assert_eq!(found, parts);
    }
}
