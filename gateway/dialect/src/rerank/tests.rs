use super::*;
use crate::testing::mangled;
use proptest::prelude::*;
use serde_json::json;
use std::path::{Path, PathBuf};

fn read(body: &Value) -> Result<Request, Invalid> {
    Surface::V1.read_request(body.to_string().as_bytes())
}

fn asked() -> Request {
    read(&json!({"model": "m", "query": "q", "documents": ["a", {"text": "b", "id": 7}, "c"],
                 "top_n": 2, "return_documents": true}))
    .unwrap()
}

fn write(form: Form, request: &Request, model: &str) -> Result<(Value, String), Invalid> {
    let mut losses = Losses::new(Wire::Cohere);
    let to = Target { model, project: Some("p") };
    let body = form.write_request(request, &to, &mut losses)?;
    Ok((serde_json::from_slice(&body).unwrap(), losses.header()))
}

#[test]
fn each_target_is_asked_in_its_own_words() {
    let request = Request { document_tokens_max: Some(9), ..asked() };
    for (form, body, lost) in [
        (
            Form::Cohere,
            json!({"model": "up", "query": "q", "documents": ["a", "b", "c"], "top_n": 2,
                   "max_tokens_per_doc": 9}),
            "",
        ),
        (
            Form::Jina,
            json!({"model": "up", "query": "q", "documents": ["a", "b", "c"], "top_n": 2,
                   "return_documents": false}),
            "max_tokens_per_doc",
        ),
        (
            Form::Watsonx,
            json!({"model_id": "up", "project_id": "p", "query": "q",
                   "inputs": [{"text": "a"}, {"text": "b"}, {"text": "c"}],
                   "parameters": {"return_options": {"top_n": 2}}}),
            "max_tokens_per_doc",
        ),
        (
            Form::Bedrock,
            json!({"query": "q", "documents": ["a", "b", "c"], "top_n": 2}),
            "max_tokens_per_doc",
        ),
        (
            Form::Vertex,
            json!({"model": "up", "query": "q", "topN": 2, "ignoreRecordDetailsInResponse": true,
                   "records": [{"id": "0", "content": "a"}, {"id": "1", "content": "b"},
                               {"id": "2", "content": "c"}]}),
            "max_tokens_per_doc",
        ),
    ] {
        assert_eq!(write(form, &request, "up"), Ok((body, lost.to_owned())), "{form:?}");
    }
    let (bedrock, _) = write(Form::Bedrock, &asked(), "cohere.rerank-v3-5:0").unwrap();
    assert_eq!(bedrock["api_version"], 2);
}

#[test]
fn the_fields_that_count_are_ranked_and_an_image_goes_where_it_can() {
    let request =
        read(&json!({"model": "m", "query": "q", "rank_fields": ["title", "body"], "new": 1,
        "documents": [{"title": "T", "body": "B", "x": 1}, {"body": 5}]}))
        .unwrap();
    let (body, lost) = write(Form::Cohere, &request, "up").unwrap();
    assert_eq!(body["documents"], json!(["title: T\nbody: B\n", "body: 5\n"]));
    assert_eq!(lost, "new, documents");
    let image = json!({"image": "https://x/y.png"});
    let request = read(&json!({"model": "m", "query": "q", "documents": ["a", image]})).unwrap();
    assert_eq!(write(Form::Jina, &request, "up").unwrap().0["documents"][1], image);
    let refused = write(Form::Cohere, &request, "up").unwrap_err();
    assert_eq!(refused.param.as_deref(), Some("documents[1]"));
}

#[test]
fn a_request_that_is_wrong_is_refused_with_its_place() {
    for (body, at) in [
        (json!({"query": "q", "documents": ["a"]}), "model"),
        (json!({"model": "m", "documents": ["a"]}), "query"),
        (json!({"model": "m", "query": " ", "documents": ["a"]}), "query"),
        (json!({"model": "m", "query": "q"}), "documents"),
        (json!({"model": "m", "query": "q", "documents": []}), "documents"),
        (json!({"model": "m", "query": "q", "documents": ["a", 5]}), "documents[1]"),
        (json!({"model": "m", "query": "q", "documents": ["a"], "top_n": 0}), "top_n"),
        (json!({"model": "m", "query": "q", "documents": ["a"], "top_n": -1}), "top_n"),
    ] {
        assert_eq!(read(&body).unwrap_err().param.as_deref(), Some(at), "{body}");
    }
}

/// What each provider answers.
fn answers() -> Vec<(Form, Value)> {
    let scored = |name: &str| json!([{"index": 0, name: 0.1}, {"index": 2, name: 0.9}, {"index": 1, name: 0.5}]);
    vec![
        (
            Form::Cohere,
            json!({"id": "x", "results": scored("relevance_score"),
                   "meta": {"billed_units": {"search_units": 1}}}),
        ),
        (
            Form::Jina,
            json!({"model": "up", "results": scored("relevance_score"),
                   "usage": {"total_tokens": 12, "prompt_tokens": 12}}),
        ),
        (
            Form::Watsonx,
            json!({"model_id": "up", "results": scored("score"), "input_token_count": 12}),
        ),
        (Form::Bedrock, json!({"results": scored("relevance_score")})),
        (Form::Vertex, json!({"records": [{"id": "2", "score": 0.9}, {"id": "1", "score": 0.5}]})),
    ]
}

#[test]
fn every_answer_tells_the_best_first_and_gives_documents_back() {
    for (form, body) in answers() {
        let answer = form.read_answer(body.to_string().as_bytes(), &asked()).unwrap();
        let v1: Value =
            serde_json::from_slice(&Surface::V1.write_answer(&answer, &asked(), "req_1")).unwrap();
        assert_eq!(
            v1["results"],
            json!([{"index": 2, "relevance_score": 0.9, "document": {"text": "c"}},
                   {"index": 1, "relevance_score": 0.5, "document": {"text": "b", "id": 7}}]),
            "{form:?}"
        );
        assert_eq!(v1["id"], if form == Form::Cohere { "x" } else { "req_1" });
    }
    let [(cohere, units), (jina, tokens), ..] = &answers()[..] else { panic!() };
    let answer = cohere.read_answer(units.to_string().as_bytes(), &asked()).unwrap();
    assert_eq!((answer.search_units, answer.tokens), (Some(1), None));
    let v2: Value =
        serde_json::from_slice(&Surface::V2.write_answer(&answer, &asked(), "r")).unwrap();
    assert_eq!(
        v2["meta"],
        json!({"api_version": {"version": "2"}, "billed_units": {"search_units": 1}})
    );
    let answer = jina.read_answer(tokens.to_string().as_bytes(), &asked()).unwrap();
    let v1: Value =
        serde_json::from_slice(&Surface::V1.write_answer(&answer, &asked(), "r")).unwrap();
    assert_eq!(v1["usage"], json!({"prompt_tokens": 12, "total_tokens": 12}));
}

#[test]
fn an_answer_that_ranks_what_was_not_sent_is_malformed() {
    for results in [
        json!([{"index": 3, "relevance_score": 1}]),
        json!([{"index": 0, "relevance_score": 1}, {"index": 0, "relevance_score": 1}]),
        json!([{"relevance_score": 1}]),
        json!([{"index": 0}]),
        json!([{"index": -1, "relevance_score": 1}]),
    ] {
        let body = json!({"results": results}).to_string();
        assert!(Form::Cohere.read_answer(body.as_bytes(), &asked()).is_err(), "{body}");
    }
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
    let request = Surface::V2.read_request(&file("requests/rerank/basic.json")).unwrap();
    for (form, _) in answers() {
        write(form, &request, "m").unwrap();
    }
    let order = |name: &str| {
        let body = file(&format!("response/vertex/{name}.json"));
        let answer = Form::Vertex.read_answer(&body, &request).unwrap();
        answer.results.iter().map(|ranked| ranked.index).collect::<Vec<_>>()
    };
    assert_eq!(order("rerank"), [2, 0]);
    // Without scores, the order stays.
    assert_eq!(order("rerank-no-details"), [1, 0]);
}

proptest! {
    #[test]
    fn nothing_makes_a_reader_panic(
        request in mangled(json!({"model": "m", "query": "q", "documents": ["a", {"text": "b"}], "top_n": 1, "rank_fields": ["text"]})),
        (form, answer) in (0..5_usize).prop_flat_map(|which| {
            let (form, body) = answers().swap_remove(which);
            mangled(body).prop_map(move |body| (form, body))
        }),
        bytes in any::<Vec<u8>>(),
    ) {
        let _ = Surface::V1.read_request(&bytes);
        let asked = read(&request).unwrap_or_else(|_| asked());
        let _ = write(form, &asked, "m");
        if let Ok(answer) = form.read_answer(answer.to_string().as_bytes(), &asked) {
            prop_assert!(answer.results.is_sorted_by(|a, b| a.score >= b.score));
            let written = Surface::V2.write_answer(&answer, &asked, "r");
            prop_assert!(serde_json::from_slice::<Value>(&written).is_ok());
        }
    }
}
