//! Pictures, voices, transcripts and judgements: what the provider gets, what the caller gets, what
//! is metered, also when it breaks.

use crate::support::{Stack, World, at, deployment, error, wait_for};
use crate::upstream::Upstream;
use contract::id::{ModelId, PriceId};
use contract::money::{Nanos, Rates, UnitRates};
use contract::snapshot::{Lifecycle, Metric, Modality, ModelRecord, PriceRecord, Window};
use contract::usage::{Operation, Outcome, Tokens, Units};
use gateway::worker::Bounds;
use serde_json::{Value, json};
use std::time::Duration;

const IMAGE: &str = "house/image";
const SPEECH: &str = "house/speech";
const TRANSCRIBE: &str = "house/transcribe";
const MODERATE: &str = "house/moderate";

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nsimulated";

/// What each costs: a picture 4 cents, a million characters 15 dollars, a minute 0.6 cents.
fn by_unit() -> Rates {
    let units = UnitRates {
        image: Nanos(40_000_000),
        million_characters: Nanos(15_000_000_000),
        audio_minute: Nanos(6_000_000),
        ..UnitRates::default()
    };
    Rates { units, ..Rates::default() }
}

fn by_token() -> Rates {
    Rates { input: Nanos(5_000_000_000), output: Nanos(40_000_000_000), ..Rates::default() }
}

/// Adds the four models at these rates.
fn offer(world: &mut World, rates: Rates) {
    let models = [
        (3, IMAGE, Modality::Image, "sim-image"),
        (4, SPEECH, Modality::Speech, "sim-speech"),
        (5, TRANSCRIBE, Modality::Transcription, "sim-transcribe"),
        (6, MODERATE, Modality::Moderation, "sim-moderate"),
    ];
    for (n, name, modality, upstream) in models {
        let id = ModelId::new(at(), &[n; 10]);
        world.product.model_ids.push(id);
        world.models.push(ModelRecord {
            id,
            name: name.into(),
            modality,
            state: Lifecycle::Active,
            context_tokens_max: 0,
            output_tokens_max: 0,
            created_at: at(),
        });
        world.prices.push(PriceRecord {
            id: PriceId::new(at(), &[n; 10]),
            model_id: id,
            plan_id: None,
            effective_from: at(),
            rates: if modality == Modality::Moderation { by_token() } else { rates },
        });
        world.deployments.push(deployment(n, n, 1, upstream));
    }
}

async fn stack() -> Stack {
    Stack::of(|world| offer(world, by_unit())).await
}

async fn against(upstream: &Upstream, rates: Rates) -> Stack {
    let base_url = upstream.base_url.clone();
    Stack::of(|world| {
        offer(world, rates);
        world.providers[0].base_url = base_url;
    })
    .await
}

fn units(images: u64, characters: u64, audio_ms: u64) -> Units {
    Units { images, characters, audio_ms, ..Units::default() }
}

/// A WAV of so many milliseconds at 8 kHz.
fn wav(ms: u32) -> Vec<u8> {
    let bytes = ms * 16;
    let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
    file.extend(8_000_u32.to_le_bytes());
    file.extend(16_000_u32.to_le_bytes());
    file.extend(b"\x02\0\x10\0data");
    file.extend(bytes.to_le_bytes());
    file.resize(file.len() + bytes as usize, 0);
    file
}

/// A form that is being written.
struct Form(Vec<u8>);

impl Form {
    fn new(model: &str) -> Self {
        Self(Vec::new()).text("model", model)
    }

    fn text(self, name: &str, value: &str) -> Self {
        self.part(&format!("name=\"{name}\""), value.as_bytes())
    }

    fn file(self, name: &str, value: &[u8]) -> Self {
        self.part(&format!("name=\"{name}\"; filename=\"a.bin\""), value)
    }

    fn part(mut self, called: &str, value: &[u8]) -> Self {
        let head = format!("--edge\r\nContent-Disposition: form-data; {called}\r\n\r\n");
        self.0.extend([head.as_bytes(), value, b"\r\n"].concat());
        self
    }

    async fn send(mut self, stack: &Stack, path: &str) -> reqwest::Response {
        self.0.extend(b"--edge--\r\n");
        let request = stack.post(path).header("content-type", "multipart/form-data; boundary=edge");
        request.body(self.0).send().await.unwrap()
    }
}

fn recording(model: &str, ms: u32) -> Form {
    Form::new(model).file("file", &wav(ms))
}

async fn generate(stack: &Stack, more: Value) -> reqwest::Response {
    let mut body = json!({"model": IMAGE, "prompt": "A lighthouse in fog"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    stack.post("/v1/images/generations").json(&body).send().await.unwrap()
}

async fn speak(stack: &Stack, input: &str, more: Value) -> reqwest::Response {
    let mut body = json!({"model": SPEECH, "voice": "alloy", "input": input});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    stack.post("/v1/audio/speech").json(&body).send().await.unwrap()
}

async fn transcribe(stack: &Stack, form: Form) -> reqwest::Response {
    form.send(stack, "/v1/audio/transcriptions").await
}

fn payloads(text: &str) -> Vec<Value> {
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap()).collect()
}

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
async fn a_voice_passes_as_it_comes_and_its_characters_are_charged() {
    let stack = stack().await;
    let response = speak(&stack, "Grüß Gott 😀", json!({})).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "audio/wav");
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let file = response.bytes().await.unwrap();
    assert!(file.starts_with(b"RIFF") && file.len() > 20_000);
    let event = stack.event().await;
    assert_eq!(event.units, units(0, 11, 0));
    assert_eq!(stack.sim.find(&id).unwrap().characters, 11);
    assert_eq!((event.cost_nanos, event.estimated), (Nanos(165_000), false));
    assert_eq!((event.operation, event.stream), (Operation::Speech, false));
}

#[tokio::test]
async fn a_voice_is_heard_before_it_is_whole() {
    let stack = stack().await;
    let mut response = speak(&stack, "A long text [[sim hang=end]]", json!({})).await;
    assert_eq!(response.status(), 200);
    let first = response.chunk().await.unwrap().unwrap();
    assert!(first.starts_with(b"RIFF"));
    assert!(stack.sim.stats().running == 1);
    drop(response);
    let event = stack.event().await;
    assert_eq!((event.outcome, event.status), (Outcome::ClientGone, 499));
    assert_eq!(event.units.characters, 28);
}

#[tokio::test]
async fn a_voice_that_is_cut_breaks_the_connection_and_is_never_a_whole_one() {
    let stack = stack().await;
    let response = speak(&stack, "A long text [[sim cut_after=2]]", json!({})).await;
    assert_eq!(response.status(), 200);
    let cut = response.bytes().await.unwrap_err();
    assert!(cut.is_body() || cut.is_decode(), "{cut:?}");
    let event = stack.event().await;
    assert_eq!(
        (event.outcome, event.error_code.as_deref()),
        (Outcome::UpstreamCut, Some("upstream.cut"))
    );
    assert_eq!(event.cost_nanos, Nanos(31 * 15_000));
}

#[tokio::test]
async fn a_silent_voice_breaks_off_too() {
    let bounds = Bounds { stream_idle_timeout: Duration::from_millis(200), ..Bounds::default() };
    let stack = Stack::with(|world| offer(world, by_unit()), bounds).await;
    let response = speak(&stack, "A long text [[sim hang=end]]", json!({})).await;
    assert!(response.bytes().await.is_err());
    assert_eq!(stack.event().await.error_code.as_deref(), Some("upstream.timeout"));
}

#[tokio::test]
async fn a_voice_as_events_tells_its_tokens() {
    let stack = Stack::of(|world| offer(world, by_token())).await;
    let response = speak(&stack, "Say hello", json!({"stream_format": "sse"})).await;
    let text = response.text().await.unwrap();
    assert_eq!(payloads(&text).last().unwrap()["type"], "speech.audio.done");
    let event = stack.event().await;
    assert_eq!((event.tokens.audio_output, event.units.characters), (9, 9));
    assert_eq!((event.stream, event.estimated), (true, false));
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
async fn a_transcript_costs_what_was_listened_to_in_every_form_of_answer() {
    let stack = stack().await;
    for format in ["json", "verbose_json", "text", "srt", "vtt"] {
        let form = recording(TRANSCRIBE, 90_000).text("response_format", format);
        let response = transcribe(&stack, form).await;
        assert_eq!(response.status(), 200, "{format}");
        let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        let text = response.text().await.unwrap();
        assert!(text.contains("simulated"), "{text}");
        assert_eq!(kind.starts_with("application/json"), format.ends_with("json"), "{kind}");
    }
    let told: Vec<_> = stack
        .events(5)
        .await
        .iter()
        .map(|event| {
            assert_eq!(event.units, units(0, 0, 90_000));
            assert_eq!(event.cost_nanos, Nanos(9_000_000));
            assert_eq!(event.operation, Operation::Transcription);
            event.estimated
        })
        .collect();
    // Plain text and subtitles tell nothing: the file's header does.
    assert_eq!(told, [false, false, true, true, true]);
}

#[tokio::test]
async fn a_transcript_may_tell_tokens_a_length_nothing_or_a_stream() {
    let upstream = |body: &str| {
        let body = body.to_owned();
        async move { Upstream::always(200, "application/json", body).await }
    };
    let tokens = r#"{"text":"a","usage":{"type":"tokens","input_tokens":14,"output_tokens":3,
        "input_token_details":{"audio_tokens":10}}}"#;
    let provider = upstream(tokens).await;
    let stack = against(&provider, by_token()).await;
    assert_eq!(transcribe(&stack, recording(TRANSCRIBE, 500)).await.status(), 200);
    let event = stack.event().await;
    let expected = Tokens { input: 4, audio_input: 10, output: 3, ..Tokens::default() };
    assert_eq!((event.tokens, event.estimated), (expected, false));

    let provider = upstream(r#"{"text":"some text"}"#).await;
    let stack = against(&provider, by_token()).await;
    assert_eq!(transcribe(&stack, recording(TRANSCRIBE, 6_000)).await.status(), 200);
    let event = stack.event().await;
    assert_eq!((event.tokens.audio_input, event.estimated), (100, true));
    assert!(event.tokens.output > 0 && event.cost_nanos > Nanos::ZERO);

    let stack = self::stack().await;
    let form = recording(TRANSCRIBE, 2_000).text("stream", "true");
    let text = transcribe(&stack, form).await.text().await.unwrap();
    let said: String = payloads(&text).iter().filter_map(|event| event["delta"].as_str()).collect();
    assert_eq!(payloads(&text).last().unwrap()["text"], said);
    let event = stack.event().await;
    assert_eq!((event.units.audio_ms, event.estimated, event.stream), (2_000, false, true));
}

#[tokio::test]
async fn a_stream_that_a_model_does_not_give_is_answered_as_it_comes() {
    let answer = r#"{"text":"whole","usage":{"type":"duration","seconds":3}}"#;
    let provider = Upstream::always(200, "application/json", answer).await;
    let stack = against(&provider, by_unit()).await;
    let form = recording(TRANSCRIBE, 2_000).text("stream", "true");
    assert_eq!(transcribe(&stack, form).await.text().await.unwrap(), answer);
    assert_eq!(stack.event().await.units.audio_ms, 3_000);
}

#[tokio::test]
async fn a_translation_is_a_transcription_at_an_address_of_its_own() {
    let stack = stack().await;
    let response = recording(TRANSCRIBE, 1_000).send(&stack, "/v1/audio/translations").await;
    assert_eq!(response.status(), 200);
    assert_eq!(stack.sim.last().path, "/v1/audio/translations");
    assert_eq!(stack.event().await.units.audio_ms, 1_000);
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
