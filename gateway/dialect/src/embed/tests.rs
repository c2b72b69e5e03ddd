use super::*;
use crate::testing::mangled;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn read(surface: Surface, body: &Value) -> Request {
    surface.read_request(body.to_string().as_bytes(), Some("m")).unwrap()
}

fn write(form: Form, request: &Request, model: &str) -> Result<(Value, String), Invalid> {
    let mut losses = Losses::new(Wire::Chat);
    let to = Target { model, project: Some("p") };
    let body = form.write_request(request, &to, &mut losses)?;
    Ok((serde_json::from_slice(&body).unwrap(), losses.header()))
}

fn texts(request: Value) -> Request {
    let mut body = json!({"model": "m", "input": ["a", "b"]});
    body.as_object_mut().unwrap().extend(request.as_object().unwrap().clone());
    read(Surface::Openai, &body)
}

#[test]
fn every_kind_of_input_is_read() {
    let inputs = |input: Value| {
        let body = json!({"model": "m", "input": input}).to_string();
        Surface::Openai.read_request(body.as_bytes(), None).map(|request| request.inputs)
    };
    let text = |text: &str| Input::Text(text.to_owned());
    assert_eq!(inputs(json!("a")), Ok(vec![text("a")]));
    assert_eq!(inputs(json!(["a", ""])), Ok(vec![text("a"), text("")]));
    assert_eq!(inputs(json!([1, 2])), Ok(vec![Input::Tokens(vec![1, 2])]));
    assert_eq!(
        inputs(json!([[1], [2, 3]])),
        Ok(vec![Input::Tokens(vec![1]), Input::Tokens(vec![2, 3])])
    );
    for (input, at) in [
        (json!([]), "input"),
        (json!(null), "input"),
        (json!(5), "input"),
        (json!({"a": 1}), "input"),
        (json!([1, "a"]), "input[1]"),
        (json!(["a", 1]), "input[1]"),
        (json!(["a", []]), "input[1]"),
        (json!([[1, -1]]), "input[0][1]"),
        (json!([1.5]), "input[0]"),
        (json!([4_294_967_296_u64]), "input[0]"),
        (json!(vec!["a"; 2_049]), "input"),
    ] {
        assert_eq!(inputs(input.clone()).unwrap_err().param.as_deref(), Some(at), "{input}");
    }
}

#[test]
fn settings_that_are_wrong_are_named() {
    for (name, value) in [
        ("encoding_format", json!("hex")),
        ("dimensions", json!(0)),
        ("dimensions", json!("many")),
        ("input_type", json!("poem")),
        ("user", json!(7)),
    ] {
        let body = json!({"model": "m", "input": "a", name: value}).to_string();
        let invalid = Surface::Openai.read_request(body.as_bytes(), None).unwrap_err();
        assert_eq!(invalid.param.as_deref(), Some(name));
    }
}

#[test]
fn each_target_is_asked_in_its_own_words() {
    let request = texts(json!({"dimensions": 256, "input_type": "search_query", "user": "u",
                               "truncate": "END", "new": 1}));
    for (form, model, body, lost) in [
        (
            Form::Openai,
            "up",
            json!({"model": "up", "input": ["a", "b"], "encoding_format": "float",
                   "dimensions": 256, "user": "u"}),
            "new, task_type, truncate",
        ),
        (
            Form::Gemini,
            "gemini-embedding-001",
            json!({"requests": [
                {"model": "models/gemini-embedding-001", "outputDimensionality": 256,
                 "taskType": "RETRIEVAL_QUERY", "content": {"parts": [{"text": "a"}]}},
                {"model": "models/gemini-embedding-001", "outputDimensionality": 256,
                 "taskType": "RETRIEVAL_QUERY", "content": {"parts": [{"text": "b"}]}}]}),
            "new, user, truncate",
        ),
        (
            Form::Vertex,
            "text-embedding-005",
            json!({"instances": [{"content": "a", "task_type": "RETRIEVAL_QUERY"},
                                 {"content": "b", "task_type": "RETRIEVAL_QUERY"}],
                   "parameters": {"outputDimensionality": 256, "autoTruncate": true}}),
            "new, user",
        ),
        (
            Form::Cohere,
            "embed-v4.0",
            json!({"model": "embed-v4.0", "texts": ["a", "b"], "input_type": "search_query",
                   "embedding_types": ["float"], "output_dimension": 256, "truncate": "END"}),
            "new, user",
        ),
        (
            Form::Bedrock,
            "cohere.embed-english-v3",
            json!({"texts": ["a", "b"], "input_type": "search_query",
                   "embedding_types": ["float"], "output_dimension": 256, "truncate": "RIGHT"}),
            "new, user",
        ),
        (
            Form::Ollama,
            "nomic-embed-text",
            json!({"model": "nomic-embed-text", "input": ["a", "b"], "dimensions": 256,
                   "truncate": true}),
            "new, user, task_type",
        ),
    ] {
        assert_eq!(write(form, &request, model), Ok((body, lost.to_owned())), "{form:?}");
    }
    let plain = texts(json!({}));
    let watsonx = json!({"model_id": "w", "project_id": "p", "inputs": ["a", "b"]});
    assert_eq!(write(Form::Watsonx, &plain, "w"), Ok((watsonx, String::new())));
    assert_eq!(write(Form::Cohere, &plain, "c").unwrap().0["input_type"], "search_document");
    let one = read(Surface::Openai, &json!({"model": "m", "input": "a", "dimensions": 256}));
    let (titan, _) = write(Form::Bedrock, &one, "amazon.titan-embed-text-v2:0").unwrap();
    assert_eq!(titan, json!({"inputText": "a", "dimensions": 256}));
}

#[test]
fn what_a_target_cannot_embed_is_refused_with_its_place() {
    let tokens = read(Surface::Openai, &json!({"model": "m", "input": [[1, 2]]}));
    for form in
        [Form::Gemini, Form::Vertex, Form::Cohere, Form::Bedrock, Form::Watsonx, Form::Ollama]
    {
        let refused = write(form, &tokens, "amazon.titan-embed-text-v2:0").unwrap_err();
        assert_eq!(refused.param.as_deref(), Some("input[0]"), "{form:?}");
    }
    let shorter = texts(json!({"dimensions": 3}));
    assert_eq!(
        write(Form::Watsonx, &shorter, "w").unwrap_err().param.as_deref(),
        Some("dimensions")
    );
    let one = read(Surface::Openai, &json!({"model": "m", "input": "a", "dimensions": 3}));
    let titan = write(Form::Bedrock, &one, "amazon.titan-embed-text-v1");
    assert_eq!(titan.unwrap_err().param.as_deref(), Some("dimensions"));
    assert!(write(Form::Bedrock, &texts(json!({})), "amazon.titan-embed-text-v2:0").is_err());
}

#[test]
fn gemini_callers_ask_for_one_or_for_many() {
    let one = read(
        Surface::Gemini,
        &json!({"model": "models/x", "content": {"role": "user", "parts": [{"text": "a"}, {"text": "b"}]},
                "taskType": "RETRIEVAL_DOCUMENT", "title": "T", "outputDimensionality": 7,
                "embedContentConfig": {"autoTruncate": false}, "new": 1}),
    );
    let expected = Request {
        model: "m".to_owned(),
        inputs: vec![Input::Text("a\nb".to_owned())],
        dimensions: Some(7),
        task: Some(Task::Document),
        title: Some("T".to_owned()),
        truncate: Some(Truncate::None),
        unknown: vec!["new".to_owned()],
        ..Request::default()
    };
    assert_eq!(one, expected);
    let text =
        |text: &str, task: &str| json!({"content": {"parts": [{"text": text}]}, "taskType": task});
    let image = json!({"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": "AA=="}}]},
                       "taskType": "CLUSTERING"});
    let many = read(Surface::GeminiBatch, &json!({"requests": [text("a", "CLUSTERING"), image]}));
    assert_eq!((many.inputs.len(), many.task), (2, Some(Task::Clustering)));
    let (cohere, _) = write(Form::Cohere, &many, "embed-v4.0").unwrap();
    assert_eq!(
        cohere.pointer("/inputs/1/content/0/image_url/url"),
        Some(&json!("data:image/png;base64,AA=="))
    );
    for (body, at) in [
        (json!({"requests": []}), "requests"),
        (json!({}), "requests"),
        (
            json!({"requests": [text("a", "CLUSTERING"), text("b", "CLASSIFICATION")]}),
            "requests[1]",
        ),
        (json!({"requests": [text("a", "NONSENSE")]}), "requests[0].taskType"),
        (json!({"requests": [{"content": {"parts": []}}]}), "requests[0].content.parts"),
        (
            json!({"requests": [{"content": {"parts": [{"functionCall": {}}]}}]}),
            "requests[0].content.parts[0]",
        ),
        (json!({"requests": [{}]}), "requests[0].content"),
    ] {
        let read = Surface::GeminiBatch.read_request(body.to_string().as_bytes(), Some("m"));
        assert_eq!(read.unwrap_err().param.as_deref(), Some(at), "{body}");
    }
}

/// What each provider answers to two texts.
fn answers() -> Vec<(Form, Value, Option<u64>)> {
    vec![
        (
            Form::Openai,
            json!({"object": "list", "model": "up", "data": [
                {"index": 1, "embedding": "AACAPwAAAEA="}, {"index": 0, "embedding": [0.5, -1e-3]}],
                "usage": {"prompt_tokens": 4, "total_tokens": 4}}),
            Some(4),
        ),
        (Form::Gemini, json!({"embeddings": [{"values": [0.5, -1e-3]}, {"values": [1, 2]}]}), None),
        (
            Form::Vertex,
            json!({"predictions": [
                {"embeddings": {"values": [0.5, -1e-3], "statistics": {"token_count": 1.0}}},
                {"embeddings": {"values": [1, 2], "statistics": {"token_count": 3}}}]}),
            Some(4),
        ),
        (
            Form::Cohere,
            json!({"id": "x", "embeddings": {"float": [[0.5, -1e-3], [1, 2]]}, "texts": ["a", "b"],
                   "meta": {"billed_units": {"input_tokens": 4}}}),
            Some(4),
        ),
        (Form::Bedrock, json!({"embeddings": [[0.5, -1e-3], [1, 2]], "id": "1"}), None),
        (
            Form::Watsonx,
            json!({"model_id": "up", "results": [{"embedding": [0.5, -1e-3]}, {"embedding": [1, 2]}],
                   "input_token_count": 4}),
            Some(4),
        ),
        (
            Form::Ollama,
            json!({"model": "up", "embeddings": [[0.5, -1e-3], [1, 2]], "prompt_eval_count": 4}),
            Some(4),
        ),
    ]
}

#[test]
fn every_answer_becomes_the_same_list_in_the_order_of_the_inputs() {
    let asked = texts(json!({}));
    for (form, body, used) in answers() {
        let answer = form.read_answer(body.to_string().as_bytes(), 2).unwrap();
        assert_eq!(answer.tokens.map(|tokens| tokens.input), used, "{form:?}");
        let list: Value =
            serde_json::from_slice(&Surface::Openai.write_answer(&answer, &asked, "req_1"))
                .unwrap();
        assert_eq!(
            list["data"],
            json!([{"object": "embedding", "index": 0, "embedding": [0.5, -1e-3]},
                   {"object": "embedding", "index": 1, "embedding": [1.0, 2.0]}]),
            "{form:?}"
        );
        assert_eq!(list.pointer("/usage/total_tokens").and_then(Value::as_u64), used);
        let batch: Value =
            serde_json::from_slice(&Surface::GeminiBatch.write_answer(&answer, &asked, "req_1"))
                .unwrap();
        assert_eq!(batch["embeddings"][1], json!({"values": [1.0, 2.0]}));
        let packed = texts(json!({"encoding_format": "base64"}));
        let list: Value =
            serde_json::from_slice(&Surface::Openai.write_answer(&answer, &packed, "req_1"))
                .unwrap();
        assert_eq!(list["data"][1]["embedding"], "AACAPwAAAEA=");
        assert!(form.read_answer(body.to_string().as_bytes(), 3).is_err(), "{form:?}");
    }
    let titan = json!({"embedding": [0.5], "inputTextTokenCount": 3}).to_string();
    let answer = Form::Bedrock.read_answer(titan.as_bytes(), 1).unwrap();
    assert_eq!(answer.tokens.map(|tokens| tokens.input), Some(3));
}

#[test]
fn an_answer_that_could_be_of_other_texts_is_malformed() {
    for data in [
        json!([{"index": 0, "embedding": [1]}, {"index": 0, "embedding": [1]}]),
        json!([{"index": 0, "embedding": [1]}, {"index": 2, "embedding": [1]}]),
        json!([{"index": 0, "embedding": [1]}, {"index": 1, "embedding": []}]),
        json!([{"index": 0, "embedding": [1]}, {"index": 1, "embedding": "AAA="}]),
        json!([{"index": 0, "embedding": [1]}, {"index": 1, "embedding": "AACAfw=="}]),
    ] {
        let body = json!({"data": data}).to_string();
        assert!(Form::Openai.read_answer(body.as_bytes(), 2).is_err(), "{body}");
    }
}

#[test]
fn a_long_request_is_several_calls_and_one_answer() {
    let body = json!({"model": "m", "input": ["a", "b", "c"], "dimensions": 2});
    let asked = read(Surface::Openai, &body);
    assert_eq!(asked.clone().batches(3), std::slice::from_ref(&asked));
    let calls = asked.clone().batches(2);
    assert_eq!(calls.iter().map(|call| call.inputs.len()).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(calls[1].dimensions, Some(2));
    let answer = |numbers: &[f64], input| Answer {
        vectors: numbers.iter().map(|n| vec![*n].into()).collect(),
        tokens: Some(Tokens { input, ..Tokens::default() }),
        ..Answer::default()
    };
    let all = Answer::join(vec![answer(&[1.0, 2.0], 3), answer(&[3.0], 4)]);
    assert_eq!(all, answer(&[1.0, 2.0, 3.0], 7));
    let unknown = Answer { tokens: None, ..answer(&[3.0], 0) };
    assert_eq!(Answer::join(vec![answer(&[1.0], 3), unknown]).tokens, None);
}

fn corpus() -> Option<PathBuf> {
    let root = std::env::var_os("WIRE_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"),
        PathBuf::from,
    );
    let folder = root.join("gateway-peer");
    if !folder.is_dir() {
        eprintln!("not tested: {} is not there; set WIRE_CORPUS", folder.display());
        return None;
    }
    Some(folder)
}

#[test]
fn recorded_requests_and_answers_are_read() {
    let Some(folder) = corpus() else { return };
    let file = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let forms = [Form::Openai, Form::Gemini, Form::Vertex, Form::Cohere, Form::Ollama];
    for name in ["array", "cohere-v4", "full"] {
        let body = file(&format!("requests/embeddings/{name}.json"));
        let request = Surface::Openai.read_request(&body, None).unwrap();
        for form in forms {
            write(form, &request, "m").unwrap();
        }
    }
    for (form, name, inputs, used) in [
        (Form::Bedrock, "bedrock-titan", 1, Some(3)),
        (Form::Bedrock, "bedrock-cohere", 2, None),
        (Form::Vertex, "vertex", 2, Some(9)),
    ] {
        let body = file(&format!("response/{name}/embeddings.json"));
        let answer = form.read_answer(&body, inputs).unwrap();
        assert_eq!(answer.tokens.map(|tokens| tokens.input), used, "{name}");
    }
}

proptest! {
    #[test]
    fn nothing_makes_a_reader_panic(
        body in mangled(json!({"model": "m", "input": ["a", [1]], "dimensions": 5, "content": {"parts": [{"text": "a"}]},
            "requests": [{"content": {"parts": [{"text": "a"}, {"inlineData": {"mimeType": "image/png", "data": "A"}}]}}]})),
        which in 0..7_usize, bytes in any::<Vec<u8>>(),
    ) {
        for surface in [Surface::Openai, Surface::Gemini, Surface::GeminiBatch] {
            let _ = surface.read_request(&bytes, None);
            if let Ok(request) = surface.read_request(body.to_string().as_bytes(), None) {
                prop_assert!(!request.inputs.is_empty());
                let _ = write(answers()[which].0, &request, "m");
            }
        }
    }

    #[test]
    fn no_answer_makes_a_reader_panic((form, body) in (0..7_usize).prop_flat_map(|which| {
        let (form, body, _) = answers().swap_remove(which);
        mangled(body).prop_map(move |body| (form, body))
    })) {
        if let Ok(answer) = form.read_answer(body.to_string().as_bytes(), 2) {
            prop_assert_eq!(answer.len(), 2);
        }
    }
}

fn cohere(body: &Value) -> Result<Request, Invalid> {
    Surface::Cohere.read_request(body.to_string().as_bytes(), None)
}

#[test]
fn coheres_callers_send_texts_images_or_contents() {
    let inputs = |name: &str, value: Value| {
        cohere(&json!({"model": "m", "input_type": "search_query", name: value}))
            .map(|request| request.inputs)
    };
    let text = |text: &str| Input::Text(text.to_owned());
    assert_eq!(inputs("texts", json!(["a", ""])), Ok(vec![text("a"), text("")]));
    let url = "data:image/png;base64,AAAA";
    let media_type = "image/png".to_owned();
    let source = Source::Inline("AAAA".to_owned());
    let image = Input::Image(Media { source, media_type, ..Media::default() });
    assert_eq!(inputs("images", json!([url])), Ok(vec![image.clone()]));
    let said = |text: &str| json!({"type": "text", "text": text});
    let shown = json!({"type": "image_url", "image_url": {"url": url}});
    let contents = json!([{"content": [said("a"), said("b")]}, {"content": [shown]}]);
    assert_eq!(inputs("inputs", contents), Ok(vec![text("a\nb"), image]));
    for (name, value, at) in [
        ("other", json!(1), "texts"),
        ("texts", json!([]), "texts"),
        ("texts", json!(vec!["a"; 97]), "texts"),
        ("texts", json!([5]), "texts[0]"),
        ("images", json!(["data:x"]), "images[0]"),
        ("inputs", json!([{"content": []}]), "inputs[0].content"),
        ("inputs", json!([{"content": [{"text": "a"}]}]), "inputs[0].content[0].type"),
        ("inputs", json!([{"content": [said("a"), shown]}]), "inputs[0].content[1]"),
    ] {
        assert_eq!(inputs(name, value.clone()).unwrap_err().param.as_deref(), Some(at), "{value}");
    }
    for (name, value, at) in [
        ("images", json!(["x"]), "images"),
        ("input_type", json!("poem"), "input_type"),
        ("output_dimension", json!(0), "output_dimension"),
        ("truncate", json!("MIDDLE"), "truncate"),
        ("embedding_types", json!(["float", "int8"]), "embedding_types[1]"),
        ("embedding_types", json!(["float", "bits"]), "embedding_types[1]"),
    ] {
        let body = json!({"model": "m", "texts": ["a"], name: value});
        assert_eq!(cohere(&body).unwrap_err().param.as_deref(), Some(at), "{body}");
    }
}

#[test]
fn coheres_callers_get_every_encoding_they_ask_for() {
    let asked = cohere(&json!({"model": "m", "texts": ["a", "b"], "max_tokens": 5,
        "embedding_types": ["float", "base64", "binary", "ubinary"]}))
    .unwrap();
    assert_eq!(asked.unknown, ["max_tokens"]);
    let told = json!({"embeddings": [vec![0.5, -1.0], vec![-0.5, 1.0]]});
    let mut answer = Form::Cohere.read_answer(told.to_string().as_bytes(), 2).unwrap();
    answer.tokens = Some(Tokens { input: 7, ..Tokens::default() });
    let write = |surface: Surface, asked: &Request| -> Value {
        serde_json::from_slice(&surface.write_answer(&answer, asked, "req_1")).unwrap()
    };
    let body = write(Surface::Cohere, &asked);
    assert_eq!(
        body["embeddings"],
        json!({"float": [[0.5, -1.0], [-0.5, 1.0]], "base64": ["AAAAPwAAgL8=", "AAAAvwAAgD8="],
               "binary": [[0], [-64]], "ubinary": [[128], [64]]})
    );
    assert_eq!((&body["id"], &body["texts"]), (&json!("req_1"), &json!(["a", "b"])));
    let meta = json!({"api_version": {"version": "2"}, "billed_units": {"input_tokens": 7}});
    assert_eq!(body["meta"], meta);

    let plain = cohere(&json!({"model": "m", "texts": ["a", "b"]})).unwrap();
    let floats = json!([[0.5, -1.0], [-0.5, 1.0]]);
    assert_eq!(write(Surface::Cohere, &plain)["embeddings"], json!({"float": floats}));
    let first = write(Surface::CohereFirst, &plain);
    assert_eq!(
        (&first["embeddings"], &first["response_type"]),
        (&floats, &json!("embeddings_floats"))
    );
}
