//! A calendar month of UTC, as text `2026-03`.

use chrono::{DateTime, Datelike as _, Months, NaiveDate, NaiveTime};
use contract::Timestamp;
use std::fmt;
use std::str::FromStr;

/// By its first day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(NaiveDate);

impl Month {
    /// The one that holds `at`.
    #[must_use]
    pub fn of(at: Timestamp) -> Self {
        let day = at.date_naive();
        Self(day.with_day(1).unwrap_or(day))
    }

    #[must_use]
    pub fn start(self) -> Timestamp {
        self.0.and_time(NaiveTime::MIN).and_utc()
    }

    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.checked_add_months(Months::new(1)).unwrap_or(self.0))
    }

    #[must_use]
    pub fn before(self) -> Self {
        Self(self.0.checked_sub_months(Months::new(1)).unwrap_or(self.0))
    }

    /// Where the next one begins.
    #[must_use]
    pub fn end(self) -> Timestamp {
        self.next().start()
    }

    #[must_use]
    pub fn days(self) -> u32 {
        let days = self.next().0.signed_duration_since(self.0).num_days();
        u32::try_from(days).unwrap_or(0)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m"))
    }
}

impl FromStr for Month {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = "Write a month such as 2026-03.";
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        let whole = text.len() == 7 && text.split('-').all(digits);
        let day = NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d");
        day.ok()
            .filter(|day| whole && (2000..=2200).contains(&day.year()))
            .map(|day| Self::of(DateTime::from_naive_utc_and_offset(day.into(), chrono::Utc)))
            .ok_or(bad)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_reads_as_it_is_written_and_knows_its_days() {
        let month: Month = "2028-02".parse().unwrap();
        assert_eq!((month.to_string().as_str(), month.days()), ("2028-02", 29));
        assert_eq!(month.end(), "2028-03-01T00:00:00Z".parse::<Timestamp>().unwrap());
        let december: Month = "2026-12".parse().unwrap();
        assert_eq!(december.next(), "2027-01".parse().unwrap());
        assert_eq!(december.next().before(), december);
        for bad in ["", "2026", "2026-13", "2026-3", "26-03-0", "1999-12", "2026-03-01", "+026-03"]
        {
            assert!(bad.parse::<Month>().is_err(), "{bad}");
        }
    }
}
