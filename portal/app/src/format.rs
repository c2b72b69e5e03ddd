//! Numbers, money and instants as people read them. Never a float, always UTC.

use chrono::{DateTime, Utc};
use contract::money::Usd;

/// `1234567` → `1,234,567`.
#[must_use]
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `$1,234.50`, exact to the nano-dollar, at least two decimals.
#[must_use]
pub fn money(amount: Usd) -> String {
    let text = amount.to_string();
    let (sign, rest) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("−", rest));
    let (whole, fraction) = rest.split_once('.').unwrap_or((rest, "00"));
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), count);
    format!("{sign}${whole}.{fraction}")
}

/// `5 Mar 2026, 14:02 UTC`.
#[must_use]
pub fn instant(at: DateTime<Utc>) -> String {
    at.format("%-d %b %Y, %H:%M UTC").to_string()
}

/// `5 Mar 2026`.
#[must_use]
pub fn day(at: DateTime<Utc>) -> String {
    at.format("%-d %b %Y").to_string()
}

/// How long before `now` it was, in the largest unit that fits: `4 min ago`.
#[must_use]
pub fn ago(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let seconds = (now - at).num_seconds().max(0);
    match seconds {
        0..=59 => format!("{seconds} s ago"),
        60..=3_599 => format!("{} min ago", seconds / 60),
        3_600..=86_399 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_money_keeps_every_nano() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(money("1234.5".parse().unwrap()), "$1,234.50");
        assert_eq!(money("-0.000000001".parse().unwrap()), "−$0.000000001");
    }

    #[test]
    fn an_instant_names_its_zone() {
        let at = DateTime::from_timestamp(1_772_719_320, 0).unwrap();
        assert_eq!(instant(at), "5 Mar 2026, 14:02 UTC");
        assert_eq!(ago(at, at + chrono::TimeDelta::minutes(4)), "4 min ago");
        assert_eq!(ago(at, at - chrono::TimeDelta::minutes(4)), "0 s ago");
    }
}
