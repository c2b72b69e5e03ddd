//! Things that live as long as somebody holds them, found by their ids.

use crate::fold::Folded;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError, Weak};

#[derive(Debug)]
pub struct Kept<K, V>(Mutex<HashMap<K, Weak<V>, Folded>>);

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V> Kept<K, V> {
    /// The one of `id`, made where nobody holds one.
    pub fn of(&self, id: K, make: impl FnOnce() -> V) -> Arc<V> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = known.get(&id).and_then(Weak::upgrade) {
            return held;
        }
        if known.len() == known.capacity() {
            known.retain(|_, held| held.strong_count() > 0);
        }
        let made = Arc::new(make());
        known.insert(id, Arc::downgrade(&made));
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_the_same_while_it_is_held_and_forgotten_after() {
        let kept = Kept::<u8, u8>::default();
        let first = kept.of(1, || 10);
        assert_eq!(*kept.of(1, || 11), 10);
        drop(first);
        assert_eq!(*kept.of(1, || 12), 12);
        (0..=u8::MAX).for_each(|id| drop(kept.of(id, || id)));
        assert!(kept.0.lock().unwrap().len() < 128);
    }
}
