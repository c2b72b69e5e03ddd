//! The Open Inference Protocol: tensors and text for model servers, and what is asked about models.

use crate::support::{CREDENTIAL, MODEL, Stack, UPSTREAM_MODEL, World, provider_with};
use crate::upstream::{Reply, Upstream};
use contract::money::{Nanos, Rates, UnitRates};
use contract::snapshot::{Dialect, Metric, Modality, Window};
use contract::usage::{Operation, Outcome, UsageEvent};
use serde_json::{Value, json};

const ANSWER: &str =
    r#"{"model_name":"iris","outputs":[{"name":"y","shape":[2],"datatype":"INT64","data":[2,0]}]}"#;

/// Rates of a model that is paid by rows and by work: nano-dollars.
fn rates() -> Rates {
    let units = UnitRates {
        thousand_rows: Nanos(1_000_000),
        compute_hour: Nanos(3_600_000_000),
        ..UnitRates::FREE
    };
    Rates { units, per_call: Nanos(5_000), ..Rates::FREE }
}

/// A world whose model is on a model server.
pub fn served(modality: Modality, base_url: &str) -> impl FnOnce(&mut World) + use<> {
    let base_url = base_url.trim_end_matches("/v1").to_owned();
    move |world| {
        let mut provider = provider_with(1, base_url, CREDENTIAL);
        provider.dialect = Dialect::Oip;
        world.providers[0] = provider;
        world.models[0].modality = modality;
        world.prices[0].rates = rates();
    }
}

async fn stack(upstream: &Upstream) -> Stack {
    Stack::of(served(Modality::Predict, &upstream.base_url)).await
}

fn tensors() -> Value {
    json!({"inputs": [{"name": "x", "shape": [2, 2], "datatype": "FP32", "data": [[1, 2], [3, 4.5]]}]})
}

/// The price of a call, by its rows and its time.
fn is_priced(event: &UsageEvent) {
    let rows = event.units.rows * 1_000;
    let work = event.units.compute_ms * 1_000;
    let expected = 5_000 + i64::try_from(rows + work).unwrap();
    assert_eq!(event.cost_nanos, Nanos(expected), "{event:?}");
}

async fn problem(response: reqwest::Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    assert_eq!(body.as_object().unwrap().len(), 1, "{body}");
    (status, body["error"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_prediction_passes_to_a_model_server_and_is_paid_by_rows_and_work() {
    let upstream = Upstream::always(200, "application/json", ANSWER).await;
    let stack = stack(&upstream).await;
    let paths = [
        (format!("/v2/models/{MODEL}/infer"), format!("/v2/models/{UPSTREAM_MODEL}/infer")),
        (
            format!("/v2/models/{MODEL}/versions/3/infer"),
            format!("/v2/models/{UPSTREAM_MODEL}/versions/3/infer"),
        ),
    ];
    for (path, sent) in paths {
        let response = stack.post(&path).json(&tensors()).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.text().await.unwrap(), ANSWER);
        assert_eq!((upstream.last().path, upstream.last().json()), (sent, tensors()));
        assert_eq!(upstream.last().header("content-type"), Some("application/json"));
        assert_eq!(upstream.last().header("inference-header-content-length"), None);
    }
    for event in stack.events(2).await {
        assert_eq!((event.operation, event.outcome), (Operation::Predict, Outcome::Ok));
        assert_eq!((event.units.rows, event.tokens.total(), event.estimated), (2, 0, false));
        assert!((1..10_000).contains(&event.units.compute_ms), "{event:?}");
        is_priced(&event);
        // Rows are known beforehand, and a second of work is assumed.
        assert_eq!(event.reserved_nanos, Nanos(5_000 + 2_000 + 1_000_000));
    }
}

#[tokio::test]
async fn raw_tensors_pass_both_ways_byte_by_byte() {
    let head = r#"{"outputs":[{"name":"y","shape":[2],"datatype":"FP16","parameters":{"binary_data_size":4}}]}"#;
    let answer = [head.as_bytes(), b"\x00\xff\x0a\x0d"].concat();
    let length = head.len().to_string();
    let upstream = Upstream::start_with(move |_| {
        let reply: Reply = (200, "application/octet-stream", answer.clone());
        (
            reply,
            vec![
                ("Inference-Header-Content-Length", length.clone()),
                ("x-inference-time", "1".into()),
            ],
        )
    })
    .await;
    let stack = stack(&upstream).await;
    let input = json!({"inputs": [{"name": "x", "shape": [3, 1], "datatype": "INT16",
        "parameters": {"binary_data_size": 6}}]})
    .to_string();
    let body = [input.as_bytes(), b"\x01\x00\xff\xff\x00\x80"].concat();
    let post = |length: String, body: Vec<u8>| {
        let request = stack.post(&format!("/v2/models/{MODEL}/infer")).body(body);
        request.header("inference-header-content-length", length).send()
    };
    let response = post(input.len().to_string(), body.clone()).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/octet-stream");
    assert_eq!(
        response.headers()["inference-header-content-length"],
        head.len().to_string().as_str()
    );
    assert!(response.bytes().await.unwrap().ends_with(b"\x00\xff\x0a\x0d"));
    let seen = upstream.last();
    assert_eq!(seen.body, body);
    assert_eq!(
        seen.header("inference-header-content-length"),
        Some(input.len().to_string().as_str())
    );
    assert_eq!(seen.header("content-type"), Some("application/octet-stream"));
    let event = stack.event().await;
    assert_eq!((event.units.rows, event.units.compute_ms), (3, 1), "as the server says");
    is_priced(&event);

    for (length, body, word) in [
        ("ten".to_owned(), body.clone(), "must be a number"),
        ("4000".to_owned(), body.clone(), "says 4000 bytes"),
        (input.len().to_string(), body[..body.len() - 1].to_vec(), "5 are left"),
        (input.len().to_string(), [&body[..], b"x"].concat(), "1 bytes are left"),
        ((input.len() - 1).to_string(), body.clone(), "request.not_json"),
    ] {
        let (status, error) = problem(post(length, body).await.unwrap()).await;
        assert!(status == 400 && error.contains(word), "{status} {error}");
    }
    assert_eq!(upstream.seen().len(), 1, "what is wrong costs nobody anything");
}

#[tokio::test]
async fn tensors_that_cannot_be_right_are_refused_in_the_protocols_shape() {
    let upstream = Upstream::always(200, "application/json", ANSWER).await;
    let stack = stack(&upstream).await;
    let infer = format!("/v2/models/{MODEL}/infer");
    let shared = json!({"shared_memory_region": "r"});
    for (body, word) in [
        (json!({}), "inputs, request.malformed, req_"),
        (
            json!({"inputs": [{"name": "x", "shape": [3], "datatype": "FP32", "data": [1]}]}),
            "inputs[0].data",
        ),
        (
            json!({"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "parameters": shared}]}),
            "Shared memory",
        ),
        (json!([]), "request.not_json"),
    ] {
        let (status, error) = problem(stack.post(&infer).json(&body).send().await.unwrap()).await;
        assert!(status == 400 && error.contains(word), "{status} {error}");
    }
    let refused = stack.client.post(stack.url(&infer)).json(&tensors()).send().await.unwrap();
    assert!(problem(refused).await.1.contains("key.missing"));
    let text =
        stack.post(&infer).header("content-type", "text/csv").body("1,2").send().await.unwrap();
    assert_eq!(text.status(), 415);
    let (status, error) = problem(stack.get(&infer).send().await.unwrap()).await;
    assert!(status == 405 && error.contains("POST"), "{error}");
    let chat = json!({"model": MODEL, "messages": []});
    let wrong = stack.post("/v1/chat/completions").json(&chat).send().await.unwrap();
    assert_eq!(wrong.headers()["x-tollgate-error-code"], "model.operation");
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn what_a_model_server_refuses_or_gets_wrong_is_told_and_costs_nothing() {
    for (status, body, versioned, answered, code, word) in [
        (
            400,
            r#"{"error":"unexpected shape for x"}"#,
            false,
            400,
            "upstream.refused",
            "unexpected shape",
        ),
        (
            422,
            r#"{"detail":[{"loc":["body","inputs",0,"data"],"msg":"Field required"}]}"#,
            false,
            400,
            "upstream.refused",
            "body.inputs.0.data",
        ),
        (404, r#"{"error":"no version 3"}"#, true, 404, "model.unknown", "no version 3"),
        (404, r#"{"error":"model not found"}"#, false, 502, "upstream.failed", "operator"),
        (200, "<html>maintenance</html>", false, 502, "upstream.malformed", "not an answer"),
        (200, r#"{"predictions":[1]}"#, false, 502, "upstream.malformed", "not an answer"),
        (500, r#"{"error":"CUDA out of memory"}"#, false, 502, "upstream.failed", "failed"),
    ] {
        let upstream = Upstream::always(status, "application/json", body).await;
        let stack = stack(&upstream).await;
        let version = if versioned { "/versions/3" } else { "" };
        let path = format!("/v2/models/{MODEL}{version}/infer");
        let response = stack.post(&path).json(&tensors()).send().await.unwrap();
        assert_eq!(response.headers()["x-tollgate-error-code"], code, "{body}");
        let (status, error) = problem(response).await;
        assert!(status == answered && error.contains(word), "{status} {error}");
        let event = stack.event().await;
        assert_eq!((event.outcome, event.cost_nanos), (Outcome::UpstreamError, Nanos::ZERO));
        assert!(event.units.is_zero(), "{event:?}");
    }
}

#[tokio::test]
async fn a_model_is_described_by_its_server_under_our_name_and_that_costs_nothing() {
    let said = r#"{"name":"sim-chat","versions":["1","3"],"platform":"sklearn","inputs":[{"name":"x","datatype":"FP32","shape":[-1,2]}],"outputs":[]}"#;
    let upstream = Upstream::start(move |seen| match seen.path.as_str() {
        path if path.ends_with("/versions/9/ready") => (400, "application/json", b"{}".to_vec()),
        path if path.ends_with("/versions/9") => {
            (404, "application/json", br#"{"error":"no version 9"}"#.to_vec())
        }
        _ => (200, "application/json", said.into()),
    })
    .await;
    let stack = Stack::of(|world| {
        served(Modality::Predict, &upstream.base_url)(world);
        world.limit(Metric::Requests, Window::Minute, 4);
    })
    .await;
    let get = |path: String| stack.get(&path).send();
    let model = format!("/v2/models/{MODEL}");
    for path in [model.clone(), format!("{model}/versions/3")] {
        let told: Value = get(path).await.unwrap().json().await.unwrap();
        assert_eq!((&told["name"], &told["versions"]), (&json!(MODEL), &json!(["1", "3"])));
        assert_eq!(told["inputs"][0]["name"], "x");
    }
    let seen = upstream.last();
    assert_eq!(seen.path, format!("/v2/models/{UPSTREAM_MODEL}/versions/3"));
    assert_eq!((seen.method.as_str(), seen.body.len()), ("GET", 0));
    assert!(seen.header("authorization").is_some_and(|value| value.ends_with(CREDENTIAL)));

    let asked = upstream.seen().len();
    let ready: Value = get(format!("{model}/ready")).await.unwrap().json().await.unwrap();
    assert_eq!(ready, json!({"name": MODEL, "ready": true}));
    assert_eq!(upstream.seen().len(), asked, "from memory");
    assert_eq!(get(format!("{model}/versions/3/ready")).await.unwrap().status(), 200);
    let (status, error) = problem(get(format!("{model}/versions/9")).await.unwrap()).await;
    assert!(status == 404 && error.contains("no version 9"), "{status} {error}");
    let (status, error) = problem(get(model.clone()).await.unwrap()).await;
    assert!(status == 429 && error.contains("limit.requests"), "{status} {error}");
    assert_eq!(get("/v2/models/nothing".into()).await.unwrap().status(), 404);
    assert_eq!(get("/v2/models/nothing/ready".into()).await.unwrap().status(), 404);
    let stranger = stack.client.get(stack.url(&model)).send().await.unwrap();
    assert_eq!(stranger.status(), 401);
    // Nothing of this is a call.
    stack.post(&format!("{model}/infer")).json(&tensors()).send().await.unwrap();
    assert_eq!(stack.gateway.tools.settle.depth().events, 0);
}

#[tokio::test]
async fn a_version_that_is_not_ready_is_told_so() {
    let upstream = Upstream::always(400, "application/json", "{}").await;
    let stack = stack(&upstream).await;
    let ready = stack.get(&format!("/v2/models/{MODEL}/versions/9/ready")).send().await.unwrap();
    assert_eq!(ready.status(), 400);
}

#[tokio::test]
async fn the_gateway_says_who_it_is_and_that_it_lives() {
    let mut stack = Stack::start().await;
    let server: Value = stack.get("/v2").send().await.unwrap().json().await.unwrap();
    assert_eq!(
        (&server["name"], &server["extensions"]),
        (&json!("tollgate"), &json!(["binary_tensor_data"]))
    );
    let stranger = stack.client.get(stack.url("/v2")).send().await.unwrap();
    assert!(problem(stranger).await.1.contains("key.missing"));
    let health = |path: &str| stack.client.get(stack.url(path)).send();
    for (path, body) in
        [("/v2/health/live", json!({"live": true})), ("/v2/health/ready", json!({"ready": true}))]
    {
        let response = health(path).await.unwrap();
        assert_eq!(
            (response.status().as_u16(), response.json::<Value>().await.unwrap()),
            (200, body)
        );
    }
    stack.stop().await;
}

#[tokio::test]
async fn a_text_is_gone_on_with_at_once_or_as_it_comes() {
    let upstream = Upstream::start(|seen| {
        if seen.path.ends_with("/generate_stream") {
            let each = |text: &str| {
                format!("data: {{\"model_name\":\"m\",\"text_output\":\"{text}\"}}\n\n")
            };
            (
                200,
                "text/event-stream; charset=utf-8",
                (each(" a") + &each("nd") + &each(" on")).into(),
            )
        } else {
            (
                200,
                "application/json",
                br#"{"model_name":"m","model_version":"1","text_output":" and on"}"#.to_vec(),
            )
        }
    })
    .await;
    let stack = Stack::of(served(Modality::Chat, &upstream.base_url)).await;
    let body = json!({"text_input": "Once upon a time", "parameters": {"max_tokens": 9}});
    let plain =
        stack.post(&format!("/v2/models/{MODEL}/generate")).json(&body).send().await.unwrap();
    assert_eq!(plain.json::<Value>().await.unwrap()["text_output"], " and on");
    assert_eq!(upstream.last().path, format!("/v2/models/{UPSTREAM_MODEL}/generate"));
    let stream = stack
        .post(&format!("/v2/models/{MODEL}/versions/2/generate_stream"))
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream; charset=utf-8");
    let text = stream.text().await.unwrap();
    assert_eq!(text.matches("text_output").count(), 3, "{text}");
    assert_eq!(
        upstream.last().path,
        format!("/v2/models/{UPSTREAM_MODEL}/versions/2/generate_stream")
    );
    assert_eq!(upstream.last().json(), body);
    for event in stack.events(2).await {
        assert_eq!(
            (event.operation, event.outcome, event.estimated),
            (Operation::Chat, Outcome::Ok, true)
        );
        assert!(event.tokens.input > 0 && event.tokens.output > 0, "{event:?}");
        assert!(event.units.rows == 0 && event.units.compute_ms > 0, "{event:?}");
        is_priced(&event);
    }
    let (status, error) = problem(
        stack
            .post(&format!("/v2/models/{MODEL}/generate"))
            .json(&json!({"text": "x"}))
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert!(status == 400 && error.contains("text_input"), "{error}");
    // A conversation would have to be made into one text, which only the model's own template can.
    let chat = stack.chat("").await;
    assert_eq!(chat.headers()["x-tollgate-error-code"], "upstream.none");
}

#[tokio::test]
async fn a_stream_of_text_that_breaks_before_anything_was_sent_is_a_clean_error() {
    let stream = "data: {\"text_output\":\"\"}\n\ndata: {\"error\":\"out of memory\"}\n\n";
    let upstream = Upstream::always(200, "text/event-stream", stream).await;
    let stack = Stack::of(served(Modality::Chat, &upstream.base_url)).await;
    let path = format!("/v2/models/{MODEL}/generate_stream");
    let response = stack.post(&path).json(&json!({"text_input": "Hello"})).send().await.unwrap();
    let (status, error) = problem(response).await;
    assert!(status == 502 && error.contains("upstream.failed"), "{status} {error}");
    let event = stack.event().await;
    assert_eq!((event.outcome, event.cost_nanos), (Outcome::UpstreamError, Nanos::ZERO));
    assert_eq!(event.attempts, 3, "nothing had reached the caller");
}

/// A world whose model is behind an endpoint with JSON of its own layout.
async fn mapped(upstream: &Upstream, map: Value) -> Stack {
    let base_url = upstream.base_url.trim_end_matches("/v1").to_owned();
    Stack::of(move |world| {
        served(Modality::Predict, &base_url)(world);
        world.providers[0].dialect = Dialect::Predict;
        world.providers[0].settings.predict = Some(serde_json::from_value(map).unwrap());
    })
    .await
}

#[tokio::test]
async fn an_endpoint_with_json_of_its_own_is_called_as_its_layout_says() {
    let kserve = json!({"path": "/v1/models/{model}:predict", "input": "/instances", "layout": "rows",
        "outputs": [{"name": "y", "pointer": "/predictions", "datatype": "INT64"}]});
    let scikit = json!({"path": "/predict", "input": "/data", "layout": "objects", "with": {"raw": false},
        "outputs": [{"name": "label", "pointer": "/result/*/label", "datatype": "BYTES"}]});
    for (map, answer, path, sent, output) in [
        (
            kserve,
            json!({"predictions": [2, 0]}),
            format!("/v1/models/{UPSTREAM_MODEL}:predict"),
            json!({"instances": [[1, 2], [3, 4.5]]}),
            json!({"name": "y", "shape": [2], "datatype": "INT64", "data": [2, 0]}),
        ),
        (
            scikit,
            json!({"result": [{"label": "a"}, {"label": "b"}]}),
            "/predict".to_owned(),
            json!({"raw": false, "data": [{"x": [1, 2]}, {"x": [3, 4.5]}]}),
            json!({"name": "label", "shape": [2], "datatype": "BYTES", "data": ["a", "b"]}),
        ),
    ] {
        let upstream = Upstream::always(200, "application/json", answer.to_string()).await;
        let stack = mapped(&upstream, map).await;
        let mut body = tensors();
        body["id"] = "call-1".into();
        let infer = format!("/v2/models/{MODEL}/infer");
        let response = stack.post(&infer).json(&body).send().await.unwrap();
        let told: Value = response.json().await.unwrap();
        assert_eq!(told, json!({"model_name": MODEL, "id": "call-1", "outputs": [output]}));
        assert_eq!((upstream.last().path, upstream.last().json()), (path, sent));
        let event = stack.event().await;
        assert_eq!(
            (event.operation, event.units.rows, event.estimated),
            (Operation::Predict, 2, false)
        );
        is_priced(&event);

        let about = stack.get(&format!("/v2/models/{MODEL}")).send().await.unwrap();
        let about: Value = about.json().await.unwrap();
        assert_eq!(
            (&about["name"], &about["outputs"][0]["name"]),
            (&json!(MODEL), &output["name"])
        );
        let ready = stack.get(&format!("/v2/models/{MODEL}/ready")).send().await.unwrap();
        assert_eq!(ready.status(), 200);
        let versioned = format!("/v2/models/{MODEL}/versions/3/infer");
        let (status, error) =
            problem(stack.post(&versioned).json(&body).send().await.unwrap()).await;
        assert!(status == 400 && error.contains("version"), "{error}");
    }
}

#[tokio::test]
async fn an_endpoint_whose_answer_is_not_as_its_layout_says_is_at_fault_and_costs_nothing() {
    let map = json!({"path": "/predict", "input": "/data", "layout": "rows",
        "outputs": [{"name": "y", "pointer": "/result", "datatype": "FP32"}]});
    for (status, answer, code) in [
        (200, r#"{"prediction":[1]}"#, "upstream.malformed"),
        (200, "<html>", "upstream.malformed"),
        (500, r#"{"error":"boom"}"#, "upstream.failed"),
        (400, r#"{"error":{"code":400,"message":"Expected 3 features."}}"#, "upstream.refused"),
    ] {
        let upstream = Upstream::always(status, "application/json", answer).await;
        let stack = mapped(&upstream, map.clone()).await;
        let infer = format!("/v2/models/{MODEL}/infer");
        let response = stack.post(&infer).json(&tensors()).send().await.unwrap();
        assert_eq!(response.headers()["x-tollgate-error-code"], code, "{answer}");
        let (answered, error) = problem(response).await;
        assert_eq!(answered, if status == 400 { 400 } else { 502 });
        assert!(status != 400 || error.contains("Expected 3 features."), "{error}");
        let event = stack.event().await;
        assert_eq!((event.outcome, event.cost_nanos), (Outcome::UpstreamError, Nanos::ZERO));
    }
}
