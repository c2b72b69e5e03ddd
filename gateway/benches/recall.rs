//! What an answer out of the cache takes: `cargo bench -p gateway --bench recall`. A whole gateway
//! with a Redis and a simulator of its own is called over one connection; what is told is from the
//! first byte sent to the last byte read, the way through the kernel included, beside the same of a
//! call that is refused at the door. Fails above the bar.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    dead_code,
    unused_imports,
    reason = "a program for the developer's terminal, with the helpers of the tests"
)]

#[path = "../tests/serve/support/mod.rs"]
mod support;

use contract::seal::BlobSeal;
use contract::snapshot::{CacheExact, CachePolicy};
use gateway::recall::Vector;
use std::hint::black_box;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use support::{Stack, chat};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The bar: half of the calls take less in the gateway.
const BAR: Duration = Duration::from_micros(150);
const CALLS: usize = 5_000;

/// One connection, which is kept.
struct Line {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Line {
    fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, read: vec![0; 1 << 16] }
    }

    /// Sends a request and reads the answer, which tells its length; how long that took, and the
    /// answer.
    fn call(&mut self, request: &[u8]) -> (Duration, String) {
        let started = Instant::now();
        self.stream.write_all(request).unwrap();
        let mut have = 0;
        loop {
            have += self.stream.read(&mut self.read[have..]).unwrap();
            let text = std::str::from_utf8(&self.read[..have]).unwrap();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.expect("a length").parse().unwrap() {
                return (started.elapsed(), text.to_owned());
            }
        }
    }

    fn median(&mut self, what: &str, request: &[u8], holds: &str) -> Duration {
        let mut times: Vec<_> = (0..CALLS)
            .map(|_| {
                let (took, answer) = self.call(request);
                assert!(answer.contains(holds), "{answer}");
                took
            })
            .collect();
        times.sort_unstable();
        let (p50, p99) = (times[CALLS / 2], times[CALLS * 99 / 100]);
        println!("{what:<28} p50 {p50:>9.1?}  p99 {p99:>9.1?}");
        p50
    }
}

/// What sealing an answer and comparing a question take, in this thread.
fn costs() {
    let each = |what: &str, work: &mut dyn FnMut()| {
        let started = Instant::now();
        (0..1_000).for_each(|_| work());
        println!("{what:<28} {:>13.1?}", started.elapsed() / 1_000);
    };
    let seal = BlobSeal::new(&support::master(), "kept").of(b"org");
    let answer = vec![b'x'; 4_096];
    let sealed = seal.seal(b"at", &answer).unwrap();
    each("seal 4 KiB", &mut || drop(black_box(seal.seal(b"at", &answer).unwrap())));
    each("open 4 KiB", &mut || drop(black_box(seal.open(b"at", &sealed).unwrap())));
    let vector = |seed: usize| {
        let numbers =
            (0..1_536).map(|n| f64::from(u16::try_from((n * 31 + seed * 17) % 997).unwrap()));
        Vector::of(&numbers.map(|n| n - 498.0).collect::<Vec<_>>()).unwrap()
    };
    let known: Vec<_> = (0..1_000).map(vector).collect();
    let asked = vector(7);
    each("compare with 1,000 questions", &mut || {
        black_box(known.iter().map(|one| one.alike(&asked)).max());
    });
}

fn main() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let stack = runtime.block_on(Stack::of(|world| {
        world.plan.cache = CachePolicy { exact: CacheExact::All, ..CachePolicy::default() };
    }));
    let body = chat("tokens=200").to_string();
    let request = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            stack.world.key_text,
            body.len()
        )
        .into_bytes()
    };
    let (hit, refused) = (request("/v1/chat/completions"), request("/nowhere"));
    let mut line = Line::open(stack.address);
    let (_, first) = line.call(&hit);
    assert!(first.contains("x-tollgate-cache: miss"), "{first}");
    let door = line.median("refused at the door", &refused, "route.unknown");
    let kept = line.median("answered from the cache", &hit, "x-tollgate-cache: hit");
    costs();
    println!("in the gateway, by the difference: {:.1?}", kept.saturating_sub(door));
    assert_eq!(stack.sim.stats().calls, 1, "no provider was asked again");
    assert!(kept < BAR, "the bar is {BAR:?}, the way through the kernel included");
}
