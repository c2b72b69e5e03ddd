//! What of a report is asked for, read from the query.

use crate::http::page::query_param;
use crate::http::{ApiError, Result};
use axum::extract::FromRequestParts;
use chrono::{DateTime, Datelike as _, NaiveDate, NaiveTime, TimeDelta, Utc};
use contract::Timestamp;
use contract::api::usage::{Bucket, GroupBy};
use contract::error::FieldError;
use contract::id::{AppId, ModelId, TeamId};
use http::request::Parts;
use std::str::FromStr;

/// Days of a report when the caller does not say.
const DAYS_DEFAULT: i64 = 30;
/// The most days in hourly buckets.
const HOURLY_DAYS_MAX: i64 = 31;
/// The most days of a report.
const DAYS_MAX: i64 = 400;

/// The query of a report, not yet set against the clock.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    pub bucket: Option<Bucket>,
    pub app: Option<AppId>,
    pub team: Option<TeamId>,
    pub model: Option<ModelId>,
    pub group_by: Vec<GroupBy>,
}

/// From an instant, included, to another, excluded; both on the hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    pub from: Timestamp,
    pub to: Timestamp,
}

impl Asked {
    /// The range, widened to whole buckets, and the length of a bucket.
    ///
    /// # Errors
    /// `request.invalid` when it is empty or too long.
    pub fn range(&self, now: Timestamp) -> Result<(Range, Bucket)> {
        let bucket = self.bucket.unwrap_or(Bucket::Day);
        let to = self.to.unwrap_or(now + TimeDelta::microseconds(1));
        let from = self.from.unwrap_or(floor(to, Bucket::Day) - TimeDelta::days(DAYS_DEFAULT - 1));
        let refuse =
            |name: &str, why: String| Err(ApiError::invalid(vec![FieldError::new(name, why)]));
        if from >= to {
            return refuse("?from", "Choose a `from` that lies before `to`.".into());
        }
        let range = Range { from: floor(from, bucket), to: ceil(to, bucket) };
        let (days_max, what) = match bucket {
            Bucket::Hour => (HOURLY_DAYS_MAX, "in hours"),
            Bucket::Day => (DAYS_MAX, "in days"),
        };
        if range.to - range.from > TimeDelta::days(days_max + 1) {
            return refuse("?from", format!("A report {what} covers at most {days_max} days."));
        }
        Ok((range, bucket))
    }
}

/// Where the bucket that holds `at` starts, in UTC.
#[must_use]
pub fn floor(at: Timestamp, bucket: Bucket) -> Timestamp {
    let length = length(bucket).num_seconds();
    let seconds = at.timestamp() - at.timestamp().rem_euclid(length);
    DateTime::from_timestamp(seconds, 0).unwrap_or(at)
}

/// Where the month that holds `at` starts, in UTC.
#[must_use]
pub fn month(at: Timestamp) -> Timestamp {
    let first = at.date_naive().with_day(1).unwrap_or(at.date_naive());
    first.and_time(NaiveTime::MIN).and_utc()
}

pub fn ceil(at: Timestamp, bucket: Bucket) -> Timestamp {
    let start = floor(at, bucket);
    if start == at { at } else { start + length(bucket) }
}

#[must_use]
pub const fn length(bucket: Bucket) -> TimeDelta {
    match bucket {
        Bucket::Hour => TimeDelta::hours(1),
        Bucket::Day => TimeDelta::days(1),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let mut errors = Vec::new();
        let asked = Self {
            from: read(parts, "from", instant, &mut errors),
            to: read(parts, "to", instant, &mut errors),
            bucket: read(parts, "bucket", bucket, &mut errors),
            app: read(parts, "app", id, &mut errors),
            team: read(parts, "team", id, &mut errors),
            model: read(parts, "model", id, &mut errors),
            group_by: groups(parts, &mut errors),
        };
        if errors.is_empty() { Ok(asked) } else { Err(ApiError::invalid(errors)) }
    }
}

/// Reads a query parameter, if it is there.
pub fn read<T>(
    parts: &Parts,
    name: &str,
    parse: fn(&str) -> Result<T, String>,
    errors: &mut Vec<FieldError>,
) -> Option<T> {
    match parse(&query_param(parts, name)?) {
        Ok(value) => Some(value),
        Err(why) => {
            errors.push(FieldError::new(format!("?{name}"), why));
            None
        }
    }
}

/// An instant of RFC 3339, or a day of UTC.
pub fn instant(text: &str) -> Result<Timestamp, String> {
    let whole = DateTime::parse_from_rfc3339(text).ok().map(|at| at.with_timezone(&Utc));
    let day = || {
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        Some(day.and_time(NaiveTime::MIN).and_utc())
    };
    whole
        .or_else(day)
        .filter(|at| (2000..=2200).contains(&at.year()))
        .ok_or_else(|| "Write 2026-03-01 or 2026-03-01T12:00:00Z.".to_owned())
}

/// An identifier of some kind.
pub fn id<T: FromStr<Err = contract::id::IdError>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error| format!("Give an id: {error}."))
}

fn bucket(text: &str) -> Result<Bucket, String> {
    match text {
        "hour" => Ok(Bucket::Hour),
        "day" => Ok(Bucket::Day),
        _ => Err("Use hour or day.".to_owned()),
    }
}

fn group(text: &str) -> Option<GroupBy> {
    Some(match text {
        "team" => GroupBy::Team,
        "app" => GroupBy::App,
        "key" => GroupBy::Key,
        "model" => GroupBy::Model,
        "product" => GroupBy::Product,
        "day" => GroupBy::Day,
        _ => return None,
    })
}

/// `group_by`, repeated or with commas.
fn groups(parts: &Parts, errors: &mut Vec<FieldError>) -> Vec<GroupBy> {
    let query = parts.uri.query().unwrap_or_default();
    let mut groups = Vec::new();
    for (_, value) in url::form_urlencoded::parse(query.as_bytes()).filter(|(k, _)| k == "group_by")
    {
        for text in value.split(',').map(str::trim).filter(|text| !text.is_empty()) {
            match group(text) {
                Some(group) if !groups.contains(&group) => groups.push(group),
                Some(_) => {}
                None => errors.push(FieldError::new(
                    "?group_by",
                    "Use team, app, key, model, product or day.",
                )),
            }
        }
    }
    if groups.len() > 2 {
        errors.push(FieldError::new("?group_by", "Group by one or two things."));
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_report_covers_whole_buckets_around_what_was_asked() {
        let asked = Asked {
            from: Some(at("2026-03-01T10:30:00Z")),
            to: Some(at("2026-03-02T00:00:00Z")),
            ..Asked::default()
        };
        let (range, _) = asked.range(at("2026-03-05T00:00:00Z")).unwrap();
        assert_eq!(
            (range.from, range.to),
            (at("2026-03-01T00:00:00Z"), at("2026-03-02T00:00:00Z"))
        );
        let hourly = Asked { bucket: Some(Bucket::Hour), ..asked };
        let (range, _) = hourly.range(at("2026-03-05T00:00:00Z")).unwrap();
        assert_eq!(range.from, at("2026-03-01T10:00:00Z"));
    }

    #[test]
    fn without_a_range_the_last_thirty_days_are_meant_today_included() {
        let (range, _) = Asked::default().range(at("2026-03-31T12:00:00Z")).unwrap();
        assert_eq!(
            (range.from, range.to),
            (at("2026-03-02T00:00:00Z"), at("2026-04-01T00:00:00Z"))
        );
    }

    #[test]
    fn a_range_that_is_empty_or_endless_is_refused() {
        let asked = |from: &str, to: &str, bucket| Asked {
            from: Some(at(from)),
            to: Some(at(to)),
            bucket: Some(bucket),
            ..Asked::default()
        };
        let now = at("2026-03-05T00:00:00Z");
        let (march, april) = ("2026-03-01T00:00:00Z", "2026-04-05T00:00:00Z");
        assert!(asked(april, march, Bucket::Day).range(now).is_err());
        assert!(asked(march, march, Bucket::Day).range(now).is_err());
        assert!(asked(march, april, Bucket::Hour).range(now).is_err());
        assert!(asked(march, april, Bucket::Day).range(now).is_ok());
        assert!(asked("2020-01-01T00:00:00Z", april, Bucket::Day).range(now).is_err());
    }

    #[test]
    fn a_day_is_an_instant_too() {
        assert_eq!(instant("2026-03-01").unwrap(), at("2026-03-01T00:00:00Z"));
        for bad in ["", "yesterday", "2026-13-01", "0001-01-01", "9999-01-01T00:00:00Z"] {
            assert!(instant(bad).is_err(), "{bad}");
        }
    }
}
