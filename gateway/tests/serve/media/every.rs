//! Judgements, and what holds of every kind: failures, refusals, limits, other providers.

use super::{
    Form, IMAGE, MODERATE, SPEECH, TRANSCRIBE, against, by_unit, generate, offer, recording, speak,
    stack, transcribe,
};
use crate::support::{Stack, error, wait_for};
use crate::upstream::Upstream;
use contract::money::Nanos;
use contract::snapshot::{Metric, Window};
use contract::usage::{Operation, Outcome};
use serde_json::{Value, json};

#[tokio::test]
async fn a_failure_before_any_picture_or_voice_becomes_another_attempt() {
    let stack = stack().await;
    let prompt = "fog [[sim cut_after=0 fail_first=1]]";
    let body = json!({"stream": true, "prompt": prompt});
    assert_eq!(generate(&stack, body).await.status(), 200);
    assert_eq!(generate(&stack, json!({"prompt": prompt})).await.status(), 200);
    assert!(speak(&stack, prompt, json!({})).await.bytes().await.is_ok());
    assert_eq!(
        transcribe(&stack, recording(TRANSCRIBE, 10).text("prompt", prompt)).await.status(),
        200
    );
    for event in stack.events(4).await {
        assert_eq!((event.attempts, event.outcome), (2, Outcome::Ok), "{event:?}");
    }
}

#[tokio::test]
async fn a_caller_that_leaves_before_its_voice_or_picture_is_charged_all_the_same() {
    let stack = stack().await;
    let prompt = "fog [[sim latency_ms=300]]";
    let speech = json!({"model": SPEECH, "voice": "alloy", "input": prompt});
    let pictures = json!({"model": IMAGE, "prompt": prompt, "n": 2});
    for (path, body) in [("/v1/audio/speech", speech), ("/v1/images/generations", pictures)] {
        let before = stack.sim.stats().calls;
        let call = tokio::spawn(stack.post(path).json(&body).send());
        wait_for("the provider is called", || stack.sim.stats().calls > before).await;
        call.abort();
    }
    for event in stack.events(2).await {
        assert_eq!(event.outcome, Outcome::ClientGone);
        assert_eq!(event.units.images * 13 + event.units.characters, 26, "{event:?}");
        assert!(event.cost_nanos > Nanos::ZERO);
    }
}

#[tokio::test]
async fn a_judgement_is_counted_by_its_text() {
    let stack = stack().await;
    let body = json!({"model": MODERATE, "input": ["fine", "not [[flag]]"]});
    let response = stack.post("/v1/moderations").json(&body).send().await.unwrap();
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["results"][1]["flagged"], true);
    let event = stack.event().await;
    assert_eq!((event.operation, event.tokens.input), (Operation::Moderation, 6));
    assert!(event.estimated && event.cost_nanos == Nanos(30_000));
}

#[tokio::test]
async fn azure_is_called_by_deployment() {
    let upstream = Upstream::always(200, "application/json", r#"{"data":[{"url":"x"}]}"#).await;
    let base_url = upstream.base_url.replace("/v1", "/openai");
    let stack = Stack::of(|world| {
        offer(world, by_unit());
        world.providers[0].base_url = base_url;
        world.providers[0].settings.api_version = Some("2025-04-01-preview".into());
    })
    .await;
    assert_eq!(generate(&stack, json!({})).await.status(), 200);
    let path = "/openai/deployments/sim-image/images/generations?api-version=2025-04-01-preview";
    assert_eq!(upstream.last().path, path);
}

#[tokio::test]
async fn what_is_no_answer_is_tried_again_and_refused() {
    for (kind, body) in
        [("application/json", "{}"), ("application/json", r#"{"data":["#), ("text/html", "<p>")]
    {
        let upstream = Upstream::always(200, kind, body).await;
        let stack = against(&upstream, by_unit()).await;
        let (status, code, _) = error(generate(&stack, json!({})).await).await;
        assert_eq!((status, code.as_str()), (502, "upstream.malformed"), "{kind} {body}");
        assert_eq!(upstream.seen().len(), 3);
        assert_eq!(stack.event().await.cost_nanos, Nanos::ZERO);
    }
    let upstream = Upstream::always(200, "application/json", r#"{"audio":"no"}"#).await;
    let stack = against(&upstream, by_unit()).await;
    let (status, code, _) = error(speak(&stack, "a", json!({})).await).await;
    assert_eq!((status, code.as_str()), (502, "upstream.malformed"));
}

#[tokio::test]
async fn a_provider_that_refuses_a_form_is_heard() {
    let stack = stack().await;
    let form = Form::new(IMAGE).text("prompt", "x").file("image", b"not a picture");
    let response = form.send(&stack, "/v1/images/edits").await;
    assert_eq!(response.status(), 400);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["error"]["param"], "image");
    assert!(body["error"]["message"].as_str().unwrap().contains("no PNG"));
}

#[tokio::test]
async fn a_form_that_is_not_right_is_refused_at_its_place() {
    let stack = stack().await;
    let part = "--x\r\ncontent-disposition: form-data; name=";
    let whole = |model: &str| format!("{part}model\r\n\r\n{model}\r\n--x--");
    let twice = format!("{part}model\r\n\r\na\r\n{}", whole("b"));
    let unnamed = "--x\r\n\r\na\r\n--x--".to_owned();
    for (kind, body, status, code, param) in [
        ("application/json", "{}".to_owned(), 415, "request.media_type", None),
        ("", whole(IMAGE), 415, "request.media_type", None),
        ("multipart/form-data", whole(IMAGE), 415, "request.media_type", None),
        ("multipart/form-data; boundary=x", String::new(), 400, "request.malformed", None),
        ("multipart/form-data; boundary=x", unnamed, 400, "request.malformed", None),
        ("multipart/form-data; boundary=x", twice, 400, "request.malformed", Some("model")),
        (
            "multipart/form-data; boundary=x",
            "--x--".into(),
            400,
            "request.malformed",
            Some("model"),
        ),
        ("multipart/form-data; boundary=x", whole("other"), 404, "model.unknown", Some("model")),
        ("multipart/form-data; boundary=x", whole(SPEECH), 400, "model.operation", Some("model")),
    ] {
        let mut request = stack.post("/v1/images/variations").body(body.clone());
        if !kind.is_empty() {
            request = request.header("content-type", kind);
        }
        let (was, said, at) = error(request.send().await.unwrap()).await;
        assert_eq!((was, said.as_str(), at.as_deref()), (status, code, param), "{kind}: {body}");
    }
    let cut = &whole(IMAGE)[..40];
    let request = stack.post("/v1/audio/transcriptions").body(cut.to_owned());
    let request = request.header("content-type", "multipart/form-data; boundary=x");
    assert_eq!(error(request.send().await.unwrap()).await.1, "request.malformed");
    let response = recording(SPEECH, 1).send(&stack, "/v1/audio/speech").await;
    let (status, code, _) = error(response).await;
    assert_eq!((status, code.as_str()), (415, "request.media_type"));
    assert_eq!(stack.sim.stats().calls, 0);
}

#[tokio::test]
async fn a_money_limit_holds_pictures_and_speech_by_their_units() {
    let stack = Stack::of(|world| {
        offer(world, by_unit());
        // Two pictures and a half.
        world.limit(Metric::Money, Window::Day, 100_000_000);
    })
    .await;
    assert_eq!(error(generate(&stack, json!({"n": 3})).await).await.0, 402);
    assert_eq!(generate(&stack, json!({"n": 2})).await.status(), 200);
    assert_eq!(error(generate(&stack, json!({})).await).await.0, 402);
    // 0.02 dollars are left: 1,333 characters.
    assert_eq!(error(speak(&stack, &"a".repeat(1_400), json!({})).await).await.0, 402);
    assert_eq!(speak(&stack, &"a".repeat(1_300), json!({})).await.status(), 200);
}

#[tokio::test]
async fn a_provider_without_such_calls_is_not_asked() {
    let stack = Stack::of(|world| {
        offer(world, by_unit());
        world.providers[0].dialect = contract::snapshot::Dialect::Anthropic;
    })
    .await;
    let response = generate(&stack, json!({})).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["x-should-retry"]),
        (503, &"false".parse().unwrap())
    );
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["error"]["code"], "upstream.none");
    assert!(body["error"]["message"].as_str().unwrap().contains("serves this kind of call"));
}
