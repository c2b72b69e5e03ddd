//! Windows of limits: from when to when use is counted together. Calendar windows begin at local
//! midnight; they touch, and every instant lies in exactly one, whatever the clocks there do.

use crate::Timestamp;
use chrono::{Datelike as _, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, Offset as _};
use chrono::{MappedLocalTime, TimeDelta, TimeZone as _};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Over which time a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(
    feature = "sqlx",
    derive(sqlx::Type),
    sqlx(type_name = "text", rename_all = "snake_case")
)]
pub enum Window {
    Second,
    Minute,
    Hour,
    Day,
    /// From Monday.
    Week,
    Month,
    Quarter,
    Year,
    Lifetime,
}

impl Window {
    /// Every window, shortest first.
    pub const ALL: &'static [Self] = &[
        Self::Second,
        Self::Minute,
        Self::Hour,
        Self::Day,
        Self::Week,
        Self::Month,
        Self::Quarter,
        Self::Year,
        Self::Lifetime,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
            Self::Lifetime => "lifetime",
        }
    }

    /// Its length in seconds where that is always the same: what a sliding window may be.
    /// A day is 24 hours here, though a calendar day may have 23 or 25.
    #[must_use]
    pub const fn seconds(self) -> Option<i64> {
        match self {
            Self::Second => Some(1),
            Self::Minute => Some(60),
            Self::Hour => Some(3_600),
            Self::Day => Some(86_400),
            Self::Week => Some(604_800),
            Self::Month | Self::Quarter | Self::Year | Self::Lifetime => None,
        }
    }

    /// Whether it begins at a local midnight, so that the time zone matters.
    #[must_use]
    pub const fn is_of_calendar(self) -> bool {
        match self {
            Self::Day | Self::Week | Self::Month | Self::Quarter | Self::Year => true,
            Self::Second | Self::Minute | Self::Hour | Self::Lifetime => false,
        }
    }

    /// The calendar window that holds `now`, in epoch seconds: `[start, end)`. Up to an hour it
    /// is aligned in UTC. A lifetime starts at 0 and never ends.
    #[must_use]
    pub fn bounds(self, zone: Zone, now: Timestamp) -> (i64, i64) {
        let seconds = now.timestamp();
        match self {
            Self::Second | Self::Minute | Self::Hour => {
                let length = self.seconds().unwrap_or(1);
                let start = seconds.saturating_sub(seconds.rem_euclid(length));
                (start, start.saturating_add(length))
            }
            Self::Lifetime => (0, i64::MAX),
            Self::Day | Self::Week | Self::Month | Self::Quarter | Self::Year => {
                self.local_bounds(zone.0, now).unwrap_or((i64::MIN, i64::MAX))
            }
        }
    }

    /// `None` at the ends of the calendar, more than 200,000 years from now.
    fn local_bounds(self, zone: Tz, now: Timestamp) -> Option<(i64, i64)> {
        let mut first = self.first_day(now.with_timezone(&zone).date_naive())?;
        let mut start = midnight(zone, first)?;
        // Clocks that go back over midnight show a day again that has ended already.
        while start > now {
            first = self.first_day(first.pred_opt()?)?;
            start = midnight(zone, first)?;
        }
        loop {
            let next = self.next_day(first)?;
            let end = midnight(zone, next)?;
            if now < end {
                return Some((start.timestamp(), end.timestamp()));
            }
            (first, start) = (next, end);
        }
    }

    /// The first day of the window that holds a day.
    fn first_day(self, day: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Week => {
                day.checked_sub_days(Days::new(day.weekday().num_days_from_monday().into()))
            }
            Self::Month => day.with_day(1),
            Self::Quarter => day.with_day(1)?.with_month0(day.month0() / 3 * 3),
            Self::Year => day.with_day(1)?.with_month0(0),
            _ => Some(day),
        }
    }

    /// The first day of the window after the one that begins with `first`.
    fn next_day(self, first: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Week => first.checked_add_days(Days::new(7)),
            Self::Month => first.checked_add_months(Months::new(1)),
            Self::Quarter => first.checked_add_months(Months::new(3)),
            Self::Year => first.checked_add_months(Months::new(12)),
            _ => first.succ_opt(),
        }
    }
}

/// When a day begins: its midnight, the first if there are two, and where clocks skip it the
/// instant at which they do.
fn midnight(zone: Tz, day: NaiveDate) -> Option<Timestamp> {
    let local = day.and_time(NaiveTime::MIN);
    match zone.from_local_datetime(&local) {
        MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => Some(at.to_utc()),
        MappedLocalTime::None => skip_over(zone, local),
    }
}

/// The first instant whose local time is not before `local`, which no clock there ever showed.
fn skip_over(zone: Tz, local: NaiveDateTime) -> Option<Timestamp> {
    let shows = |seconds: i64| {
        let at = Timestamp::from_timestamp(seconds, 0)?.naive_utc();
        at.checked_add_offset(zone.offset_from_utc_datetime(&at).fix())
    };
    // No clock was ever further than a day and a half from UTC.
    let reach = TimeDelta::hours(36);
    let mut before = local.checked_sub_signed(reach)?.and_utc().timestamp();
    let mut after = local.checked_add_signed(reach)?.and_utc().timestamp();
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        if shows(middle)? >= local {
            after = middle;
        } else {
            before = middle;
        }
    }
    Timestamp::from_timestamp(after, 0)
}

/// Where a calendar is read: a time zone of the IANA database. On the wire its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, examples("Europe/Berlin")))]
pub struct Zone(Tz);

impl Zone {
    pub const UTC: Self = Self(Tz::UTC);

    /// Its name in the IANA database.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Every zone there is, by name.
    pub fn all() -> impl Iterator<Item = Self> {
        chrono_tz::TZ_VARIANTS.iter().copied().map(Self)
    }

    /// What the clocks there show.
    #[must_use]
    pub fn local(self, at: Timestamp) -> NaiveDateTime {
        at.with_timezone(&self.0).naive_local()
    }

    #[must_use]
    pub fn is_utc(&self) -> bool {
        *self == Self::UTC
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No time zone has that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no time zone of this name; use one of the IANA database, like Europe/Berlin")]
pub struct UnknownZone;

impl FromStr for Zone {
    type Err = UnknownZone;

    fn from_str(name: &str) -> Result<Self, UnknownZone> {
        name.parse().map(Self).map_err(|_| UnknownZone)
    }
}

impl Serialize for Zone {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<str>::deserialize(d)?;
        name.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn zone(name: &str) -> Zone {
        name.parse().unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn bounds(window: Window, name: &str, now: &str) -> (String, String) {
        let (start, end) = window.bounds(zone(name), at(now));
        let shown = |seconds| {
            Timestamp::from_timestamp(seconds, 0).unwrap().format("%FT%H:%MZ").to_string()
        };
        (shown(start), shown(end))
    }

    fn hours(window: Window, name: &str, now: &str) -> i64 {
        let (start, end) = window.bounds(zone(name), at(now));
        (end - start) / 1_800
    }

    #[test]
    fn a_day_in_berlin_has_23_25_or_24_hours() {
        let day = |start: &str, end: &str| (start.to_owned(), end.to_owned());
        assert_eq!(
            bounds(Window::Day, "Europe/Berlin", "2026-03-29T12:00:00Z"),
            day("2026-03-28T23:00Z", "2026-03-29T22:00Z")
        );
        assert_eq!(
            bounds(Window::Day, "Europe/Berlin", "2026-10-25T00:30:00Z"),
            day("2026-10-24T22:00Z", "2026-10-25T23:00Z")
        );
        assert_eq!(hours(Window::Day, "Europe/Berlin", "2026-06-01T00:00:00Z"), 48);
    }

    #[test]
    fn a_day_whose_midnight_is_skipped_begins_when_the_clocks_jump() {
        // Santiago: Saturday 24:00 becomes Sunday 01:00.
        assert_eq!(
            bounds(Window::Day, "America/Santiago", "2026-09-06T12:00:00Z"),
            ("2026-09-06T04:00Z".into(), "2026-09-07T03:00Z".into())
        );
        assert_eq!(hours(Window::Day, "America/Santiago", "2026-09-06T12:00:00Z"), 46);
        // Toronto in 1919: 23:30 became 00:30, so the day began half an hour early.
        assert_eq!(
            bounds(Window::Day, "America/Toronto", "1919-03-31T12:00:00Z").0,
            "1919-03-31T04:30Z"
        );
    }

    #[test]
    fn half_hours_of_summer_time_and_a_day_that_never_was_are_counted_truly() {
        assert_eq!(hours(Window::Day, "Australia/Lord_Howe", "2026-10-03T20:00:00Z"), 47);
        assert_eq!(hours(Window::Day, "Australia/Lord_Howe", "2026-04-04T20:00:00Z"), 49);
        // Apia went from Thursday the 29th to Saturday the 31st of December 2011.
        assert_eq!(
            bounds(Window::Day, "Pacific/Apia", "2011-12-30T10:00:00Z"),
            ("2011-12-30T10:00Z".into(), "2011-12-31T10:00Z".into())
        );
        assert_eq!(
            bounds(Window::Day, "Pacific/Apia", "2011-12-30T09:59:59Z").1,
            "2011-12-30T10:00Z"
        );
        assert_eq!(hours(Window::Week, "Pacific/Apia", "2011-12-30T10:00:00Z"), 6 * 48);
    }

    #[test]
    fn months_quarters_and_years_begin_on_their_first_local_day() {
        let of = |window, name, now| bounds(window, name, now);
        assert_eq!(
            of(Window::Month, "UTC", "2028-02-29T23:59:59Z"),
            ("2028-02-01T00:00Z".into(), "2028-03-01T00:00Z".into())
        );
        assert_eq!(
            of(Window::Quarter, "Europe/Berlin", "2026-03-31T21:59:59Z"),
            ("2025-12-31T23:00Z".into(), "2026-03-31T22:00Z".into())
        );
        assert_eq!(
            of(Window::Quarter, "Europe/Berlin", "2026-03-31T22:00:00Z").1,
            "2026-06-30T22:00Z"
        );
        assert_eq!(
            of(Window::Year, "Pacific/Auckland", "2026-12-31T10:59:59Z"),
            ("2025-12-31T11:00Z".into(), "2026-12-31T11:00Z".into())
        );
        assert_eq!(
            of(Window::Week, "UTC", "2026-11-22T23:59:59Z"),
            ("2026-11-16T00:00Z".into(), "2026-11-23T00:00Z".into())
        );
    }

    #[test]
    fn a_zone_is_its_name_and_an_unknown_one_is_refused() {
        assert_eq!(serde_json::to_string(&zone("Asia/Kolkata")).unwrap(), r#""Asia/Kolkata""#);
        assert!(serde_json::from_str::<Zone>(r#""Mars/Olympus""#).is_err());
        assert!("".parse::<Zone>().is_err() && "+02:00".parse::<Zone>().is_err());
        assert_eq!(Zone::default().name(), "UTC");
    }

    fn any_window() -> impl Strategy<Value = Window> {
        proptest::sample::select(Window::ALL)
    }

    /// Any zone, and those with odd clocks more often.
    fn any_zone() -> impl Strategy<Value = Zone> {
        let odd = [
            "Europe/Berlin",
            "America/Santiago",
            "Australia/Lord_Howe",
            "Pacific/Apia",
            "America/St_Johns",
            "Africa/Casablanca",
            "Asia/Gaza",
            "America/Toronto",
        ];
        prop_oneof![
            proptest::sample::select(odd.map(zone).to_vec()),
            proptest::sample::select(Zone::all().collect::<Vec<_>>()),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]
        #[test]
        fn every_instant_lies_in_its_window_and_windows_touch(
            seconds in -4_000_000_000_i64..8_000_000_000, zone in any_zone(), window in any_window(),
        ) {
            let now = Timestamp::from_timestamp(seconds, 0).unwrap();
            let (start, end) = window.bounds(zone, now);
            if window == Window::Lifetime {
                prop_assert_eq!((start, end), (0, i64::MAX));
                return Ok(());
            }
            prop_assert!(start <= seconds && seconds < end);
            let of = |at: i64| window.bounds(zone, Timestamp::from_timestamp(at, 0).unwrap());
            prop_assert_eq!(of(start), (start, end));
            prop_assert_eq!(of(end - 1), (start, end));
            prop_assert_eq!(of(end).0, end);
            prop_assert_eq!(of(start - 1).1, start);
        }

        /// The edges are where it goes wrong: all instants around every change of the clocks.
        #[test]
        fn days_touch_around_midnight_of_any_day(
            day in 0_i64..30_000, off in -10_000_i64..10_000, zone in any_zone(),
        ) {
            let seconds = day * 86_400 + off;
            let now = Timestamp::from_timestamp(seconds, 0).unwrap();
            let (start, end) = Window::Day.bounds(zone, now);
            prop_assert!(start <= seconds && seconds < end);
            prop_assert!(end - start <= 49 * 3_600, "{} s", end - start);
            let next = Timestamp::from_timestamp(end, 0).unwrap();
            prop_assert_eq!(Window::Day.bounds(zone, next).0, end);
        }
    }
}
