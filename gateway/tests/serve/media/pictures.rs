//! Pictures.

use super::{Form, IMAGE, PNG, against, by_token, by_unit, generate, payloads, stack, units};
use crate::upstream::Upstream;
use contract::money::Nanos;
use contract::usage::{Operation, Outcome};
use serde_json::{Value, json};

#[tokio::test]
async fn pictures_are_counted_in_the_answer_and_its_tokens_are_read() {
    let stack = stack().await;
    let response = generate(&stack, json!({"n": 3})).await;
    assert_eq!(response.status(), 200);
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["data"].as_array().unwrap().len(), 3);
    let event = stack.event().await;
    let served = stack.sim.find(&id).unwrap();
    assert_eq!((event.units, served.images), (units(3, 0, 0), 3));
    assert_eq!((event.tokens.input, event.tokens.image_output), (served.input, served.output));
    assert_eq!((event.operation, event.estimated), (Operation::Images, false));
    assert_eq!(event.cost_nanos, Nanos(120_000_000));
    assert_eq!(event.reserved_nanos, event.cost_nanos);
}

#[tokio::test]
async fn a_form_reaches_the_provider_as_it_came_but_for_its_models_value() {
    let stack = stack().await;
    let body = format!(
        "--a b\r\nContent-Disposition: form-data; name=\"image[]\"; filename=\"{IMAGE}.png\"\r\n\
         Content-Type: image/png\r\n\r\n{}\r\n--a b \r\ncontent-disposition: form-data; name=model\r\n\
         \r\n{IMAGE}\r\n--a b\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\n{IMAGE}\r\n--a b--\r\n",
        "\u{89}PNG"
    );
    let kind = "multipart/form-data; boundary=\"a b\"";
    let upstream = Upstream::always(200, "application/json", r#"{"data":[{"url":"x"}]}"#).await;
    let direct = against(&upstream, by_unit()).await;
    for path in ["/v1/images/edits", "/v1/images/variations"] {
        let request = direct.post(path).header("content-type", kind).body(body.clone());
        assert_eq!(request.send().await.unwrap().status(), 200);
        let seen = upstream.last();
        assert_eq!(seen.path, path);
        assert_eq!(seen.header("content-type"), Some(kind));
        let sent = body
            .replace(&format!("\r\n\r\n{IMAGE}\r\n--a b\r\nC"), "\r\n\r\nsim-image\r\n--a b\r\nC");
        assert_eq!(String::from_utf8_lossy(&seen.body), sent);
    }
    let form = Form::new(IMAGE).file("image", PNG).file("mask", PNG);
    let form = form.text("prompt", "Add a boat").text("n", "2");
    let response = form.send(&stack, "/v1/images/edits").await;
    assert_eq!(response.status(), 200, "{:?}", response.text().await);
    let event = stack.event().await;
    assert_eq!((event.units.images, event.tokens.image_input), (2, 170));
}

#[tokio::test]
async fn a_stream_of_pictures_passes_event_by_event_and_tells_what_it_used() {
    let stack = stack().await;
    let response = generate(&stack, json!({"stream": true, "partial_images": 2})).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
    let text = response.text().await.unwrap();
    let kinds: Vec<_> = payloads(&text).iter().map(|event| event["type"].clone()).collect();
    let (partial, whole) = ("image_generation.partial_image", "image_generation.completed");
    assert_eq!(kinds, [partial, partial, whole]);
    let event = stack.event().await;
    assert_eq!((event.units.images, event.tokens.image_output, event.stream), (1, 272, true));
    assert_eq!((event.outcome, event.estimated), (Outcome::Ok, false));
    assert!(event.first_token_ms.is_some());
}

#[tokio::test]
async fn a_stream_of_pictures_that_breaks_ends_with_an_error_and_charges_what_came() {
    let stack = stack().await;
    for (switch, kind) in [("cut_after=1", "upstream.cut"), ("error_after=1", "upstream.failed")] {
        let prompt = format!("fog [[sim {switch}]]");
        let body = json!({"stream": true, "partial_images": 1, "n": 2, "prompt": prompt});
        let text = generate(&stack, body).await.text().await.unwrap();
        let events = payloads(&text);
        assert_eq!(events.len(), 2, "{text}");
        assert_eq!(events[1]["error"]["code"], kind);
    }
    for event in stack.events(2).await {
        // The picture that was begun.
        assert_eq!((event.outcome, event.units.images), (Outcome::UpstreamCut, 1));
        assert_eq!(event.cost_nanos, Nanos(40_000_000));
    }
}

#[tokio::test]
async fn an_image_model_of_the_older_kind_is_counted_without_tokens() {
    let rates = by_token();
    let upstream = Upstream::always(
        200,
        "application/json",
        r#"{"created":1,"data":[{"url":"https://x.test/1"}]}"#,
    )
    .await;
    let stack = against(&upstream, rates).await;
    let body = json!({"size": "1024x1024", "quality": "low", "n": 1});
    assert_eq!(generate(&stack, body).await.status(), 200);
    let event = stack.event().await;
    // Its price is by token and it tells none: as many as its size and quality have.
    assert_eq!((event.tokens.image_output, event.estimated), (272, true));
    assert!(event.cost_nanos <= event.reserved_nanos && event.cost_nanos > Nanos::ZERO);
}
