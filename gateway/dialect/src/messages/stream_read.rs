//! Reads a stream.

use super::pieces::Pieces;
use super::told::{Change, Told, unwrapped};
use super::usage::Usage;
use super::{Host, answer};
use crate::convert::{Malformed, ReadStream};
use crate::neutral::{Event, Stop};
use crate::sse;
use serde_json::value::RawValue;

#[derive(Debug)]
pub(super) struct Reader {
    host: Host,
    pieces: Pieces,
    usage: Usage,
    started: bool,
    stopped: bool,
    ended: bool,
}

impl Reader {
    pub(super) fn new(host: Host) -> Self {
        Self {
            host,
            pieces: Pieces::default(),
            usage: Usage::default(),
            started: false,
            stopped: false,
            ended: false,
        }
    }

    fn told(&mut self, data: &[u8], out: &mut Vec<Event>) -> Result<(), Malformed> {
        let told: Told<'_> = serde_json::from_slice(data)?;
        match told.kind.as_ref() {
            // What comes after the reason for the end belongs to nothing.
            "content_block_delta" | "content_block_start" if self.stopped => {}
            "content_block_delta" => {
                let delta = told.delta.ok_or(Malformed("a delta without one".into()))?;
                self.start(None, out);
                self.pieces.delta(told.index, delta, out)?;
            }
            "content_block_start" => {
                let block = told.content_block.ok_or(Malformed("a block without one".into()))?;
                self.start(None, out);
                self.pieces.close(out);
                self.pieces.open(told.index, block, out)?;
            }
            "content_block_stop" => self.pieces.close(out),
            "ping" => out.push(Event::Ping),
            "message_start" => {
                let start = told.message.ok_or(Malformed("a start without a message".into()))?;
                self.start(Some((start.id, start.model)), out);
                self.used(start.usage.as_deref(), out);
            }
            "message_delta" => {
                self.pieces.close(out);
                if let Some(delta) = told.delta {
                    self.start(None, out);
                    self.stop(delta, out);
                }
                self.used(told.usage, out);
            }
            "message_stop" => {
                self.pieces.close(out);
                self.end(out);
            }
            "error" => {
                let fault = told.error.ok_or(Malformed("an error without one".into()))?;
                out.push(Event::Error { kind: fault.kind, message: fault.message });
            }
            _ => return Err(Malformed(format!("an event of the kind `{}`", told.kind).into())),
        }
        Ok(())
    }

    /// The start, once: an imitator may leave it out, or lose it.
    fn start(&mut self, named: Option<(String, String)>, out: &mut Vec<Event>) {
        if !self.started {
            self.started = true;
            let (id, model) = named.unwrap_or_default();
            out.push(Event::Start { id, model, created: None });
        }
    }

    fn used(&mut self, usage: Option<&RawValue>, out: &mut Vec<Event>) {
        let Some(usage) = usage else { return };
        self.usage = self.usage.and(Usage::read(usage.get().as_bytes()));
        self.usage.reported().tell(out);
    }

    fn stop(&mut self, delta: Change<'_>, out: &mut Vec<Event>) {
        let Some(word) = delta.stop_reason else { return };
        let stop = match answer::stop(&word, delta.stop_sequence) {
            // The only call was the answer.
            Stop::ToolUse if self.pieces.only_answered() => Stop::End,
            stop => stop,
        };
        if !self.stopped {
            self.stopped = true;
            out.push(Event::Stop { candidate: 0, stop });
        }
    }

    fn end(&mut self, out: &mut Vec<Event>) {
        // An end before anything else ends nothing: such a stream was cut.
        if self.started && !self.ended {
            self.ended = true;
            out.push(Event::End);
        }
    }
}

impl ReadStream for Reader {
    fn read(&mut self, event: &[u8], out: &mut Vec<Event>) -> Result<(), Malformed> {
        if self.ended {
            return Ok(());
        }
        if self.host == Host::Bedrock {
            return match unwrapped(event)? {
                Ok(data) => self.told(&data, out),
                Err(error) => {
                    out.push(error);
                    Ok(())
                }
            };
        }
        let Some(data) = sse::data(event) else { return Ok(()) };
        if data.trim_ascii() == b"[DONE]" {
            self.close(out);
            return Ok(());
        }
        self.told(&data, out)
    }

    fn close(&mut self, out: &mut Vec<Event>) {
        if self.stopped {
            self.end(out);
        }
    }
}
