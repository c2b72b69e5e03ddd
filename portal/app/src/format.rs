//! Numbers, money and instants as people read them. Never a float, always UTC.

use chrono::{DateTime, Utc};
use contract::money::{Nanos, Usd};

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

/// `$1,234.57`, rounded to the cent, half up: for what is guessed. What was booked is shown exactly. Less
/// than a cent stays exact, as nothing would be left of it.
#[must_use]
pub fn cents(amount: Usd) -> String {
    const CENT: i64 = 10_000_000;
    let nanos = amount.0.0;
    if nanos.abs() < CENT {
        return money(amount);
    }
    money(Usd(Nanos(nanos.saturating_add(CENT / 2).div_euclid(CENT).saturating_mul(CENT))))
}

/// Decimals that show every one of `amounts` exactly: two, or at least six as soon as one of them
/// has parts of a cent.
#[must_use]
pub fn decimals(amounts: impl IntoIterator<Item = Usd>) -> usize {
    let needed = |amount: Usd| amount.to_string().split_once('.').map_or(2, |(_, f)| f.len());
    match amounts.into_iter().map(needed).max().unwrap_or(2) {
        0..=2 => 2,
        needed => needed.max(6),
    }
}

/// Like [`money`], with at least so many decimals, so that a column lines up.
#[must_use]
pub fn money_at(amount: Usd, decimals: usize) -> String {
    let mut text = money(amount);
    let shown = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    text.extend(std::iter::repeat_n('0', decimals.saturating_sub(shown)));
    text
}

/// `850 ms`, `12.3 s`.
#[must_use]
pub fn millis(ms: u32) -> String {
    match ms {
        0..=999 => format!("{ms} ms"),
        _ => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
    }
}

/// `850 ms`, `12.345 s`, `2 min 5 s`, `3 h 2 min`: exact below a minute.
#[must_use]
pub fn duration(ms: u64) -> String {
    let (seconds, rest) = (ms / 1_000, ms % 1_000);
    match seconds {
        0 => format!("{ms} ms"),
        1..=59 if rest == 0 => format!("{seconds} s"),
        1..=59 => format!("{seconds}.{}", format!("{rest:03}").trim_end_matches('0')) + " s",
        60..=3_599 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", count(seconds / 3_600), seconds % 3_600 / 60),
    }
}

/// `5 Mar 2026, 14:02:07`, where the zone is named elsewhere.
#[must_use]
pub fn second(at: DateTime<Utc>) -> String {
    at.format("%-d %b %Y, %H:%M:%S").to_string()
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
    fn what_is_guessed_is_said_to_the_cent() {
        let shown = |text: &str| cents(text.parse().unwrap());
        assert_eq!(shown("33.028396345"), "$33.03");
        assert_eq!(shown("0.014999999"), "$0.01");
        assert_eq!(shown("0.000123"), "$0.000123");
        assert_eq!(shown("0"), "$0.00");
    }

    #[test]
    fn a_column_of_money_lines_up_and_loses_nothing() {
        let usd = |text: &str| text.parse::<Usd>().unwrap();
        assert_eq!(decimals([usd("1.5"), usd("20")]), 2);
        assert_eq!(decimals([usd("1.5"), usd("0.001")]), 6);
        assert_eq!(decimals([usd("0.000000001"), usd("0.001")]), 9);
        assert_eq!(money_at(usd("1.5"), 6), "$1.500000");
        assert_eq!(money_at(usd("0.000000001"), 6), "$0.000000001");
    }

    #[test]
    fn durations_are_milliseconds_until_there_are_seconds() {
        assert_eq!(millis(999), "999 ms");
        assert_eq!(millis(12_345), "12.3 s");
        let long = [0, 999, 12_000, 12_340, 125_999, 7_322_000].map(duration);
        assert_eq!(long, ["0 ms", "999 ms", "12 s", "12.34 s", "2 min 5 s", "2 h 2 min"]);
    }

    #[test]
    fn an_instant_names_its_zone() {
        let at = DateTime::from_timestamp(1_772_719_320, 0).unwrap();
        assert_eq!(instant(at), "5 Mar 2026, 14:02 UTC");
        assert_eq!(ago(at, at + chrono::TimeDelta::minutes(4)), "4 min ago");
        assert_eq!(ago(at, at - chrono::TimeDelta::minutes(4)), "0 s ago");
    }
}
