//! Pictures, voices, transcripts and judgements: what the provider gets, what the caller gets, what
//! is metered, also when it breaks.

mod every;
mod pictures;
mod voices;

use crate::support::{Stack, World, at, deployment};
use crate::upstream::Upstream;
use contract::id::{ModelId, PriceId};
use contract::money::{Nanos, Rates, UnitRates};
use contract::snapshot::{Life, Lifecycle, Modality, ModelRecord, PriceRecord};
use contract::usage::Units;
use serde_json::{Value, json};

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
            life: Life::default(),
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
