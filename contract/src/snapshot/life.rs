//! The life of a model: its versions, where its name leads, and how it ends. Gateways switch by
//! the instants in here, so nothing has to be published at one of them.

use super::{Lifecycle, ModelRecord};
use crate::Timestamp;
use crate::id::{AliasId, BrownOutId, ModelId};
use serde::{Deserialize, Serialize};

/// Names that a call follows at most until it is at a model.
pub const LEADS_MAX: usize = 8;

/// What parts a model's name from the label of one of its versions: `support@2026-03`.
pub const PIN: char = '@';

/// What a model is beside its state.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Life {
    /// Since when it is deprecated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deprecated_at: Option<Timestamp>,
    /// Until when a deprecated model answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sunset_at: Option<Timestamp>,
    /// What callers are told to use instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub successor_id: Option<ModelId>,
    /// Where calls of its name go; absent: to its deployments that are of no version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead: Option<Lead>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<CutOver>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<VersionLife>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub brown_outs: Vec<BrownOut>,
}

impl Life {
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Where a name leads.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lead {
    Model {
        id: ModelId,
        /// The label of one of its versions; absent: as its own name leads, and of the model
        /// itself to its deployments that are of no version.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<String>,
    },
    Alias {
        id: AliasId,
    },
}

/// A name leads elsewhere from an instant on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutOver {
    pub at: Timestamp,
    pub lead: Lead,
}

/// Where a name leads at `now`, by what it has and what is to come.
fn lead_at<'a>(
    lead: Option<&'a Lead>,
    next: Option<&'a CutOver>,
    now: Timestamp,
) -> Option<&'a Lead> {
    next.filter(|next| next.at <= now).map(|next| &next.lead).or(lead)
}

/// A version of a model, whose deployments answer calls that name it, or all calls of the model
/// while its name leads to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionLife {
    /// 1 to 40 of `a-z 0-9 . _ -`.
    pub label: String,
    pub state: Lifecycle,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sunset_at: Option<Timestamp>,
}

impl VersionLife {
    /// Its state at `now`: what is deprecated is retired once its time is over.
    #[must_use]
    pub fn state_at(&self, now: Timestamp) -> Lifecycle {
        state_at(self.state, self.sunset_at, now)
    }
}

fn state_at(state: Lifecycle, sunset_at: Option<Timestamp>, now: Timestamp) -> Lifecycle {
    match state {
        Lifecycle::Deprecated if sunset_at.is_some_and(|at| at <= now) => Lifecycle::Retired,
        state => state,
    }
}

impl ModelRecord {
    /// Its state at `now`: what is deprecated is retired once its time is over.
    #[must_use]
    pub fn state_at(&self, now: Timestamp) -> Lifecycle {
        state_at(self.state, self.life.sunset_at, now)
    }

    /// Where calls of its name go at `now`; nothing: to its deployments that are of no version.
    #[must_use]
    pub fn lead_at(&self, now: Timestamp) -> Option<&Lead> {
        lead_at(self.life.lead.as_ref(), self.life.next.as_ref(), now)
    }

    /// The brown-out that a deprecated model is in at `now`.
    #[must_use]
    pub fn brown_out_at(&self, now: Timestamp) -> Option<&BrownOut> {
        let is_due = self.state_at(now) == Lifecycle::Deprecated;
        self.life.brown_outs.iter().filter(|_| is_due).find(|one| one.is_at(now))
    }
}

/// Another name for a model, or for another alias.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasRecord {
    pub id: AliasId,
    /// What callers send; no model has it.
    pub name: String,
    pub lead: Lead,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<CutOver>,
    pub created_at: Timestamp,
}

impl AliasRecord {
    /// Where it leads at `now`.
    #[must_use]
    pub fn lead_at(&self, now: Timestamp) -> &Lead {
        lead_at(Some(&self.lead), self.next.as_ref(), now).unwrap_or(&self.lead)
    }
}

/// A while in which a share of the calls of a deprecated model is refused, so that those who did
/// not read that it goes away notice before it is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrownOut {
    pub id: BrownOutId,
    pub from: Timestamp,
    pub until: Timestamp,
    /// 1 to 100.
    pub percent: u8,
    pub answer: BrownOutAnswer,
}

impl BrownOut {
    #[must_use]
    pub fn is_at(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }

    /// Whether it refuses a call; of one call it always says the same.
    #[cfg(feature = "crypto")]
    #[must_use]
    pub fn refuses(&self, call: crate::id::RequestId) -> bool {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.id.0.as_bytes()).update(call.0.as_bytes());
        let mut first = [0; 8];
        hasher.finalize_xof().fill(&mut first);
        u64::from_le_bytes(first) % 100 < self.percent.into()
    }
}

words! {
    /// What a call gets that a brown-out refuses.
    pub enum BrownOutAnswer {
        /// 503: programs try again, later.
        Unavailable = "unavailable",
        /// 410: programs give up, as they will have to.
        Gone = "gone",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn at(seconds: i64) -> Timestamp {
        chrono::DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    fn brown_out(percent: u8) -> BrownOut {
        let id = BrownOutId(Uuid::from_u128(7));
        BrownOut { id, from: at(0), until: at(60), percent, answer: BrownOutAnswer::Gone }
    }

    #[cfg(feature = "crypto")]
    #[test]
    fn a_brown_out_refuses_its_share_of_the_calls_and_a_call_always_or_never() {
        use crate::id::RequestId;
        for percent in [1_u8, 25, 50, 99, 100] {
            let one = brown_out(percent);
            let calls = (0..10_000_u128).map(|n| RequestId(Uuid::from_u128(n << 64 | n)));
            let refused = calls.filter(|call| one.refuses(*call)).count();
            let due = usize::from(percent) * 100;
            assert!(refused.abs_diff(due) <= 170, "{percent} %: {refused} of 10000");
            let call = RequestId(Uuid::from_u128(3));
            assert_eq!(one.refuses(call), one.refuses(call));
        }
        assert!((0..1_000_u128).all(|n| brown_out(100).refuses(RequestId(Uuid::from_u128(n)))));
    }

    #[test]
    fn a_window_has_its_beginning_and_not_its_end() {
        let one = brown_out(50);
        let seen = [-1, 0, 59, 60].map(|seconds| one.is_at(at(seconds)));
        assert_eq!(seen, [false, true, true, false]);
    }

    #[test]
    fn what_is_deprecated_is_retired_at_the_very_instant_of_its_sunset() {
        let state = |now| state_at(Lifecycle::Deprecated, Some(at(10)), at(now));
        assert_eq!([state(9), state(10)], [Lifecycle::Deprecated, Lifecycle::Retired]);
        assert_eq!(state_at(Lifecycle::Active, Some(at(10)), at(11)), Lifecycle::Active);
    }

    #[test]
    fn a_name_leads_elsewhere_from_the_instant_of_its_cut_over() {
        let to = |n| Lead::Model { id: ModelId(Uuid::from_u128(n)), version: None };
        let next = CutOver { at: at(10), lead: to(2) };
        let (before, after) = (to(1), to(2));
        assert_eq!(lead_at(Some(&before), Some(&next), at(9)), Some(&before));
        assert_eq!(lead_at(Some(&before), Some(&next), at(10)), Some(&after));
        assert_eq!(lead_at(None, Some(&next), at(9)), None);
    }
}
