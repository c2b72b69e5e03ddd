//! Playing an answer: a script of steps (send, wait, cut, hang) becomes a response body, and what
//! was really sent is noted as it goes.

use crate::record::{Call, Outcome};
use crate::switches::Switches;
use bytes::Bytes;
use futures::stream;
use http::{Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;
use std::time::Duration;

pub(crate) type Body = UnsyncBoxBody<Bytes, Dropped>;

/// The connection ends here, before the answer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dropped;

impl std::fmt::Display for Dropped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a switch drops the connection")
    }
}

impl std::error::Error for Dropped {}

/// Long enough for what was given before to leave the machine's buffers.
const FLUSH: Duration = Duration::from_millis(5);
/// How long "never" lasts.
pub(crate) const NEVER: Duration = Duration::from_secs(600);

/// One step of an answer.
#[derive(Debug)]
pub(crate) enum Step {
    /// Bytes that carry so many output tokens.
    Send {
        bytes: Bytes,
        tokens: u64,
    },
    /// The last bytes: with them the answer is complete.
    Last {
        bytes: Bytes,
        tokens: u64,
    },
    Wait(Duration),
    /// Nothing more comes, and the connection stays open.
    Hang,
    /// The connection is dropped.
    Cut,
    /// The body ends cleanly although the answer is not complete.
    EndCut,
}

struct Player<S> {
    call: Call,
    steps: S,
    drip: usize,
    drip_wait: Duration,
    /// Bytes of the current step not yet sent, and whether it is the last.
    pending: Bytes,
    pending_is_last: bool,
}

/// The body that plays `steps`.
pub(crate) fn play<S>(call: Call, switches: &Switches, steps: S) -> Body
where
    S: Iterator<Item = Step> + Send + 'static,
{
    let player = Player {
        call,
        steps,
        drip: switches.drip,
        drip_wait: Duration::from_millis(switches.drip_ms),
        pending: Bytes::new(),
        pending_is_last: false,
    };
    let frames = stream::unfold(player, |mut player| async move {
        player.next().await.map(|frame| (frame, player))
    });
    StreamBody::new(frames).boxed_unsync()
}

impl<S: Iterator<Item = Step>> Player<S> {
    async fn next(&mut self) -> Option<Result<Frame<Bytes>, Dropped>> {
        loop {
            if !self.pending.is_empty() {
                tokio::time::sleep(self.drip_wait).await;
                return Some(Ok(self.piece()));
            }
            let step = self.steps.next()?;
            if let Step::Send { tokens: tokens @ 1.., .. } = &step
                && let Some(serving) = &self.call.serving
            {
                tokio::time::sleep(serving.decode(*tokens)).await;
            }
            match step {
                Step::Send { bytes, tokens } => return Some(Ok(self.begin(bytes, tokens, false))),
                Step::Last { bytes, tokens } => return Some(Ok(self.begin(bytes, tokens, true))),
                Step::Wait(time) => tokio::time::sleep(time).await,
                Step::Hang => tokio::time::sleep(NEVER).await,
                Step::Cut => {
                    tokio::time::sleep(FLUSH).await;
                    self.call.finish(Outcome::Cut);
                    return Some(Err(Dropped));
                }
                Step::EndCut => {
                    self.call.finish(Outcome::Cut);
                    return None;
                }
            }
        }
    }

    fn begin(&mut self, bytes: Bytes, tokens: u64, last: bool) -> Frame<Bytes> {
        if tokens > 0 {
            self.call.note(|served| served.output += tokens);
        }
        self.pending = bytes;
        self.pending_is_last = last;
        self.piece()
    }

    fn piece(&mut self) -> Frame<Bytes> {
        let len = if self.drip == 0 { self.pending.len() } else { self.drip };
        let piece = self.pending.split_to(len.min(self.pending.len()));
        if self.pending.is_empty() && self.pending_is_last {
            self.call.finish(Outcome::Completed);
        }
        Frame::data(piece)
    }
}

/// A response with the simulator's name on it.
pub(crate) fn response(
    status: StatusCode,
    content_type: &'static str,
    body: Body,
) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert("x-simulator", header::HeaderValue::from_static(crate::NAME));
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    response
}

/// A whole body that is nobody's model call.
pub(crate) fn whole(
    status: StatusCode,
    content_type: &'static str,
    text: String,
) -> Response<Body> {
    let body = Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed_unsync();
    response(status, content_type, body)
}

pub(crate) fn json(status: StatusCode, value: &impl serde::Serialize) -> Response<Body> {
    match serde_json::to_string(value) {
        Ok(text) => whole(status, "application/json", text),
        Err(error) => {
            whole(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", format!("not JSON: {error}"))
        }
    }
}
