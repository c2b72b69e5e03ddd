//! What a budget may be, how its raises add up, and how gateways know it.

use contract::Timestamp;
use contract::api::budgets::{BudgetAction, Raise};
use contract::error::FieldError;
use contract::id::{BudgetId, LimitId, ModelId, OrgId, RaiseId};
use contract::money::{NANOS_PER_USD, Nanos, Usd};
use contract::snapshot::{
    LimitKind, LimitRecord, LimitScope, Metric, Override, SpentBefore, Tag, Window, Zone,
};
use std::collections::BTreeSet;

/// A billion dollars: with its raises, what a budget may be at most.
pub const AMOUNT_MAX: i64 = 1_000_000_000 * NANOS_PER_USD;
/// Budgets of one org.
pub const BUDGETS_MAX: usize = 100;
/// Raises of one budget that are not over.
pub const RAISES_MAX: usize = 20;
const THRESHOLDS_DEFAULT: [u16; 3] = [50, 80, 100];
const THRESHOLDS_MAX: usize = 10;

/// A budget as it is stored, with its raises that are not over.
#[derive(Debug, Clone)]
pub struct Row {
    pub id: BudgetId,
    pub org_id: OrgId,
    pub name: String,
    pub scope: LimitScope,
    /// Empty: it is gone.
    pub scope_name: String,
    pub model_id: Option<ModelId>,
    pub model_name: Option<String>,
    pub tag: Option<Tag>,
    pub amount: i64,
    pub window: Window,
    pub zone: Zone,
    /// In percent, lowest first.
    pub thresholds: Vec<i16>,
    pub action: BudgetAction,
    pub downgrade_model_name: Option<String>,
    /// What the period that it was made in had cost before gateways knew of it.
    pub before: i64,
    pub made_version: i64,
    /// When thresholds were looked at last.
    pub checked_at: Option<Timestamp>,
    pub raises: Vec<RaiseRow>,
    pub created_at: Timestamp,
    pub version: i64,
}

#[derive(Debug, Clone)]
pub struct RaiseRow {
    pub id: RaiseId,
    pub add: i64,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    pub reason: String,
    pub created_by_name: String,
    pub created_at: Timestamp,
}

impl RaiseRow {
    #[must_use]
    pub fn shown(&self) -> Raise {
        Raise {
            id: self.id,
            add_usd: Usd(Nanos(self.add)),
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            reason: self.reason.clone(),
            created_by_name: self.created_by_name.clone(),
            created_at: self.created_at,
        }
    }
}

impl Row {
    /// The period that holds `at`: from when, and when the next begins.
    #[must_use]
    pub fn period(&self, at: Timestamp) -> (Timestamp, Timestamp) {
        let (from, until) = self.window.bounds(self.zone, at);
        let instant =
            |seconds, otherwise| Timestamp::from_timestamp(seconds, 0).unwrap_or(otherwise);
        (instant(from, Timestamp::MIN_UTC), instant(until, Timestamp::MAX_UTC))
    }

    /// What may be spent under the raises in force at `at`.
    #[must_use]
    pub fn limit_at(&self, at: Timestamp) -> i64 {
        let in_force =
            self.raises.iter().filter(|raise| raise.starts_at <= at && at < raise.ends_at);
        in_force.fold(self.amount, |sum, raise| sum.saturating_add(raise.add))
    }

    /// The amount and all raises that are not over, whether they overlap or not.
    #[must_use]
    pub fn most(&self) -> i64 {
        self.raises.iter().fold(self.amount, |sum, raise| sum.saturating_add(raise.add))
    }

    /// Raises may overlap and add up; each span between two of their edges is one other maximum.
    fn overrides(&self) -> Vec<Override> {
        let edges: BTreeSet<Timestamp> =
            self.raises.iter().flat_map(|raise| [raise.starts_at, raise.ends_at]).collect();
        let edges: Vec<Timestamp> = edges.into_iter().collect();
        let spans = edges.iter().zip(edges.iter().skip(1));
        spans
            .map(|(from, until)| Override { max: self.limit_at(*from), from: *from, until: *until })
            .filter(|span| span.max != self.amount)
            .collect()
    }

    /// The limit that gateways enforce; `None` where nothing is to be enforced.
    #[must_use]
    pub fn record(&self) -> Option<LimitRecord> {
        if self.action == BudgetAction::Alert {
            return None;
        }
        let limit = (Metric::Money, self.window, self.amount);
        let (_, until) = self.period(self.created_at);
        Some(LimitRecord {
            zone: self.zone,
            model_id: self.model_id,
            tag: self.tag.clone(),
            overrides: self.overrides(),
            kind: LimitKind::Budget,
            at_limit: self.action.at_limit(),
            name: Some(self.name.clone()),
            spent_before: (self.before > 0).then_some(SpentBefore { amount: self.before, until }),
            ..LimitRecord::new(limit_id(self.id), Some(self.org_id), self.scope, limit)
        })
    }
}

/// The limit that a budget is to gateways.
#[must_use]
pub const fn limit_id(budget: BudgetId) -> LimitId {
    LimitId(budget.0)
}

/// # Errors
/// Negative, or more than a billion dollars.
pub fn amount(pointer: &str, usd: Usd) -> Result<i64, FieldError> {
    match usd.0.0 {
        nanos if nanos < 0 => Err(FieldError::new(pointer, "Use 0 dollars or more.")),
        nanos if nanos > AMOUNT_MAX => Err(too_much(pointer)),
        nanos => Ok(nanos),
    }
}

#[must_use]
pub fn too_much(pointer: &str) -> FieldError {
    FieldError::new(pointer, "A budget with its raises is at most 1000000000 dollars.")
}

/// Sorted, each once.
///
/// # Errors
/// Out of range, or too many.
pub fn thresholds(asked: Option<&[u16]>) -> Result<Vec<i16>, FieldError> {
    let asked: BTreeSet<u16> = asked.unwrap_or(&THRESHOLDS_DEFAULT).iter().copied().collect();
    if asked.len() > THRESHOLDS_MAX {
        return Err(FieldError::new("/thresholds", "Use at most 10 thresholds."));
    }
    let percents = asked.into_iter().map(|percent| {
        let fits = i16::try_from(percent).ok().filter(|percent| (1..=200).contains(percent));
        fits.ok_or_else(|| FieldError::new("/thresholds", "Use whole percents from 1 to 200."))
    });
    percents.collect()
}

/// # Errors
/// Not a period of the calendar.
pub fn window(window: Window) -> Result<(), FieldError> {
    if window.is_of_calendar() {
        return Ok(());
    }
    Err(FieldError::new("/window", "Use day, week, month, quarter or year."))
}

/// # Errors
/// The part to let through is not between 1 and 99 percent.
pub fn action(action: BudgetAction) -> Result<(), FieldError> {
    match action {
        BudgetAction::Throttle { percent } if !(1..=99).contains(&percent) => {
            Err(FieldError::new("/action/percent", "Use 1 to 99 percent."))
        }
        _ => Ok(()),
    }
}

/// Whether so much spent reaches `percent` of a limit. Nothing spent reaches nothing.
#[must_use]
pub fn reaches(spent: i64, percent: i16, limit: i64) -> bool {
    spent > 0 && i128::from(spent) * 100 >= i128::from(limit) * i128::from(percent)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use contract::snapshot::AtLimit;
    use uuid::Uuid;

    pub(in crate::budgets) fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// A hundred dollars a month for an org, in Berlin.
    pub(in crate::budgets) fn row(n: u128) -> Row {
        let org_id = OrgId(Uuid::from_u128(1));
        Row {
            id: BudgetId(Uuid::from_u128(n)),
            org_id,
            name: format!("Budget {n}"),
            scope: LimitScope::Org(org_id),
            scope_name: "Acme".into(),
            model_id: None,
            model_name: None,
            tag: None,
            amount: 100 * NANOS_PER_USD,
            window: Window::Month,
            zone: "Europe/Berlin".parse().unwrap(),
            thresholds: vec![50, 80, 100],
            action: BudgetAction::Deny,
            downgrade_model_name: None,
            before: 0,
            made_version: 1,
            checked_at: None,
            raises: Vec::new(),
            created_at: at("2026-03-01T12:00:00Z"),
            version: 1,
        }
    }

    fn raise(dollars: i64, starts_at: &str, ends_at: &str) -> RaiseRow {
        RaiseRow {
            id: RaiseId(Uuid::nil()),
            add: dollars * NANOS_PER_USD,
            starts_at: at(starts_at),
            ends_at: at(ends_at),
            reason: "launch".into(),
            created_by_name: "Ada".into(),
            created_at: at(starts_at),
        }
    }

    #[test]
    fn a_period_begins_at_local_midnight_also_when_the_clocks_change_in_it() {
        let (from, until) = row(1).period(at("2026-03-31T21:59:59Z"));
        assert_eq!((from, until), (at("2026-02-28T23:00:00Z"), at("2026-03-31T22:00:00Z")));
        assert_eq!(row(1).period(until).0, until);
    }

    #[test]
    fn raises_that_overlap_add_up_and_end_by_themselves() {
        let raises = vec![
            raise(50, "2026-03-10T00:00:00Z", "2026-03-20T00:00:00Z"),
            raise(7, "2026-03-15T00:00:00Z", "2026-03-25T00:00:00Z"),
        ];
        let raised = Row { raises, ..row(1) };
        let dollars =
            |day: &str| raised.limit_at(at(&format!("2026-03-{day}T00:00:00Z"))) / NANOS_PER_USD;
        assert_eq!(["09", "10", "15", "20", "25"].map(dollars), [100, 150, 157, 107, 100]);
        let record = raised.record().unwrap();
        for day in 1..=30 {
            let now = at(&format!("2026-03-{day:02}T00:00:00Z"));
            assert_eq!(record.max_at(now).0, raised.limit_at(now), "{day}");
        }
        assert!(record.overrides.windows(2).all(|two| two[0].until <= two[1].from));
    }

    #[test]
    fn gateways_are_told_what_a_budget_stops_and_not_what_only_alerts() {
        let alert = Row { action: BudgetAction::Alert, ..row(1) };
        assert_eq!(alert.record(), None);
        let record = Row { before: 5, ..row(1) }.record().unwrap();
        assert_eq!((record.kind, record.at_limit), (LimitKind::Budget, AtLimit::Deny));
        assert_eq!(record.id, limit_id(row(1).id));
        let (march, april) = (at("2026-03-31T21:59:59Z"), at("2026-03-31T22:00:00Z"));
        assert_eq!(record.max_at(march).0, 100 * NANOS_PER_USD - 5);
        assert_eq!(record.max_at(april).0, 100 * NANOS_PER_USD);
    }

    #[test]
    fn a_threshold_is_reached_at_exactly_its_percent_and_never_by_nothing() {
        assert!(reaches(50, 50, 100) && !reaches(49, 50, 100));
        assert!(!reaches(0, 100, 0) && reaches(1, 100, 0));
        assert!(reaches(i64::MAX, 200, i64::MAX / 2) && !reaches(1, 1, i64::MAX));
    }

    #[test]
    fn amounts_and_thresholds_that_cannot_be_are_refused_at_their_field() {
        let usd = |text: &str| text.parse::<Usd>().unwrap();
        assert_eq!(amount("/amount_usd", usd("0")), Ok(0));
        assert_eq!(amount("/amount_usd", usd("1000000000")), Ok(AMOUNT_MAX));
        assert!(amount("/amount_usd", usd("1000000000.000000001")).is_err());
        assert_eq!(amount("/amount_usd", usd("-0.01")).unwrap_err().pointer, "/amount_usd");
        assert_eq!(thresholds(None), Ok(vec![50, 80, 100]));
        assert_eq!(thresholds(Some(&[80, 10, 80])), Ok(vec![10, 80]));
        assert_eq!(thresholds(Some(&[])), Ok(vec![]));
        for wrong in [vec![0], vec![201], vec![u16::MAX], (1..=11).collect()] {
            assert_eq!(thresholds(Some(&wrong)).unwrap_err().pointer, "/thresholds");
        }
        assert!(window(Window::Hour).is_err() && window(Window::Lifetime).is_err());
        assert!(action(BudgetAction::Throttle { percent: 0 }).is_err());
        assert!(action(BudgetAction::Throttle { percent: 100 }).is_err());
    }
}
