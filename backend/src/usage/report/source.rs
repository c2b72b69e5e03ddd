//! Which sums answer a report: the coarsest, and finer ones for stretches that the coarse ones do not
//! cover or do not know yet. Pure, but for the question which days those are.
//!
//! What must stay true: each instant of the range is read once, from one kind of sum; all are cut in UTC.

use super::asked::{Range, ceil, floor, length, month};
use crate::db::{TenantTx, Tx as _};
use chrono::Months;
use contract::Timestamp;
use contract::api::usage::{Bucket, GroupBy};

/// A table of sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Months,
    Days,
    Hours,
    /// By the day along one thing, or along none: the org's.
    DayLines(Option<GroupBy>),
    HourLines(Option<GroupBy>),
}

impl Table {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Months => "usage_months",
            Self::Days => "usage_days",
            Self::Hours => "usage_hours",
            Self::DayLines(_) => "usage_day_lines",
            Self::HourLines(_) => "usage_hour_lines",
        }
    }

    /// The column that says when a sum begins.
    pub const fn at(self) -> &'static str {
        match self {
            Self::Months => "month",
            Self::Days | Self::DayLines(_) => "day",
            Self::Hours | Self::HourLines(_) => "hour",
        }
    }

    /// What the lines are of, as the table names it.
    pub fn kind(self) -> Option<&'static str> {
        match self {
            Self::DayLines(of) | Self::HourLines(of) => Some(of.map_or("org", kind)),
            Self::Months | Self::Days | Self::Hours => None,
        }
    }
}

/// The name of what rows are told apart by.
pub(super) const fn kind(group: GroupBy) -> &'static str {
    match group {
        GroupBy::Day => "day",
        GroupBy::Team => "team",
        GroupBy::App => "app",
        GroupBy::Key => "key",
        GroupBy::Model => "model",
        GroupBy::Product => "product",
    }
}

/// Stretches of a range, each with the table that it is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    pub coarse: (Table, Vec<Range>),
    pub fine: (Table, Vec<Range>),
}

/// Days in and around `range` whose coarser sums are not recomputed yet.
pub(super) async fn stale_days(tx: &mut TenantTx, range: Range) -> sqlx::Result<Vec<Timestamp>> {
    let org = tx.org_id();
    sqlx::query_scalar!(
        "select day from usage_stale_days where org_id = $1 and day >= $2 and day < $3",
        org.0,
        floor(range.from, Bucket::Day),
        range.to,
    )
    .fetch_all(tx.conn())
    .await
}

impl Source {
    /// For sums over the whole range: months and days, or for a range in hours days and hours. An
    /// hour is always in its day, but a day not yet in its month while it is stale.
    pub fn whole(range: Range, bucket: Bucket, stale: &[Timestamp]) -> Self {
        let next = |month: Timestamp| month.checked_add_months(Months::new(1));
        match bucket {
            Bucket::Day => {
                let known = |at, until| !stale.iter().any(|day| (at..until).contains(day));
                let (coarse, fine) = split(range, (month, next), known);
                Self { coarse: (Table::Months, coarse), fine: (Table::Days, fine) }
            }
            Bucket::Hour => {
                let (coarse, fine) = split(range, DAYS, |_, _| true);
                Self { coarse: (Table::Days, coarse), fine: (Table::Hours, fine) }
            }
        }
    }

    /// For sums of each bucket, of rows that are told apart or chosen by `things`.
    pub fn over_time(
        range: Range,
        bucket: Bucket,
        things: &[GroupBy],
        stale: &[Timestamp],
    ) -> Self {
        let lines = match (bucket, things) {
            (Bucket::Day, []) => Some(Table::DayLines(None)),
            (Bucket::Day, [one]) => Some(Table::DayLines(Some(*one))),
            (Bucket::Hour, []) => Some(Table::HourLines(None)),
            (Bucket::Hour, [one @ (GroupBy::Team | GroupBy::App | GroupBy::Model)]) => {
                Some(Table::HourLines(Some(*one)))
            }
            _ => None,
        };
        let fine = if bucket == Bucket::Hour { Table::Hours } else { Table::Days };
        let Some(lines) = lines else {
            return Self { coarse: (fine, Vec::new()), fine: (fine, vec![range]) };
        };
        // The hours of a day that is known are, also those of a day that is not whole in the range.
        let days = Range { from: floor(range.from, Bucket::Day), to: ceil(range.to, Bucket::Day) };
        let (known, unknown) = split(days, DAYS, |day, _| !stale.contains(&day));
        let within = |stretches: Vec<Range>| {
            stretches
                .into_iter()
                .map(|one| Range { from: one.from.max(range.from), to: one.to.min(range.to) })
                .collect()
        };
        Self { coarse: (lines, within(known)), fine: (fine, within(unknown)) }
    }
}

/// Where the stretch that holds an instant begins, and where the one after it does.
type Steps = (fn(Timestamp) -> Timestamp, fn(Timestamp) -> Option<Timestamp>);

const DAYS: Steps =
    (|at| floor(at, Bucket::Day), |day| day.checked_add_signed(length(Bucket::Day)));

/// Cuts `range` into stretches of whole steps that are `known`, and those of all else.
fn split(
    range: Range,
    (start, next): Steps,
    known: impl Fn(Timestamp, Timestamp) -> bool,
) -> (Vec<Range>, Vec<Range>) {
    let (mut coarse, mut fine) = (Vec::new(), Vec::new());
    let mut from = range.from;
    while from < range.to {
        let begin = start(from);
        let Some(end) = next(begin) else { break };
        let to = end.min(range.to);
        let whole = begin == from && end == to && known(begin, end);
        let of: &mut Vec<Range> = if whole { &mut coarse } else { &mut fine };
        match of.last_mut() {
            Some(last) if last.to == from => last.to = to,
            _ => of.push(Range { from, to }),
        }
        from = to;
    }
    (coarse, fine)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
        whole.parse().unwrap()
    }

    fn range((from, to): (&str, &str)) -> Range {
        Range { from: at(from), to: at(to) }
    }

    fn ranges<const N: usize>(all: [(&str, &str); N]) -> Vec<Range> {
        all.into_iter().map(range).collect()
    }

    #[test]
    fn whole_months_are_read_as_months_and_the_edges_by_the_day() {
        let year = range(("2026-01-31", "2026-04-02"));
        let source = Source::whole(year, Bucket::Day, &[]);
        assert_eq!(source.coarse, (Table::Months, ranges([("2026-02-01", "2026-04-01")])));
        let edges = ranges([("2026-01-31", "2026-02-01"), ("2026-04-01", "2026-04-02")]);
        assert_eq!(source.fine, (Table::Days, edges));
    }

    #[test]
    fn a_month_with_a_day_that_changed_is_read_by_the_day_and_no_other() {
        let stale = [at("2026-02-28")];
        let source = Source::whole(range(("2026-01-01", "2026-04-01")), Bucket::Day, &stale);
        let months = ranges([("2026-01-01", "2026-02-01"), ("2026-03-01", "2026-04-01")]);
        assert_eq!(source.coarse.1, months);
        assert_eq!(source.fine.1, ranges([("2026-02-01", "2026-03-01")]));
    }

    #[test]
    fn a_range_within_a_month_has_days_only_and_one_in_hours_days_and_hours() {
        let month = range(("2026-03-02", "2026-03-31"));
        let source = Source::whole(month, Bucket::Day, &[]);
        assert_eq!((source.coarse.1, source.fine.1), (vec![], vec![month]));
        let hours = range(("2026-03-01T23:00:00Z", "2026-03-03T01:00:00Z"));
        let source = Source::whole(hours, Bucket::Hour, &[at("2026-03-02")]);
        assert_eq!(source.coarse, (Table::Days, ranges([("2026-03-02", "2026-03-03")])));
        let edges =
            [("2026-03-01T23:00:00Z", "2026-03-02"), ("2026-03-03", "2026-03-03T01:00:00Z")];
        assert_eq!(source.fine, (Table::Hours, ranges(edges)));
    }

    #[test]
    fn over_time_lines_answer_for_one_thing_and_finer_sums_for_two_and_for_days_that_changed() {
        let week = range(("2026-03-01", "2026-03-08"));
        let stale = [at("2026-03-07")];
        let one = Source::over_time(week, Bucket::Day, &[GroupBy::Key], &stale);
        let known = ranges([("2026-03-01", "2026-03-07")]);
        assert_eq!(one.coarse, (Table::DayLines(Some(GroupBy::Key)), known));
        assert_eq!(one.fine, (Table::Days, ranges([("2026-03-07", "2026-03-08")])));
        let two = Source::over_time(week, Bucket::Day, &[GroupBy::Key, GroupBy::App], &stale);
        assert_eq!((two.coarse.1, two.fine), (vec![], (Table::Days, vec![week])));
        // Nobody made lines of a key's hours.
        let key = Source::over_time(week, Bucket::Hour, &[GroupBy::Key], &[]);
        assert_eq!(key.fine, (Table::Hours, vec![week]));
        let noon = range(("2026-03-06T12:00:00Z", "2026-03-07T12:00:00Z"));
        let hours = Source::over_time(noon, Bucket::Hour, &[], &stale);
        let known = ranges([("2026-03-06T12:00:00Z", "2026-03-07")]);
        assert_eq!(hours.coarse, (Table::HourLines(None), known));
        assert_eq!(hours.fine.1, ranges([("2026-03-07", "2026-03-07T12:00:00Z")]));
    }
}
