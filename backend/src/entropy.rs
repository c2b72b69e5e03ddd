//! The one source of randomness: a CSPRNG that the system's own seeds and reseeds.

use contract::Timestamp;
use contract::id::IdEntropy;
use rand::Rng as _;

/// Fills `bytes`. Fit for secrets.
pub fn fill(bytes: &mut [u8]) {
    rand::rng().fill(bytes);
}

/// `N` random bytes.
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut out = [0; N];
    fill(&mut out);
    out
}

/// A new identifier: `entropy::id(TeamId::new, now)`.
pub fn id<T>(make: fn(Timestamp, &IdEntropy) -> T, at: Timestamp) -> T {
    make(at, &bytes())
}
