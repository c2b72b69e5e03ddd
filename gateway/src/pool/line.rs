//! Who goes next of the calls that wait for a pool. Pure data. What must stay true: nobody waits for
//! ever, whatever the others do: classes below get a share, orgs of one class take turns by how
//! much they ask for, and who floods the line pushes out only itself.

use crate::fold::Folded;
use contract::id::OrgId;
use contract::snapshot::PRIORITY_MAX;
use std::collections::{BTreeMap, HashMap, VecDeque};

const CLASSES: usize = PRIORITY_MAX as usize + 1;
/// So many places in a row go to the most urgent class while another waits; the next one does not.
const TURNS: u32 = 7;
/// What an org may take in one turn; what one call costs, in tokens, is told by who puts it here.
const QUANTUM: u64 = 1_024;
/// The most that one call counts for.
const COST_MAX: u64 = 4 * QUANTUM;

/// Where a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    class: usize,
    org: OrgId,
    /// In which order they came.
    nth: u64,
    cost: u64,
}

#[derive(Debug)]
struct Waits<T> {
    cost: u64,
    item: T,
}

#[derive(Debug)]
struct Org<T> {
    calls: BTreeMap<u64, Waits<T>>,
    credit: u64,
}

#[derive(Debug)]
struct Class<T> {
    orgs: HashMap<OrgId, Org<T>, Folded>,
    /// Each org of the map once, the one whose turn it is first.
    ring: VecDeque<OrgId>,
    len: usize,
    /// Places that others got since this class last had one.
    passed: u32,
}

impl<T> Default for Class<T> {
    fn default() -> Self {
        Self { orgs: HashMap::default(), ring: VecDeque::new(), len: 0, passed: 0 }
    }
}

impl<T> Class<T> {
    fn put(&mut self, org: OrgId, nth: u64, waits: Waits<T>) {
        let Self { orgs, ring, len, .. } = self;
        let entry = orgs.entry(org).or_insert_with(|| {
            ring.push_back(org);
            Org { calls: BTreeMap::new(), credit: QUANTUM }
        });
        entry.calls.insert(nth, waits);
        *len += 1;
    }

    fn remove(&mut self, org: OrgId, nth: u64) -> Option<T> {
        let waits = self.orgs.get_mut(&org)?.calls.remove(&nth)?;
        self.taken();
        Some(waits.item)
    }

    fn taken(&mut self) {
        self.len = self.len.saturating_sub(1);
        if self.len == 0 {
            self.orgs.clear();
            self.ring.clear();
            self.passed = 0;
        }
    }

    /// Deficit round robin between the orgs.
    fn pop(&mut self) -> Option<(OrgId, u64, Waits<T>)> {
        while let Some(id) = self.ring.front().copied() {
            let Some(org) = self.orgs.get_mut(&id) else {
                self.ring.pop_front();
                continue;
            };
            let Some(first) = org.calls.first_entry() else {
                // All of its calls have left.
                self.orgs.remove(&id);
                self.ring.pop_front();
                continue;
            };
            let cost = first.get().cost;
            if org.credit < cost {
                org.credit += QUANTUM;
                self.ring.rotate_left(1);
                continue;
            }
            org.credit -= cost;
            let (nth, waits) = first.remove_entry();
            self.taken();
            return Some((id, nth, waits));
        }
        None
    }

    /// The org with most calls, and how many.
    fn largest(&self) -> Option<(OrgId, usize)> {
        let sizes = self.orgs.iter().map(|(id, org)| (*id, org.calls.len()));
        sizes.filter(|(_, calls)| *calls > 0).max_by_key(|(_, calls)| *calls)
    }

    fn newest_of(&mut self, org: OrgId) -> Option<T> {
        let (_, waits) = self.orgs.get_mut(&org)?.calls.pop_last()?;
        self.taken();
        Some(waits.item)
    }
}

/// The calls that wait.
#[derive(Debug)]
pub struct Line<T> {
    classes: [Class<T>; CLASSES],
    len: usize,
    nth: u64,
    /// Places in a row that went to the most urgent while others waited.
    in_a_row: u32,
}

impl<T> Default for Line<T> {
    fn default() -> Self {
        let classes = std::array::from_fn(|_| Class::default());
        Self { classes, len: 0, nth: 0, in_a_row: 0 }
    }
}

impl<T> Line<T> {
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Calls that wait in classes that are at least so urgent.
    #[must_use]
    pub fn ahead_of(&self, priority: u8) -> usize {
        self.classes.iter().skip(class(priority)).map(|class| class.len).sum()
    }

    /// Puts a call at the end of its org's.
    pub fn push(&mut self, priority: u8, org: OrgId, cost: u64, item: T) -> Place {
        let place =
            Place { class: class(priority), org, nth: self.nth, cost: cost.clamp(1, COST_MAX) };
        self.nth += 1;
        self.put(place, item);
        place
    }

    /// Puts a call that was just taken out back to where it was.
    pub fn put_back(&mut self, place: Place, item: T) {
        self.put(place, item);
        let org = self.classes.get_mut(place.class).and_then(|at| at.orgs.get_mut(&place.org));
        if let Some(org) = org {
            org.credit = org.credit.saturating_add(place.cost);
        }
    }

    fn put(&mut self, place: Place, item: T) {
        let Place { class, org, nth, cost } = place;
        if let Some(class) = self.classes.get_mut(class) {
            class.put(org, nth, Waits { cost, item });
            self.len += 1;
        }
    }

    /// Takes a call out that waits no more. `None`: it is not there.
    pub fn remove(&mut self, place: Place) -> Option<T> {
        let item = self.classes.get_mut(place.class)?.remove(place.org, place.nth)?;
        self.len -= 1;
        Some(item)
    }

    /// The call that goes next.
    pub fn pop(&mut self) -> Option<(Place, T)> {
        let top = self.classes.iter().rposition(|class| class.len > 0)?;
        let below = self.classes.iter().take(top).enumerate().filter(|(_, class)| class.len > 0);
        let longest = below.max_by_key(|(_, class)| class.passed).map(|(at, _)| at);
        let at = match longest {
            Some(below) if self.in_a_row >= TURNS => below,
            _ => top,
        };
        self.in_a_row = if at == top && longest.is_some() { self.in_a_row + 1 } else { 0 };
        for (other, class) in self.classes.iter_mut().enumerate() {
            class.passed =
                if other == at || class.len == 0 { 0 } else { class.passed.saturating_add(1) };
        }
        let (org, nth, waits) = self.classes.get_mut(at)?.pop()?;
        self.len -= 1;
        Some((Place { class: at, org, nth, cost: waits.cost }, waits.item))
    }

    /// Makes room for a call where the line is full: takes out the newest call of whoever has most
    /// in the least urgent class, unless that class is more urgent, or the same and nobody there has
    /// more than the newcomer's org.
    pub fn displace(&mut self, priority: u8, org: OrgId) -> Option<T> {
        let lowest = self.classes.iter().position(|class| class.len > 0)?;
        let mine = class(priority);
        let class = self.classes.get_mut(lowest).filter(|_| lowest <= mine)?;
        let (largest, calls) = class.largest()?;
        let own = class.orgs.get(&org).map_or(0, |org| org.calls.len());
        if lowest == mine && calls <= own + 1 {
            return None;
        }
        let item = class.newest_of(largest)?;
        self.len -= 1;
        Some(item)
    }
}

fn class(priority: u8) -> usize {
    usize::from(priority.min(PRIORITY_MAX))
}

#[cfg(test)]
mod tests;
