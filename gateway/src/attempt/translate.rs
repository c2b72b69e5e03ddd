//! Answers and streams that a caller gets in another dialect than its provider gives them in.

use super::Answered;
use super::failure::Failure;
use super::frames::Frames;
use super::watch::WatchError;
use crate::fault::Fault;
use crate::meter::{Heard, Meter};
use bytes::{Bytes, BytesMut};
use dialect::Reported;
use dialect::convert::{Caller, Inbound, Outbound, ReadStream, WriteStream};
use dialect::count::{Counter, Family};
use dialect::neutral::{Answer, Block, Content, Delta, Event};
use dialect::openai::StreamOptions;

/// Writes a whole answer for the caller.
pub(super) fn answer(
    meter: &Meter,
    answer: &Answer,
    from: &dyn Inbound,
) -> Result<Answered, Failure> {
    let body = from.write_answer(answer, &caller(meter)?).into();
    let reported = Reported { tokens: answer.tokens, units: answer.units };
    let output = || text_tokens(answer, meter.model());
    let measure = meter.measure(reported.into(), output);
    Ok(Answered::Whole { body, measure })
}

/// A stream from `to`'s dialect into `from`'s.
pub(super) fn stream(
    meter: &Meter,
    from: &dyn Inbound,
    to: &dyn Outbound,
    event_bytes_max: usize,
) -> Result<Translation, Failure> {
    let frames = Frames::new(to.framing(), event_bytes_max);
    let writer = from.stream_writer(&caller(meter)?);
    Ok(Translation::new(frames, to.stream_reader(), writer, Family::of(meter.model())))
}

/// A whole answer that another call made, in the words of this one's caller.
///
/// # Errors
/// The call cannot be read, or its dialect has no conversations.
pub fn write_answer(meter: &Meter, answer: &Answer) -> Result<Bytes, Fault> {
    let from = meter.permit.call.wire.inbound().ok_or_else(|| Failure::not_served().fault)?;
    let to = caller(meter).map_err(|failure| failure.fault)?;
    Ok(from.write_answer(answer, &to).into())
}

/// What tells such an answer as a stream.
///
/// # Errors
/// As [`write_answer`].
pub fn stream_writer(meter: &Meter) -> Result<Box<dyn WriteStream>, Fault> {
    let from = meter.permit.call.wire.inbound().ok_or_else(|| Failure::not_served().fault)?;
    let to = caller(meter).map_err(|failure| failure.fault)?;
    Ok(from.stream_writer(&to))
}

fn caller(meter: &Meter) -> Result<Caller<'_>, Failure> {
    let call = &meter.permit.call;
    let stamp = &call.principal.stamp;
    Ok(Caller {
        asked: call.neutral().map_err(|invalid| Failure::never(Fault::from(invalid)))?,
        id: stamp.id_text.to_str().unwrap_or_default(),
        now: stamp.at.timestamp(),
        stream_usage: call.ask.stream_options == StreamOptions::Asked,
    })
}

fn text_tokens(answer: &Answer, model: &str) -> u64 {
    let mut counter = Counter::default();
    for part in answer.candidates.iter().flat_map(|candidate| &candidate.parts) {
        match &part.content {
            Content::Text { text, .. } | Content::Refusal(text) | Content::Thinking(text) => {
                counter.add(text);
            }
            Content::ToolCall(call) => counter.add(&call.input),
            _ => {}
        }
    }
    counter.tokens(model)
}

/// One stream, half-way between two dialects.
#[derive(Debug)]
pub struct Translation {
    frames: Frames,
    reader: Box<dyn ReadStream>,
    writer: Box<dyn WriteStream>,
    /// Events of one read, kept for its room.
    batch: Vec<Event>,
    out: BytesMut,
    told: Told,
    /// The model's, by which text is counted.
    family: Family,
}

/// What the stream has told so far.
#[derive(Debug, Default)]
struct Told {
    begun: bool,
    /// What the caller gets once the call is settled.
    end_mark: Option<Bytes>,
    broken: bool,
    heard: Heard,
    malformed: u32,
    deltas: u64,
    /// What the text weighs.
    counter: Counter,
}

impl Translation {
    pub fn new(
        frames: Frames,
        reader: Box<dyn ReadStream>,
        writer: Box<dyn WriteStream>,
        family: Family,
    ) -> Self {
        Self {
            family,
            frames,
            reader,
            writer,
            batch: Vec::new(),
            out: BytesMut::new(),
            told: Told::default(),
        }
    }

    /// As [`super::Watch::take`].
    pub fn take(&mut self, read: Bytes) -> Result<(), WatchError> {
        let (frames, mut half) = self.split();
        frames.push(read, |frame| half.show(frame))?;
        if self.told.broken { Err(WatchError::BrokenOff) } else { Ok(()) }
    }

    /// The provider closed the stream: whether it was whole.
    pub fn close(&mut self) -> bool {
        if !self.told.is_over() {
            let (frames, mut half) = self.split();
            // What is longer than a line may be is no last line.
            let _ = frames.finish(|frame| half.show(frame));
        }
        if !self.told.is_over() {
            self.reader.close(&mut self.batch);
            for event in self.batch.drain(..) {
                self.told.note(&event, self.writer.as_mut(), &mut self.out);
            }
        }
        self.is_done()
    }

    /// What frames the stream, and what reads its frames.
    fn split(&mut self) -> (&mut Frames, Half<'_>) {
        let Self { frames, reader, writer, batch, out, told, family: _ } = self;
        (frames, Half { reader: reader.as_mut(), writer: writer.as_mut(), batch, out, told })
    }

    pub fn take_out(&mut self) -> Option<Bytes> {
        (!self.out.is_empty()).then(|| self.out.split().freeze())
    }

    pub fn has_next(&self) -> bool {
        !self.out.is_empty()
    }

    pub const fn has_begun(&self) -> bool {
        self.told.begun || self.is_done()
    }

    pub const fn is_done(&self) -> bool {
        self.told.end_mark.is_some()
    }

    pub fn end_mark(&mut self) -> Option<Bytes> {
        // Taken, but still there for `is_done`: a second end is an empty one.
        self.told.end_mark.as_mut().map(std::mem::take).filter(|bytes| !bytes.is_empty())
    }

    pub const fn heard(&self) -> Heard {
        self.told.heard
    }

    pub const fn malformed(&self) -> u32 {
        self.told.malformed
    }

    /// Output tokens seen, where the provider does not say.
    pub fn output_tokens(&self) -> u64 {
        self.told.deltas.max(self.told.counter.tokens_of(self.family))
    }
}

/// A translation without its frames.
struct Half<'t> {
    reader: &'t mut dyn ReadStream,
    writer: &'t mut dyn WriteStream,
    batch: &'t mut Vec<Event>,
    out: &'t mut BytesMut,
    told: &'t mut Told,
}

impl Half<'_> {
    /// Translates one frame; tells whether more are wanted.
    fn show(&mut self, frame: &[u8]) -> bool {
        if self.reader.read(frame, self.batch).is_err() {
            self.told.malformed += 1;
        }
        for event in self.batch.drain(..) {
            self.told.note(&event, self.writer, self.out);
        }
        !self.told.is_over()
    }
}

impl Told {
    const fn is_over(&self) -> bool {
        self.broken || self.end_mark.is_some()
    }

    fn note(&mut self, event: &Event, writer: &mut dyn WriteStream, out: &mut BytesMut) {
        match event {
            Event::Error { .. } => {
                self.broken = true;
                return;
            }
            // What ends the stream for the caller is held until the call is settled.
            Event::End => {
                let mut last = BytesMut::new();
                writer.write(event, &mut last);
                self.end_mark = Some(last.freeze());
                return;
            }
            Event::Tokens(tokens) => self.heard = self.heard.and((*tokens).into()),
            Event::Units(units) => {
                let told = Reported { units: *units, ..Reported::NOTHING };
                self.heard = self.heard.and(told);
            }
            Event::Delta { delta, .. } => {
                self.begun = true;
                if let Delta::Text(text) | Delta::Input(text) = delta {
                    self.deltas += 1;
                    self.counter.add(text);
                }
            }
            Event::Open { what: Block::Whole(_), .. } | Event::Stop { .. } => {
                self.begun = true;
            }
            Event::Start { .. } | Event::Open { .. } | Event::Close { .. } | Event::Ping => {}
        }
        writer.write(event, out);
    }
}
