//! Seconds as providers write them, `12.345`, as whole milliseconds: money never meets a float.

/// Milliseconds of a decimal number of seconds, rounded up; quotes around it are left out.
/// `None`: it is none, or negative.
pub(super) fn millis(raw: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(raw).ok()?.trim_matches('"');
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let (thousandths, rest) = fraction.split_at_checked(3).unwrap_or((fraction, ""));
    let thousandths: u64 = format!("{thousandths:0<3}").parse().ok()?;
    let more = u64::from(rest.bytes().any(|byte| byte != b'0'));
    whole.parse::<u64>().ok()?.checked_mul(1_000)?.checked_add(thousandths)?.checked_add(more)
}

#[cfg(test)]
mod tests {
    use super::millis;

    #[test]
    fn seconds_are_read_to_the_millisecond_and_rounded_up() {
        for (text, is) in [
            ("9", Some(9_000)),
            ("0", Some(0)),
            ("8.470000267028809", Some(8_471)),
            ("8.4700", Some(8_470)),
            ("\"8.47\"", Some(8_470)),
            ("0.0001", Some(1)),
            ("-1", None),
            ("1e3", None),
            ("", None),
            (".5", None),
            ("null", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(millis(text.as_bytes()), is, "{text}");
        }
    }
}
