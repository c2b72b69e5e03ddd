//! Budgets that contradict each other, and those that can never do what they say. Nothing of it
//! is refused: a budget may be meant for later, when another one is lifted.

use super::model::Row;
use contract::api::budgets::{BudgetAction, BudgetConflict, BudgetWarning};
use contract::money::{Nanos, Usd};
use contract::snapshot::{LimitScope, Window};
use std::collections::HashMap;
use uuid::Uuid;

/// Which team an app is in, and which app a key is of.
#[derive(Debug, Default)]
pub(super) struct Family {
    pub team_of_app: HashMap<Uuid, Uuid>,
    pub app_of_key: HashMap<Uuid, Uuid>,
}

impl Family {
    /// The scopes that hold `scope`, itself first.
    fn upwards(&self, scope: LimitScope) -> Vec<Uuid> {
        let mut holders = Vec::new();
        let mut app = None;
        match scope {
            LimitScope::Key(key) => {
                holders.push(key.0);
                app = self.app_of_key.get(&key.0).copied();
            }
            LimitScope::App(id) => app = Some(id.0),
            LimitScope::Team(team) => holders.push(team.0),
            LimitScope::Org(_) | LimitScope::Plan(_) => {}
        }
        holders.extend(app);
        holders.extend(app.and_then(|app| self.team_of_app.get(&app)));
        holders
    }

    /// Whether every call that `inner` counts counts for `outer` too.
    fn covers(&self, outer: &Row, inner: &Row) -> bool {
        let holds = match outer.scope {
            LimitScope::Org(_) => true,
            LimitScope::Team(id) => self.upwards(inner.scope).contains(&id.0),
            LimitScope::App(id) => self.upwards(inner.scope).contains(&id.0),
            LimitScope::Key(id) => self.upwards(inner.scope).contains(&id.0),
            LimitScope::Plan(_) => inner.scope == outer.scope,
        };
        holds
            && (outer.model_id.is_none() || outer.model_id == inner.model_id)
            && (outer.tag.is_none() || outer.tag == inner.tag)
    }
}

/// Whole or broken periods of `short` that one of `long` can touch, at most. Calendars of two
/// zones are a day apart, so one more.
const fn touched(short: Window, long: Window, same_zone: bool) -> i128 {
    let count = match (short, long) {
        (Window::Day, Window::Week) => 7,
        (Window::Day, Window::Month) => 31,
        (Window::Day, Window::Quarter) => 92,
        (Window::Day, Window::Year) => 366,
        (Window::Week, Window::Month) => 6,
        (Window::Week, Window::Quarter) => 15,
        (Window::Week, Window::Year) => 54,
        (Window::Month, Window::Quarter) => 3,
        (Window::Month, Window::Year) => 12,
        (Window::Quarter, Window::Year) => 4,
        // A week may lie in two of any that is longer.
        (Window::Month | Window::Quarter | Window::Year, Window::Week) => 2,
        _ => 1,
    };
    if same_zone { count } else { count + 1 }
}

/// What the calls of a budget can cost in one of its periods; `None`: anything.
fn most(row: &Row) -> Option<i128> {
    let amount = i128::from(row.most());
    match row.action {
        BudgetAction::Deny => Some(amount),
        BudgetAction::Throttle { percent } => Some(amount * (100 + i128::from(percent)) / 100),
        BudgetAction::Alert | BudgetAction::Downgrade { .. } => None,
    }
}

/// What is odd about `row` beside the org's `others` (which may hold it too).
pub(super) fn warnings(row: &Row, others: &[Row], family: &Family) -> Vec<BudgetWarning> {
    let mut found = alone(row);
    for other in others.iter().filter(|other| other.id != row.id) {
        found.extend(against(row, other, family));
    }
    found
}

fn alone(row: &Row) -> Vec<BudgetWarning> {
    let mut found = Vec::new();
    if row.scope_name.is_empty() {
        found.push(BudgetWarning {
            kind: BudgetConflict::ScopeGone,
            budget_id: None,
            detail: "What this budget is on is gone, so nothing counts towards it.".into(),
        });
    }
    let highest = i128::from(row.thresholds.last().copied().unwrap_or(0));
    let reach = match row.action {
        BudgetAction::Deny => 100,
        BudgetAction::Throttle { percent } => 100 + i128::from(percent),
        BudgetAction::Alert | BudgetAction::Downgrade { .. } => i128::MAX,
    };
    if highest > reach {
        found.push(BudgetWarning {
            kind: BudgetConflict::ThresholdNeverReached,
            budget_id: None,
            detail: format!(
                "The threshold of {highest} % is not reached: calls stop at {reach} % of the budget."
            ),
        });
    }
    found
}

fn against(row: &Row, other: &Row, family: &Family) -> Option<BudgetWarning> {
    let warn = |kind, detail| Some(BudgetWarning { kind, budget_id: Some(other.id), detail });
    let name = &other.name;
    if let (
        BudgetAction::Downgrade { model_id: ours },
        BudgetAction::Downgrade { model_id: theirs },
    ) = (row.action, other.action)
        && other.model_id == Some(ours)
        && row.model_id == Some(theirs)
    {
        return warn(
            BudgetConflict::Circle,
            format!(
                "“{name}” sends calls of this budget's cheaper model back. A call is sent on once; \
                 when both are used up, it is refused."
            ),
        );
    }
    if !family.covers(other, row) {
        return None;
    }
    let times = touched(other.window, row.window, other.zone == row.zone);
    let bound = most(other)?.saturating_mul(times);
    let amount = i128::from(row.amount);
    let shown = Usd(Nanos(i64::try_from(bound).unwrap_or(i64::MAX)));
    if bound < amount {
        return warn(
            BudgetConflict::NeverReached,
            format!(
                "“{name}” lets calls cost {shown} USD at most in a {} of this budget, so this one \
                 is never used up.",
                row.window.as_str()
            ),
        );
    }
    if bound == amount && other.action.rank() > row.action.rank() {
        return warn(
            BudgetConflict::Outranked,
            format!(
                "“{name}” is used up at the same amount, and {} goes before {}.",
                other.action.as_str(),
                row.action.as_str()
            ),
        );
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budgets::model::tests::row;
    use contract::id::{AppId, KeyId, ModelId, TeamId};
    use contract::money::NANOS_PER_USD;

    const TEAM: Uuid = Uuid::from_u128(20);
    const APP: Uuid = Uuid::from_u128(30);
    const KEY: Uuid = Uuid::from_u128(40);

    fn family() -> Family {
        Family { team_of_app: [(APP, TEAM)].into(), app_of_key: [(KEY, APP)].into() }
    }

    fn of(n: u128, dollars: i64, change: impl FnOnce(&mut Row)) -> Row {
        let mut made = Row { amount: dollars * NANOS_PER_USD, ..row(n) };
        change(&mut made);
        made
    }

    fn kinds(row: &Row, others: &[Row]) -> Vec<BudgetConflict> {
        warnings(row, others, &family()).into_iter().map(|warning| warning.kind).collect()
    }

    #[test]
    fn a_budget_above_one_that_holds_it_is_never_used_up() {
        let org = of(1, 100, |_| ());
        let key = of(2, 101, |row| row.scope = LimitScope::Key(KeyId(KEY)));
        assert_eq!(kinds(&key, std::slice::from_ref(&org)), [BudgetConflict::NeverReached]);
        assert_eq!(kinds(&org, std::slice::from_ref(&key)), []);
        let team = of(3, 100, |row| row.scope = LimitScope::Team(TeamId(TEAM)));
        assert_eq!(kinds(&key, std::slice::from_ref(&team)), [BudgetConflict::NeverReached]);
        let elsewhere = of(4, 100, |row| row.scope = LimitScope::App(AppId(Uuid::nil())));
        assert_eq!(kinds(&key, &[elsewhere]), []);
        let on_a_model = of(5, 1, |row| row.model_id = Some(ModelId(Uuid::nil())));
        assert_eq!(kinds(&key, &[on_a_model]), []);
        let only_told = of(6, 1, |row| row.action = BudgetAction::Alert);
        assert_eq!(kinds(&key, &[only_told]), []);
    }

    #[test]
    fn a_day_binds_a_month_only_if_all_its_days_together_do() {
        let day = |dollars| of(1, dollars, |row| row.window = Window::Day);
        let month = of(2, 311, |_| ());
        assert_eq!(kinds(&month, &[day(10)]), [BudgetConflict::NeverReached]);
        assert_eq!(kinds(&month, &[day(11)]), []);
        // In another zone a month can hold a part of one more day.
        let abroad = of(3, 10, |row| {
            row.window = Window::Day;
            row.zone = "Asia/Tokyo".parse().unwrap();
        });
        assert_eq!(kinds(&month, &[abroad]), []);
        assert_eq!(kinds(&day(101), &[of(4, 100, |_| ())]), [BudgetConflict::NeverReached]);
    }

    #[test]
    fn the_stronger_action_at_the_same_amount_is_named() {
        let deny = of(1, 100, |_| ());
        let throttle = of(2, 100, |row| row.action = BudgetAction::Throttle { percent: 10 });
        assert_eq!(kinds(&throttle, std::slice::from_ref(&deny)), [BudgetConflict::Outranked]);
        assert_eq!(kinds(&deny, std::slice::from_ref(&throttle)), []);
        let above = of(3, 111, |_| ());
        assert_eq!(kinds(&above, &[throttle]), [BudgetConflict::NeverReached]);
    }

    #[test]
    fn a_circle_of_models_and_a_threshold_out_of_reach_are_named() {
        let (x, y) = (ModelId(Uuid::from_u128(7)), ModelId(Uuid::from_u128(8)));
        let from_to = |n, from, to| {
            of(n, 100, |row| {
                row.model_id = Some(from);
                row.action = BudgetAction::Downgrade { model_id: to };
            })
        };
        assert_eq!(kinds(&from_to(1, x, y), &[from_to(2, y, x)]), [BudgetConflict::Circle]);
        let high = of(3, 100, |row| row.thresholds = vec![50, 120]);
        assert_eq!(
            kinds(&high, std::slice::from_ref(&high)),
            [BudgetConflict::ThresholdNeverReached]
        );
        let gone = of(4, 100, |row| row.scope_name.clear());
        assert_eq!(kinds(&gone, &[]), [BudgetConflict::ScopeGone]);
    }
}
