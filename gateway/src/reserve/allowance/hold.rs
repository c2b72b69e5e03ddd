//! What one call has of one allowance, from when it is taken until it is settled or dropped.

use super::Allowance;
use crate::reserve::lease::Moment;
use crate::reserve::window::Bounds;
use std::sync::Arc;

/// An amount taken from an allowance. Dropped without being settled, it goes back.
#[derive(Debug)]
pub(in crate::reserve) struct Hold {
    allowance: Arc<Allowance>,
    window: Bounds,
    amount: i64,
    /// What the same call holds of windows before.
    earlier: Option<Box<Self>>,
    settled: bool,
}

impl Hold {
    pub fn new(allowance: &Arc<Allowance>, window: Bounds, amount: i64) -> Self {
        let allowance = Arc::clone(allowance);
        Self { allowance, window, amount, earlier: None, settled: false }
    }

    pub fn allowance(&self) -> &Arc<Allowance> {
        &self.allowance
    }

    #[cfg(test)]
    pub fn window(&self) -> Bounds {
        self.window
    }

    #[cfg(test)]
    pub fn amount(&self) -> i64 {
        self.amount
    }

    /// Takes what there is now of `amount`; says how much that was.
    pub fn take_part(&mut self, amount: i64, now: Moment) -> i64 {
        let part = self.allowance.take_part(self.window, amount, now);
        self.grow(part);
        part
    }

    /// Adds what was taken for it in its window.
    pub fn grow(&mut self, by: i64) {
        self.amount = self.amount.saturating_add(by);
    }

    /// Gives back what it holds unless that is of `window`; says whether it still holds it.
    pub fn move_to(&mut self, window: Bounds) -> bool {
        let stays = self.window == window;
        if !stays {
            *self = self.allowance.hold_nothing(window);
        }
        stays
    }

    /// Takes over what another hold has of the same allowance.
    pub fn join(&mut self, mut other: Self) {
        if self.window == other.window {
            self.amount = self.amount.saturating_add(other.amount);
            other.amount = 0;
        } else {
            std::mem::swap(self, &mut other);
            self.earlier = Some(Box::new(other));
        }
    }

    /// The start of the window that it holds in, in epoch seconds.
    pub fn window_start(&self) -> i64 {
        self.window.0.div_euclid(1_000)
    }

    /// All that it holds.
    pub fn held(&self) -> i64 {
        self.amount.saturating_add(self.earlier.as_ref().map_or(0, |earlier| earlier.held()))
    }

    /// Keeps `used`, which may be more than it holds, and gives back the rest.
    pub fn settle(mut self, used: i64) {
        let mut used = used;
        if let Some(earlier) = self.earlier.take() {
            let part = used.min(earlier.held());
            used = used.saturating_sub(part);
            earlier.settle(part);
        }
        self.end(used);
    }

    fn end(&mut self, used: i64) {
        if !self.settled {
            self.settled = true;
            self.allowance.settle(self.window, self.amount, used);
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.end(0);
    }
}
