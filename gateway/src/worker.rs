//! What the rooms stand on: the gateway, shared by all threads, and one worker a thread.

use crate::background::Tools;
use crate::chance::Chance;
use crate::own::Control;
use crate::provider::Targets;
use crate::snapshot::{Reader, Snapshot};
use contract::key::KeyPepper;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::task::TaskTracker;

/// Sizes and times that nothing may pass.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// Bytes of a request's body.
    pub body_bytes_max: usize,
    /// Bytes of a whole answer.
    pub answer_bytes_max: usize,
    /// Bytes of one event of a stream.
    pub event_bytes_max: usize,
    /// Calls at once on one worker; more are shed.
    pub in_flight_max: usize,
    /// Attempts upstream for one call.
    pub attempts_max: u16,
    /// Connections kept for reuse, for each worker and address.
    pub idle_connections_max: usize,
    /// A request's head must be there by then; also how long an idle caller stays connected.
    pub head_timeout: Duration,
    /// Silence while a request's body arrives.
    pub body_timeout: Duration,
    /// A caller may leave what it is sent untaken for so long.
    pub stall_timeout: Duration,
    pub connect_timeout: Duration,
    /// From sending a call to the end of a whole answer, while another place is left to try.
    pub answer_timeout: Duration,
    /// From sending a streamed call to its first content.
    pub first_content_timeout: Duration,
    /// Silence within a stream.
    pub stream_idle_timeout: Duration,
    /// All attempts of a call up to its answer, or up to a stream's first content.
    pub call_timeout: Duration,
    /// How long a stream is read on that its caller left.
    pub abandoned_stream_timeout: Duration,
    /// Streams of one worker that are read on without their callers; more are dropped.
    pub abandoned_streams_max: usize,
    /// Copies of calls of one worker that run at once; more are not made.
    pub shadows_max: usize,
    /// The longest wait before another attempt at the same place.
    pub retry_wait_max: Duration,
    /// What is still running this long after the drain began is cut.
    pub drain_timeout: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            body_bytes_max: 32 * 1024 * 1024,
            answer_bytes_max: 64 * 1024 * 1024,
            event_bytes_max: 8 * 1024 * 1024,
            in_flight_max: 4_096,
            attempts_max: 3,
            idle_connections_max: 512,
            head_timeout: Duration::from_secs(60),
            body_timeout: Duration::from_secs(30),
            stall_timeout: Duration::from_secs(60),
            connect_timeout: Duration::from_secs(5),
            answer_timeout: Duration::from_secs(300),
            first_content_timeout: Duration::from_secs(120),
            stream_idle_timeout: Duration::from_secs(120),
            call_timeout: Duration::from_secs(600),
            abandoned_stream_timeout: Duration::from_secs(30),
            abandoned_streams_max: 256,
            shadows_max: 32,
            retry_wait_max: Duration::from_secs(5),
            drain_timeout: Duration::from_secs(25),
        }
    }
}

/// Shared by all threads.
#[derive(Debug)]
pub struct Gateway {
    pub tools: Tools,
    pub bounds: Bounds,
    /// Under which key secrets are hashed.
    pub pepper: KeyPepper,
    /// The TLS of upstream connections.
    pub tls: Arc<rustls::ClientConfig>,
    /// Who tells a key of its own use, if anybody does.
    pub control: Option<Control>,
}

/// One thread's own: nothing in it is shared, so nothing in it is locked.
#[derive(Debug)]
pub struct Worker {
    pub gateway: Arc<Gateway>,
    pub targets: Targets,
    pub chance: Chance,
    /// Calls that go on although their caller left.
    pub tasks: TaskTracker,
    reader: RefCell<Reader>,
    in_flight: Cell<usize>,
    draining: Cell<usize>,
    shadows: Cell<usize>,
    over: Cell<bool>,
}

impl Worker {
    #[must_use]
    pub fn new(gateway: Arc<Gateway>, chance: Chance) -> Self {
        Self {
            targets: Targets::new(Arc::clone(&gateway.tls), gateway.bounds.idle_connections_max),
            reader: RefCell::new(gateway.tools.snapshot.reader()),
            chance,
            tasks: TaskTracker::new(),
            in_flight: Cell::new(0),
            draining: Cell::new(0),
            shadows: Cell::new(0),
            over: Cell::new(false),
            gateway,
        }
    }

    /// The snapshot that one call is decided with, from its beginning to its end.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(self.reader.borrow_mut().current())
    }

    /// Counts a call in, unless too many run already.
    pub fn enter(self: &Rc<Self>) -> Option<InFlight> {
        let running = self.in_flight.get();
        (running < self.gateway.bounds.in_flight_max).then(|| {
            self.in_flight.set(running + 1);
            self.gateway.tools.telemetry.in_flight(1);
            InFlight(Rc::clone(self))
        })
    }

    /// Ends the time in which a call may go on without its caller: the thread is about to end.
    pub fn set_over(&self) {
        self.over.set(true);
    }

    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over.get()
    }

    /// A place for a stream that goes on without its caller, unless there are too many of them or
    /// the thread is about to end.
    pub fn draining(self: &Rc<Self>) -> Option<Draining> {
        let running = self.draining.get();
        (running < self.gateway.bounds.abandoned_streams_max && !self.is_over()).then(|| {
            self.draining.set(running + 1);
            Draining(Rc::clone(self))
        })
    }

    /// A place for a copy of a call, unless there are too many of them or the gateway drains.
    pub fn shadowing(self: &Rc<Self>) -> Option<Shadowing> {
        let running = self.shadows.get();
        let drains = self.gateway.tools.is_draining() || self.tasks.is_closed();
        let may = running < self.gateway.bounds.shadows_max && !drains;
        may.then(|| {
            self.shadows.set(running + 1);
            Shadowing(Rc::clone(self))
        })
    }

    /// Calls that run now.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.get()
    }
}

/// A call that runs; counted out when dropped.
#[derive(Debug)]
pub struct InFlight(Rc<Worker>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.set(self.0.in_flight.get().saturating_sub(1));
        self.0.gateway.tools.telemetry.in_flight(-1);
    }
}

/// A copy of a call that runs.
#[derive(Debug)]
pub struct Shadowing(Rc<Worker>);

impl Drop for Shadowing {
    fn drop(&mut self) {
        self.0.shadows.set(self.0.shadows.get().saturating_sub(1));
    }
}

/// A stream that goes on without its caller.
#[derive(Debug)]
pub struct Draining(Rc<Worker>);

impl Drop for Draining {
    fn drop(&mut self) {
        self.0.draining.set(self.0.draining.get().saturating_sub(1));
    }
}
