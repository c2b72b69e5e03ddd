//! Pictures, voices, transcripts and judgements at OpenAI's seven addresses. Nothing is painted,
//! spoken or heard: each answer says so, is real in its form, and is counted.

mod form;
mod given;
mod picture;
mod voice;

use crate::answer::{Answered, plain};
use crate::dialect::{CREATED, set};
use crate::node::Invalid;
use crate::play::{Step, play, response};
use crate::record::Call;
use crate::stream::sse;
use crate::switches::{Hang, Switches};
use crate::tokens;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use given::Given;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    Generate,
    Edit,
    Vary,
    Speak,
    Transcribe,
    Translate,
    Moderate,
}

impl Task {
    pub fn at(path: &str) -> Option<Self> {
        Some(match path {
            "/v1/images/generations" => Self::Generate,
            "/v1/images/edits" => Self::Edit,
            "/v1/images/variations" => Self::Vary,
            "/v1/audio/speech" => Self::Speak,
            "/v1/audio/transcriptions" => Self::Transcribe,
            "/v1/audio/translations" => Self::Translate,
            "/v1/moderations" => Self::Moderate,
            _ => return None,
        })
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Generate | Self::Edit | Self::Vary => "images",
            Self::Speak => "speech",
            Self::Transcribe | Self::Translate => "transcription",
            Self::Moderate => "moderation",
        }
    }
}

/// What a task gives, and what it used.
#[derive(Default)]
struct Done {
    model: String,
    input: u64,
    output: u64,
    images: u64,
    characters: u64,
    audio_ms: u64,
    media: u64,
    reported: bool,
    said: Said,
}

enum Said {
    /// A whole, and what it is.
    Whole(&'static str, Bytes),
    /// Events, of which the last ends the stream.
    Events(Vec<Value>),
    /// Bytes that come in pieces.
    Pieces(&'static str, Vec<Bytes>),
}

impl Default for Said {
    fn default() -> Self {
        Self::Events(Vec::new())
    }
}

/// Answers a task. `deployment`: the model, where the path names it.
pub(crate) fn answer(
    call: Call,
    switches: &Switches,
    task: Task,
    deployment: Option<&str>,
    headers: &HeaderMap,
    body: &Bytes,
) -> Answered {
    let done = Given::read(headers, body).and_then(|given| {
        let model = match deployment {
            Some(model) => model.to_owned(),
            None => given.need("model")?,
        };
        let done = match task {
            Task::Generate | Task::Edit | Task::Vary => pictures(task, &given, switches),
            Task::Speak => speech(&given),
            Task::Transcribe | Task::Translate => transcript(task, &given, &model, switches),
            Task::Moderate => judgement(call.id(), &model, &given),
        }?;
        Ok(Done { model, ..done })
    });
    let done = match done {
        Ok(done) => done,
        Err(invalid) => return Err((call, invalid)),
    };
    call.note(|served| {
        served.model.clone_from(&done.model);
        served.stream = matches!(done.said, Said::Events(_));
        (served.input, served.media) = (done.input, done.media);
        (served.images, served.characters) = (done.images, done.characters);
        served.audio_ms = done.audio_ms;
        served.usage_reported = done.reported;
    });
    let (kind, pieces) = match done.said {
        Said::Whole(kind, bytes) => return Ok(plain(call, switches, kind, bytes, done.output)),
        Said::Pieces(kind, pieces) => (kind, pieces),
        Said::Events(events) => {
            let name = |event: &Value| event["type"].as_str().map(str::to_owned);
            let events = events.iter().map(|event| sse(name(event).as_deref(), event).into());
            ("text/event-stream; charset=utf-8", events.collect())
        }
    };
    let steps = steps(pieces, switches, done.output, kind.starts_with("text/event-stream"));
    Ok(response(StatusCode::OK, kind, play(call, switches, steps.into_iter())))
}

/// Pieces one by one, with the faults that switches ask for in between.
fn steps(pieces: Vec<Bytes>, switches: &Switches, tokens: u64, events: bool) -> Vec<Step> {
    let (mut steps, count) = (Vec::new(), pieces.len());
    for (nth, bytes) in pieces.into_iter().enumerate() {
        let sent = nth as u64;
        let last = nth + 1 == count;
        if switches.cut_after.is_some_and(|after| sent >= after) {
            steps.push(Step::Cut);
            return steps;
        }
        if events && switches.error_after.is_some_and(|after| sent >= after) {
            let message = "The simulator breaks this stream off, as a switch asks.";
            let code = switches.error_code.as_deref().unwrap_or("server_error");
            let error = json!({"type": "error", "error": {"message": message, "code": code}});
            steps.push(Step::Send { bytes: sse(Some("error"), &error).into(), tokens: 0 });
            steps.push(Step::EndCut);
            return steps;
        }
        let hangs = match switches.hang {
            Some(Hang::FirstToken) => nth == 0,
            Some(Hang::End) => last,
            _ => false,
        };
        if hangs {
            steps.push(Step::Hang);
            return steps;
        }
        if last && switches.no_done {
            steps.push(Step::EndCut);
            return steps;
        }
        if nth > 0 && switches.chunk_delay_ms > 0 {
            steps.push(Step::Wait(Duration::from_millis(switches.chunk_delay_ms)));
        }
        steps.push(if last {
            Step::Last { bytes, tokens }
        } else {
            Step::Send { bytes, tokens: 0 }
        });
        if nth == 0 && events && switches.malformed {
            let bytes = Bytes::from_static(b"data: {\"this line\": is not JSON\n\n");
            steps.push(Step::Send { bytes, tokens: 0 });
        }
    }
    steps
}

/// Tokens of a picture made, and of one given in.
const PICTURE_TOKENS: u64 = 272;
const GIVEN_TOKENS: u64 = 85;
const IMAGES_MAX: u64 = 10;

fn pictures(task: Task, given: &Given, switches: &Switches) -> Result<Done, Invalid> {
    let prompt = if task == Task::Vary { String::new() } else { given.need("prompt")? };
    let media = given.pictures(task != Task::Generate)?;
    let images = given.number("n")?.unwrap_or(1);
    if !(1..=IMAGES_MAX).contains(&images) {
        return Err(Invalid::at("n", format!("n must be from 1 to {IMAGES_MAX}.")));
    }
    let (input, output) = (tokens::count(&prompt) + GIVEN_TOKENS * media, PICTURE_TOKENS * images);
    let usage = |images: u64| {
        json!({
            "input_tokens": input,
            "input_tokens_details": {
                "text_tokens": tokens::count(&prompt), "image_tokens": GIVEN_TOKENS * media,
            },
            "output_tokens": PICTURE_TOKENS * images,
            "total_tokens": input + PICTURE_TOKENS * images,
        })
    };
    // As of old, models named after dall-e tell no usage.
    let reported = !switches.no_usage && !given.need("model").is_ok_and(|m| m.contains("dall-e"));
    let png = |nth: u64| STANDARD.encode(picture::png(&format!("{prompt} {nth}")));
    let said = if given.flag("stream")? {
        let partials = given.number("partial_images")?.unwrap_or(0);
        let name = if task == Task::Edit { "image_edit" } else { "image_generation" };
        let mut events = Vec::new();
        for nth in 0..images {
            events.extend((0..partials).map(|index| {
                json!({
                    "type": format!("{name}.partial_image"), "b64_json": png(nth),
                    "partial_image_index": index, "created_at": CREATED, "output_format": "png",
                    "size": "16x16", "quality": "low", "background": "opaque",
                })
            }));
            let mut whole = json!({
                "type": format!("{name}.completed"), "b64_json": png(nth), "created_at": CREATED,
                "output_format": "png", "size": "16x16", "quality": "low", "background": "opaque",
            });
            if reported {
                set(&mut whole, "usage", usage(1));
            }
            events.push(whole);
        }
        Said::Events(events)
    } else {
        let url = given.text("response_format")?.as_deref() == Some("url");
        let about = "A simulated picture: no model runs here.";
        let one = |nth| {
            let png = png(nth);
            if url {
                json!({"url": format!("data:image/png;base64,{png}"), "revised_prompt": about})
            } else {
                json!({"b64_json": png, "revised_prompt": about})
            }
        };
        let data: Vec<_> = (0..images).map(one).collect();
        let mut answer = json!({"created": CREATED, "data": data, "output_format": "png"});
        if reported {
            set(&mut answer, "usage", usage(images));
        }
        whole(&answer)
    };
    // A stream's pictures each count the whole input again.
    let rounds = if matches!(said, Said::Events(_)) { images } else { 1 };
    Ok(Done { input: input * rounds, output, images, media, reported, said, ..Done::default() })
}

fn whole(answer: &Value) -> Said {
    Said::Whole("application/json", answer.to_string().into())
}

/// Bytes of a voice in one piece.
const PIECE: usize = 4_800;
const CHARACTERS_MAX: usize = 4_096;

fn speech(given: &Given) -> Result<Done, Invalid> {
    let text = given.need("input")?;
    given.need("voice")?;
    let characters = text.chars().count();
    if !(1..=CHARACTERS_MAX).contains(&characters) {
        return Err(Invalid::at("input", format!("input must be 1 to {CHARACTERS_MAX} long.")));
    }
    let file = Bytes::from(voice::wav(characters));
    let pieces: Vec<_> = file.chunks(PIECE).map(|piece| file.slice_ref(piece)).collect();
    let (input, output) = (tokens::count(&text), characters as u64);
    let sse = given.text("stream_format")?.as_deref() == Some("sse");
    let said = if sse {
        let mut events: Vec<_> = pieces
            .iter()
            .map(|piece| json!({"type": "speech.audio.delta", "audio": STANDARD.encode(piece)}))
            .collect();
        events.push(json!({
            "type": "speech.audio.done",
            "usage": {
                "input_tokens": input, "output_tokens": output, "total_tokens": input + output,
            },
        }));
        Said::Events(events)
    } else {
        Said::Pieces("audio/wav", pieces)
    };
    let characters = characters as u64;
    Ok(Done { input, output, characters, reported: sse, said, ..Done::default() })
}

const TRANSCRIPT: &str = "This transcript is simulated: no model listened.";

fn transcript(
    task: Task,
    given: &Given,
    model: &str,
    switches: &Switches,
) -> Result<Done, Invalid> {
    let file = given.file("file")?;
    let audio_ms = voice::length_ms(&file);
    let (input, output) = (audio_ms.div_ceil(100), tokens::count(TRANSCRIPT));
    let reported = !switches.no_usage;
    let seconds = json!(audio_ms as f64 / 1_000.0);
    let usage = if model.contains("gpt-4o") {
        json!({
            "type": "tokens", "input_tokens": input, "output_tokens": output,
            "input_token_details": {"text_tokens": 0, "audio_tokens": input},
            "total_tokens": input + output,
        })
    } else {
        json!({"type": "duration", "seconds": seconds})
    };
    let with_usage = |mut answer: Value| {
        if reported {
            set(&mut answer, "usage", usage.clone());
        }
        answer
    };
    let stamp = |ms: u64, mark: char| {
        let (s, ms) = (ms / 1_000, ms % 1_000);
        format!("{:02}:{:02}:{:02}{mark}{ms:03}", s / 3_600, s / 60 % 60, s % 60)
    };
    let format = given.text("response_format")?;
    let text = |kind, text: String| Said::Whole(kind, text.into());
    let said = match format.as_deref().unwrap_or("json") {
        "json" if given.flag("stream")? => {
            let mut events: Vec<_> = tokens::split(TRANSCRIPT)
                .map(|delta| json!({"type": "transcript.text.delta", "delta": delta}))
                .collect();
            let done = json!({"type": "transcript.text.done", "text": TRANSCRIPT});
            events.push(with_usage(done));
            Said::Events(events)
        }
        "json" => whole(&with_usage(json!({"text": TRANSCRIPT}))),
        "verbose_json" => whole(&with_usage(json!({
            "task": if task == Task::Translate { "translate" } else { "transcribe" },
            "language": "english", "duration": seconds, "text": TRANSCRIPT,
            "segments": [{
                "id": 0, "seek": 0, "start": 0.0, "end": seconds, "text": TRANSCRIPT, "tokens": [],
                "temperature": 0.0, "avg_logprob": 0.0, "compression_ratio": 1.0,
                "no_speech_prob": 0.0,
            }],
        }))),
        "text" => text("text/plain; charset=utf-8", format!("{TRANSCRIPT}\n")),
        "srt" => {
            let end = stamp(audio_ms, ',');
            let cue = format!("1\n00:00:00,000 --> {end}\n{TRANSCRIPT}\n\n");
            text("text/plain; charset=utf-8", cue)
        }
        "vtt" => {
            let end = stamp(audio_ms, '.');
            text("text/vtt", format!("WEBVTT\n\n00:00:00.000 --> {end}\n{TRANSCRIPT}\n"))
        }
        _ => {
            let known = "response_format must be json, verbose_json, text, srt or vtt.";
            return Err(Invalid::at("response_format", known));
        }
    };
    Ok(Done { input, output, audio_ms, media: 1, reported, said, ..Done::default() })
}

const CATEGORIES: [&str; 5] = ["hate", "harassment", "self-harm", "sexual", "violence"];

/// Whatever says `[[flag]]` is flagged, as violent.
fn judgement(id: &str, model: &str, given: &Given) -> Result<Done, Invalid> {
    let texts = given.texts("input")?;
    let results: Vec<_> = texts
        .iter()
        .map(|text| {
            let flagged = text.contains("[[flag]]");
            let each = |value: &dyn Fn(bool) -> Value| -> Value {
                let of = |name: &&str| ((*name).to_owned(), value(flagged && *name == "violence"));
                Value::Object(CATEGORIES.iter().map(of).collect())
            };
            json!({
                "flagged": flagged,
                "categories": each(&|is| json!(is)),
                "category_scores": each(&|is| json!(if is { 0.99 } else { 0.01 })),
                "category_applied_input_types": each(&|_| json!(["text"])),
            })
        })
        .collect();
    let input = texts.iter().map(|text| tokens::count(text)).sum();
    let answer = json!({"id": format!("modr-sim-{id}"), "model": model, "results": results});
    Ok(Done { input, said: whole(&answer), ..Done::default() })
}
