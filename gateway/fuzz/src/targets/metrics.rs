//! Pages of metrics: whoever writes them, and wherever reads cut them.

use crate::Knobs;
use contract::snapshot::ReplicaServer;
use dialect::metrics::{Nonsense, Page, Reading};

pub fn run(knobs: Knobs, text: &[u8]) {
    for server in ReplicaServer::ALL.iter().copied() {
        let whole = read(server, text, text.len().max(1));
        if let Ok(reading) = &whole {
            assert!(reading.kv_permille <= 1_000, "{server:?}: {reading:?}");
            assert!(reading.hit_permille.is_none_or(|hit| hit <= 1_000), "{server:?}: {reading:?}");
        }
        assert_eq!(read(server, text, 1 + knobs.pick(97)), whole, "{server:?}, cut");
    }
}

fn read(server: ReplicaServer, text: &[u8], piece: usize) -> Result<Reading, Nonsense> {
    let mut page = Page::of(server);
    for piece in text.chunks(piece) {
        page.take(piece);
    }
    page.end()
}
