//! Budgets.

use crate::format;
use contract::api::budgets::{Budget, BudgetAction, Forecast};
use contract::money::Usd;
use contract::snapshot::Window;

pub const TITLE: &str = "Budgets";
pub const LEAD: &str = "How much may be spent in a period, who hears of it, and what happens then.";
pub const NEW: &str = "Create budget";
pub const NONE: &str = "No budgets yet";
pub const NONE_WHY: &str = "A budget tells owners and finance when money goes, and can stop it.";
pub const NONE_ASK: &str = "An owner, admin or finance member can create one.";
pub const NEW_LEAD: &str =
    "What counts, in which period and zone stays as it is; everything else can be changed later.";
pub const CREATED: &str = "The budget is set. Gateways apply it within a second.";
pub const SAVED: &str = "Saved. Gateways apply it within a second.";
pub const DELETED: &str = "The budget is removed.";
pub const RAISED: &str = "The budget is raised. Gateways apply it within a second.";
pub const RAISE_ENDED: &str = "The raise is over.";

pub const NAME: &str = "Name";
pub const NAME_HINT: &str = "Callers that are refused are told it.";
pub const ON: &str = "On";
pub const ON_HINT: &str = "Whose calls count.";
pub const ORG: &str = "The whole organisation";
pub const MODEL: &str = "Model";
pub const ANY_MODEL: &str = "Every model";
pub const TAG: &str = "Tag";
pub const TAG_HINT: &str = "Only calls that declare it in x-tollgate-tags, such as feature=search.";
pub const TAG_FORM: &str = "Write it as name=value.";
pub const AMOUNT: &str = "Amount in dollars";
pub const AMOUNT_HINT: &str = "Such as 250 or 0.50. With 0 nothing may be spent.";
pub const AMOUNT_FORM: &str = "Enter dollars, such as 250 or 0.50.";
pub const PERIOD: &str = "Period";
pub const ZONE: &str = "Time zone";
pub const ZONE_HINT: &str = "Periods begin at its midnight. A name such as Europe/Berlin.";
pub const ZONE_UNKNOWN: &str = "There is no time zone of this name. Use one such as Europe/Berlin.";
pub const THRESHOLDS: &str = "Alerts at";
pub const THRESHOLDS_HINT: &str =
    "Percents of the budget, with commas between. Each is told once a period.";
pub const THRESHOLDS_FORM: &str = "Enter whole percents, such as 50, 80, 100.";
pub const ACTION: &str = "Once it is used up";
pub const PERCENT: &str = "Percent that is let through";
pub const PERCENT_HINT: &str = "Of the budget's even pace; only when calls are slowed down.";
pub const PERCENT_FORM: &str = "Enter a whole number from 1 to 99.";
pub const CHEAPER: &str = "Cheaper model";
pub const CHEAPER_HINT: &str = "Only when calls go on with a cheaper model.";
pub const CHEAPER_MISSING: &str = "Choose the model that calls go on with.";
pub const NO_MODEL: &str = "None";
pub const SPENT: &str = "Spent";
pub const OF: &str = "Budget";
pub const THEN: &str = "Then";
pub const NOTES: &str = "Notes";
pub const RESETS: &str = "Starts again";
pub const RAISES: &str = "Raises";
pub const RAISE: &str = "Raise budget";
pub const RAISE_LEAD: &str = "More money for a while. It ends by itself.";
pub const ADD: &str = "Add, in dollars";
pub const FOR: &str = "For";
pub const REASON: &str = "Reason";
pub const REASON_HINT: &str = "Goes into the audit log.";
pub const UNTIL: &str = "Until";
pub const BY: &str = "By";
pub const END: &str = "End now";
pub const FORECAST: &str = "Forecast";
pub const BY_DAY: &str = "What each full day cost (UTC)";
pub const DAY: &str = "Day";
pub const METHOD: &str = "The forecast takes what was spent and, for the time that is left, an average day of the last four weeks; its range takes days of the lower and the upper quarter instead.";
pub const NO_FORECAST: &str = "Not enough data: it takes 7 full days of use.";
pub const ALERTS: &str = "Alerts";
pub const NO_ALERTS: &str = "No threshold was reached yet.";
pub const THRESHOLD: &str = "Threshold";
pub const WHEN: &str = "When (UTC)";
pub const EDIT: &str = "Change budget";
pub const SAVE: &str = "Save";
pub const DELETE: &str = "Remove budget";
pub const DELETE_WHY: &str = "Its alerts and raises go with it. What was spent stays in costs.";
pub const GONE: &str = "gone";
pub const USED_UP: &str = "Used up";
pub const ODD: &str = "See notes";
pub const FINE: &str = "Within";
pub const WARNINGS: &str = "This budget may not do what it says";

/// How long a raise may last, in hours, and its words.
pub const HOURS: [(&str, &str); 4] =
    [("4", "4 hours"), ("24", "1 day"), ("72", "3 days"), ("168", "1 week")];

pub const WINDOWS: [Window; 5] =
    [Window::Day, Window::Week, Window::Month, Window::Quarter, Window::Year];

/// The kinds of action, as a choice reads.
pub const ACTIONS: [(&str, &str); 4] = [
    ("alert", "Only tell people"),
    ("throttle", "Slow calls down"),
    ("downgrade", "Go on with a cheaper model"),
    ("deny", "Refuse calls"),
];

/// `$25.00 a month`.
#[must_use]
pub fn amount(budget: &Budget) -> String {
    let per = budget.window.as_str();
    format!("{} a {per}", format::money(budget.amount_usd))
}

/// `and $5.00 for a while`, beside the amount that is raised.
#[must_use]
pub fn raised(more: Usd) -> String {
    format!("and {} for a while", format::money(more))
}

/// `$12.50 of $25.00`.
#[must_use]
pub fn spent(spent: Usd, limit: Usd) -> String {
    format!("{} of {}", format::money(spent), format::money(limit))
}

/// What is counted: `Search · aurora-mini · feature=x`.
#[must_use]
pub fn counted(budget: &Budget) -> String {
    let scope = Some(budget.scope_name.as_str()).filter(|name| !name.is_empty()).unwrap_or(GONE);
    let mut words = scope.to_owned();
    if let Some(model) = &budget.model_name {
        words.push_str(&format!(" · {model}"));
    }
    if let Some(tag) = &budget.tag {
        words.push_str(&format!(" · {tag}"));
    }
    words
}

/// What happens once it is used up.
#[must_use]
pub fn action(budget: &Budget) -> String {
    match budget.action {
        BudgetAction::Alert => "People are told".to_owned(),
        BudgetAction::Throttle { percent } => {
            format!("Calls go on at {percent}\u{a0}% of the budget's pace")
        }
        BudgetAction::Downgrade { .. } => {
            let model = budget.downgrade_model_name.as_deref().unwrap_or(GONE);
            format!("Calls go on with {model}")
        }
        BudgetAction::Deny => "Calls are refused".to_owned(),
    }
}

/// What the period will cost, with its range.
#[must_use]
pub fn forecast(forecast: &Forecast) -> String {
    format!(
        "{} at the end of the period, between {} and {}, judging by the last {} days.",
        format::cents(forecast.at_end_usd),
        format::cents(forecast.low_usd),
        format::cents(forecast.high_usd),
        forecast.days
    )
}

/// `50 %, 80 %, 100 %`.
#[must_use]
pub fn percents(thresholds: &[u16]) -> String {
    let percents: Vec<_> = thresholds.iter().map(|percent| format!("{percent} %")).collect();
    if percents.is_empty() { "None".to_owned() } else { percents.join(", ") }
}
