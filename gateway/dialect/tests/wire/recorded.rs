//! Recorded traffic through its reader and then through every writer of its kind: nothing panics,
//! and nothing is lost that the table of losses does not name.

use crate::gist::{Gist, assemble};
use crate::recordings::{self, Kind};
use crate::{PROVIDER, address, callers, providers, said, to_caller};
use bytes::{Bytes, BytesMut};
use dialect::convert::{Framing, Outbound};
use dialect::loss::Losses;
use dialect::neutral::{Event, Request};
use dialect::openai::read_call;
use dialect::sse::{Events, Verdict};
use dialect::{Ways, Wire, eventstream};
use std::collections::VecDeque;

/// The recordings of some kind, of which there must be this many at least.
fn each(least: usize, of: impl Fn(Kind) -> bool, mut judge: impl FnMut(&recordings::Recording)) {
    let all = recordings::all();
    let some: Vec<_> = all.iter().filter(|recording| of(recording.kind)).collect();
    assert!(all.is_empty() || some.len() >= least, "only {}", some.len());
    some.into_iter().for_each(&mut judge);
}

#[test]
fn a_recorded_request_is_told_to_every_provider_but_for_what_is_named() {
    each(
        30,
        |kind| matches!(kind, Kind::Request(_)),
        |recording| {
            let (name, Kind::Request(wire)) = (&recording.name, recording.kind) else { return };
            let read = wire.inbound().unwrap().read_request(&recording.bytes, &address(wire));
            let Ok(request) = read else {
                // Recordings of calls that the vendor refused, too.
                assert!(name.contains("no-messages"), "{name}: {read:?}");
                return;
            };
            let mut told = 0;
            for (to, provider) in providers() {
                let mut losses = Losses::new(to);
                match provider.write_request(&request, &PROVIDER, &mut losses) {
                    Err(refused) => assert!(refused.param.is_some(), "{name} to {to}: {refused}"),
                    Ok(body) => {
                        let lost = said::lost(&request, &body, &losses);
                        let header = losses.header();
                        assert_eq!(lost, [], "{name} to {to}, which names {header:?}");
                        told += 1;
                    }
                }
            }
            assert!(told > 0, "{name} reaches nobody");
        },
    );
}

#[test]
fn a_recorded_request_passes_to_its_own_dialect_with_every_byte_but_the_model() {
    each(
        30,
        |kind| matches!(kind, Kind::Request(_)),
        |recording| {
            let (name, Kind::Request(wire)) = (&recording.name, recording.kind) else { return };
            let body = Bytes::copy_from_slice(&recording.bytes);
            let ask =
                read_call(&body, wire, &address(wire)).unwrap_or_else(|e| panic!("{name}: {e}"));
            let sent = Ways::default().pass_request(wire, &body, &ask, "upstream-model");
            let (before, after) = (&body[..ask.model_at.start], &body[ask.model_at.end..]);
            assert!(sent.starts_with(before), "{name}");
            // A stream is asked for its usage in the one dialect that must be asked.
            assert!(sent.ends_with(after) || (ask.stream && wire == Wire::Chat), "{name}");
            let named = if ask.model_at.is_empty() { "" } else { "\"upstream-model\"" };
            assert!(sent[before.len()..].starts_with(named.as_bytes()), "{name}");
        },
    );
}

#[test]
fn a_recorded_answer_says_the_same_to_every_caller() {
    each(
        20,
        |kind| matches!(kind, Kind::Answer(_)),
        |recording| {
            let (name, Kind::Answer(wire)) = (&recording.name, recording.kind) else { return };
            let read = wire.outbound().unwrap().read_answer(&recording.bytes);
            let answer = read.unwrap_or_else(|e| panic!("{name}: {e}"));
            let asked = Request { model: "m".to_owned(), ..Request::default() };
            for (to, caller) in callers() {
                let written = caller.write_answer(&answer, &to_caller(&asked));
                let again = to.outbound().unwrap().read_answer(&written);
                let again = again.unwrap_or_else(|e| panic!("{name} to {to}: {e}"));
                same(&Gist::of(&again), &Gist::of(&answer), &format!("{name} to {to}"));
            }
        },
    );
}

fn same(told: &Gist, meant: &Gist, whose: &str) {
    assert_eq!(told.text, meant.text, "text, {whose}");
    assert_eq!(told.thinking, meant.thinking, "thinking, {whose}");
    for (told, (name, input)) in told.calls.iter().zip(&meant.calls) {
        // A call that was cut off in the middle is told as far as a dialect can say half of one.
        let whole = serde_json::from_str::<serde_json::Value>(input).is_ok();
        assert!(told.0 == *name && (!whole || told.1 == *input), "{whose}: {told:?}");
    }
    let cut = meant.calls.iter().any(|(_, input)| !input.ends_with('}'));
    assert!(cut || told.calls.len() == meant.calls.len(), "calls, {whose}");
    assert_eq!(told.input_total, meant.input_total, "input tokens, {whose}");
    assert_eq!(told.output_total, meant.output_total, "output tokens, {whose}");
}

#[test]
fn a_recorded_stream_says_the_same_to_every_caller() {
    each(
        8,
        |kind| matches!(kind, Kind::Stream(_) | Kind::Frames),
        |recording| {
            let (name, bytes) = (&recording.name, &recording.bytes);
            let events = match recording.kind {
                Kind::Stream(wire) => read(wire.outbound().unwrap(), bytes),
                _ => read(Wire::Converse.outbound().unwrap(), bytes),
            };
            let (answer, ended) = assemble(&events);
            assert!(ended, "{name}: {events:?}");
            let asked = Request { model: "m".to_owned(), stream: true, ..Request::default() };
            for (to, caller) in callers() {
                let mut writer = caller.stream_writer(&to_caller(&asked));
                let mut out = BytesMut::new();
                for event in &events {
                    writer.write(event, &mut out);
                }
                let (again, ended) = assemble(&read(to.outbound().unwrap(), &out));
                assert!(ended, "{name} to {to}");
                same(&Gist::of(&again), &Gist::of(&answer), &format!("{name} to {to}"));
            }
        },
    );
}

/// The events of a stream, which comes in pieces of 97 bytes; what is broken is left out.
fn read(provider: &dyn Outbound, stream: &[u8]) -> Vec<Event> {
    let (mut reader, mut events) = (provider.stream_reader(), Vec::new());
    let mut judge = |event: &[u8]| {
        let _ = reader.read(event, &mut events);
        Verdict::Drop
    };
    let mut out = VecDeque::new();
    if provider.framing() == Framing::EventStream {
        let mut frames = eventstream::Events::new(1 << 20);
        for piece in stream.chunks(97) {
            if frames.push(Bytes::copy_from_slice(piece), &mut out, &mut judge).is_err() {
                break;
            }
        }
    } else {
        let mut frames = Events::new(1 << 20);
        for piece in stream.chunks(97) {
            frames.push(Bytes::copy_from_slice(piece), &mut out, &mut judge).unwrap();
        }
    }
    if !events.contains(&Event::End) {
        reader.close(&mut events);
    }
    events
}

#[test]
fn what_is_broken_is_no_answer_and_no_whole_stream_in_any_dialect() {
    each(
        3,
        |kind| kind == Kind::Broken,
        |recording| {
            for (wire, provider) in providers() {
                let name = &recording.name;
                assert!(provider.read_answer(&recording.bytes).is_err(), "{name}, {wire}");
                assert!(!read(provider, &recording.bytes).contains(&Event::End), "{name}, {wire}");
                let _ = provider.read_error(502, &recording.bytes);
            }
        },
    );
}

#[test]
fn a_recorded_error_tells_its_sentence() {
    each(
        1,
        |kind| kind == Kind::Failure,
        |recording| {
            let chat = Wire::Chat.outbound().unwrap();
            let read = chat.read_error(400, &recording.bytes);
            assert!(read.message.is_some_and(|message| message.len() > 10), "{}", recording.name);
        },
    );
}
