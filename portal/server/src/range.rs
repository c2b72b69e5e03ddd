//! The span of time that a report covers: a preset or two dates, in the address. Always UTC, from
//! the start of a bucket to the start of another, the end not included.

use chrono::{DateTime, Datelike as _, NaiveDate, SecondsFormat, TimeDelta, Timelike as _, Utc};
use contract::Timestamp;
use contract::api::usage::Bucket;

/// The longest span that two dates may make, in days.
const DAYS_MAX: i64 = 366;

/// A span that has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    Hours24,
    Days7,
    Days30,
    Days90,
    ThisMonth,
    LastMonth,
}

impl Preset {
    pub const ALL: [Self; 6] =
        [Self::Hours24, Self::Days7, Self::Days30, Self::Days90, Self::ThisMonth, Self::LastMonth];

    /// What stands in the address.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hours24 => "24h",
            Self::Days7 => "7d",
            Self::Days30 => "30d",
            Self::Days90 => "90d",
            Self::ThisMonth => "month",
            Self::LastMonth => "last-month",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.as_str() == text)
    }

    fn bounds(self, now: Timestamp) -> (Timestamp, Timestamp) {
        let today = midnight(now.date_naive());
        let tomorrow = today + TimeDelta::days(1);
        let days = |count| (tomorrow - TimeDelta::days(count), tomorrow);
        let month = first_of_month(now.date_naive());
        match self {
            Self::Hours24 => {
                let end = today + TimeDelta::hours(i64::from(now.hour()) + 1);
                (end - TimeDelta::hours(24), end)
            }
            Self::Days7 => days(7),
            Self::Days30 => days(30),
            Self::Days90 => days(90),
            Self::ThisMonth => (midnight(month), tomorrow),
            Self::LastMonth => {
                let before = first_of_month(month - TimeDelta::days(1));
                (midnight(before), midnight(month))
            }
        }
    }
}

fn midnight(day: NaiveDate) -> Timestamp {
    DateTime::from_naive_utc_and_offset(day.and_time(chrono::NaiveTime::MIN), Utc)
}

fn first_of_month(day: NaiveDate) -> NaiveDate {
    day.with_day(1).unwrap_or(day)
}

/// A span, and how it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    pub from: Timestamp,
    /// Not included.
    pub to: Timestamp,
    /// `None` when it was two dates.
    pub preset: Option<Preset>,
    /// Two dates came that make no span; the default is shown instead.
    pub refused: bool,
}

impl Range {
    /// Reads `range`, `from` and `to` of an address. What makes no sense becomes `otherwise`.
    #[must_use]
    pub fn read(query: impl Fn(&str) -> Option<String>, now: Timestamp, otherwise: Preset) -> Self {
        let (from, to) = (query("from"), query("to"));
        if from.is_some() || to.is_some() {
            return match dates(from.as_deref(), to.as_deref()) {
                Some((from, to)) => Self { from, to, preset: None, refused: false },
                None => Self { refused: true, ..Self::of(otherwise, now) },
            };
        }
        let preset = query("range").and_then(|text| Preset::parse(&text)).unwrap_or(otherwise);
        Self::of(preset, now)
    }

    fn of(preset: Preset, now: Timestamp) -> Self {
        let (from, to) = preset.bounds(now);
        Self { from, to, preset: Some(preset), refused: false }
    }

    /// Hours while a chart of them can be read, else days.
    #[must_use]
    pub fn bucket(&self) -> Bucket {
        if self.to - self.from <= TimeDelta::days(2) { Bucket::Hour } else { Bucket::Day }
    }

    /// As the control API takes it.
    #[must_use]
    pub fn query(&self) -> Vec<(&'static str, String)> {
        let text = |at: Timestamp| at.to_rfc3339_opts(SecondsFormat::Secs, true);
        vec![("from", text(self.from)), ("to", text(self.to))]
    }
}

fn dates(from: Option<&str>, to: Option<&str>) -> Option<(Timestamp, Timestamp)> {
    let from = from?.parse().map(midnight).ok()?;
    let to = to?.parse().map(midnight).ok()?;
    (from < to && to - from <= TimeDelta::days(DAYS_MAX)).then_some((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-03-05T14:02:07Z".parse().unwrap()
    }

    fn read(pairs: &[(&str, &str)]) -> Range {
        let query = |name: &str| {
            pairs.iter().find(|(found, _)| *found == name).map(|(_, value)| (*value).to_owned())
        };
        Range::read(query, now(), Preset::Days30)
    }

    fn bounds(range: &Range) -> (String, String) {
        let text = |at: Timestamp| at.format("%F %R").to_string();
        (text(range.from), text(range.to))
    }

    fn pair(from: &str, to: &str) -> (String, String) {
        (from.to_owned(), to.to_owned())
    }

    #[test]
    fn a_preset_ends_with_the_running_bucket_and_has_as_many_as_it_says() {
        let hours = read(&[("range", "24h")]);
        assert_eq!(bounds(&hours), pair("2026-03-04 15:00", "2026-03-05 15:00"));
        assert_eq!(hours.bucket(), Bucket::Hour);
        let days = read(&[("range", "7d")]);
        assert_eq!(bounds(&days), pair("2026-02-27 00:00", "2026-03-06 00:00"));
        assert_eq!(days.bucket(), Bucket::Day);
    }

    #[test]
    fn months_are_calendar_months() {
        assert_eq!(
            bounds(&read(&[("range", "month")])),
            pair("2026-03-01 00:00", "2026-03-06 00:00")
        );
        assert_eq!(
            bounds(&read(&[("range", "last-month")])),
            pair("2026-02-01 00:00", "2026-03-01 00:00")
        );
    }

    #[test]
    fn two_dates_are_taken_as_they_are() {
        let range = read(&[("from", "2026-01-01"), ("to", "2026-02-01")]);
        assert_eq!(bounds(&range), pair("2026-01-01 00:00", "2026-02-01 00:00"));
        assert_eq!((range.preset, range.refused), (None, false));
    }

    #[test]
    fn dates_that_make_no_span_are_said_to_and_the_default_is_shown() {
        let wrong = [
            [("from", "2026-02-01"), ("to", "2026-02-01")],
            [("from", "2026-02-31"), ("to", "2026-03-01")],
            [("from", "2020-01-01"), ("to", "2026-03-01")],
            [("from", "-262143-01-01"), ("to", "2026-03-01")],
        ];
        for pairs in wrong {
            let range = read(&pairs);
            assert!(range.refused, "{pairs:?}");
            assert_eq!(range.preset, Some(Preset::Days30));
        }
        assert_eq!(read(&[("range", "nonsense")]).preset, Some(Preset::Days30));
    }
}
