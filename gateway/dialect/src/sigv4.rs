//! AWS Signature Version 4, of headers: a pure function of a request, a credential and an instant.
//! What must stay true: the path and query that are signed are the bytes that are sent.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::fmt::{self, Write};

/// Who signs.
#[derive(Clone, Copy)]
pub struct Credential<'a> {
    pub access_key_id: &'a str,
    pub secret_access_key: &'a str,
    /// Of temporary credentials.
    pub session_token: Option<&'a str>,
}

impl fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

/// What is signed.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub method: &'a str,
    /// As it is sent, percent-encoded, without the query.
    pub path: &'a str,
    /// As it is sent, without `?`; empty for none.
    pub query: &'a str,
    /// All headers to be signed but those that [`sign`] adds; `host` must be among them. In any
    /// order and case.
    pub headers: &'a [(&'a str, &'a str)],
    /// [`hash`] of the body.
    pub body_sha256: &'a str,
}

/// The service called, and where.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    pub region: &'a str,
    /// `bedrock` for Bedrock's runtime.
    pub service: &'a str,
}

/// The headers to add to the request.
#[derive(Clone, PartialEq, Eq)]
pub struct Signed {
    /// `x-amz-date`.
    pub date: String,
    /// `x-amz-security-token`, where the credential has one.
    pub token: Option<String>,
    /// `authorization`.
    pub authorization: String,
}

impl fmt::Debug for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signed").field("date", &self.date).finish_non_exhaustive()
    }
}

/// SHA-256 of a body, in hex.
#[must_use]
pub fn hash(body: &[u8]) -> String {
    hex(&Sha256::digest(body))
}

/// Signs a request. `now`: seconds since 1970, UTC.
#[must_use]
pub fn sign(request: &Request<'_>, by: &Credential<'_>, scope: &Scope<'_>, now: i64) -> Signed {
    let date = instant(now);
    let day = date.get(..8).unwrap_or_default();
    let mut headers: Vec<(String, String)> = request
        .headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), one_spaced(value)))
        .collect();
    headers.push(("x-amz-date".to_owned(), date.clone()));
    if let Some(token) = by.session_token {
        headers.push(("x-amz-security-token".to_owned(), token.to_owned()));
    }
    let (canonical_headers, names) = canonical_headers(headers);
    let canonical = format!(
        "{}\n{}\n{}\n{canonical_headers}\n{names}\n{}",
        request.method,
        encoded(request.path, true),
        canonical_query(request.query),
        request.body_sha256,
    );
    let scope_text = format!("{day}/{}/{}/aws4_request", scope.region, scope.service);
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope_text}\n{}", hash(canonical.as_bytes()));
    let secret = format!("AWS4{}", by.secret_access_key);
    let key = [day, scope.region, scope.service, "aws4_request"]
        .iter()
        .fold(secret.into_bytes(), |key, part| mac(&key, part.as_bytes()).to_vec());
    let signature = hex(&mac(&key, to_sign.as_bytes()));
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/{scope_text}, SignedHeaders={names}, Signature={signature}",
        by.access_key_id
    );
    Signed { date, token: by.session_token.map(str::to_owned), authorization }
}

/// The headers as `name:value` lines, those of one name joined in their order, and the names.
fn canonical_headers(mut headers: Vec<(String, String)>) -> (String, String) {
    headers.sort_by(|a, b| a.0.cmp(&b.0));
    let mut lines = String::new();
    let mut names = String::new();
    let mut last = None;
    for (name, value) in &headers {
        if last == Some(name) {
            lines.push(',');
        } else {
            if last.is_some() {
                lines.push('\n');
                names.push(';');
            }
            lines.push_str(name);
            lines.push(':');
            names.push_str(name);
        }
        lines.push_str(value);
        last = Some(name);
    }
    lines.push('\n');
    (lines, names)
}

/// The query's pairs in the order of their bytes. They are sent encoded, so nothing is encoded
/// again but what a sender may have left as it is.
fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (encoded_once(name), encoded_once(value))
        })
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// Percent-encoded; all but unreserved characters, and `/` where `path`.
fn encoded(text: &str, path: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for &byte in text.as_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            b'/' if path => out.push('/'),
            _ => percent(&mut out, byte),
        }
    }
    out
}

fn encoded_once(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, part) in text.split('%').enumerate() {
        let escaped =
            part.get(..2).filter(|two| at > 0 && two.bytes().all(|b| b.is_ascii_hexdigit()));
        match (at, escaped) {
            (0, _) => out.push_str(&encoded(part, false)),
            (_, Some(two)) => {
                out.push('%');
                out.push_str(&two.to_ascii_uppercase());
                out.push_str(&encoded(part.get(2..).unwrap_or_default(), false));
            }
            (_, None) => {
                percent(&mut out, b'%');
                out.push_str(&encoded(part, false));
            }
        }
    }
    out
}

/// One segment of a path, percent-encoded as AWS wants it sent: a model's name may be an ARN.
#[must_use]
pub fn segment(text: &str) -> String {
    encoded(text, false)
}

fn percent(out: &mut String, byte: u8) {
    // Writing to a String does not fail.
    write!(out, "%{byte:02X}").unwrap_or_default();
}

/// Without space around it, and single spaces within.
fn one_spaced(value: &str) -> String {
    value.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

fn mac(key: &[u8], text: &[u8]) -> [u8; 32] {
    // HMAC takes a key of any length; without one there is no signature, and AWS refuses.
    Hmac::<Sha256>::new_from_slice(key)
        .map(|mac| mac.chain_update(text).finalize().into_bytes().into())
        .unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(out, "{byte:02x}").unwrap_or_default();
    }
    out
}

/// `20150830T123600Z`. Before 1970 and after 9999 as these.
fn instant(now: i64) -> String {
    let now = now.clamp(0, 253_402_300_799);
    let (days, second) = (now / 86_400, now % 86_400);
    // Days to a date, after Howard Hinnant: years begin in March, so that the leap day is last.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SCOPE: Scope<'_> = Scope { region: "us-east-1", service: "service" };
    const NOW: i64 = 1_440_938_160;
    const HOST: (&str, &str) = ("Host", "example.amazonaws.com");

    fn credential(session_token: Option<&str>) -> Credential<'_> {
        Credential {
            access_key_id: "AKIDEXAMPLE",
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            session_token,
        }
    }

    fn signature(
        method: &str,
        path: &str,
        query: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> String {
        let body_sha256 = hash(body.as_bytes());
        let request = Request { method, path, query, headers, body_sha256: &body_sha256 };
        let signed = sign(&request, &credential(None), &SCOPE, NOW);
        signed.authorization.rsplit_once("Signature=").unwrap().1.to_owned()
    }

    /// Vectors of AWS's signing test suite, by their names there.
    #[test]
    fn signatures_are_those_of_aws_published_test_suite() {
        for (name, method, path, query, headers, body, expected) in VECTORS {
            let headers = [&[HOST], *headers].concat();
            assert_eq!(signature(method, path, query, &headers, body), *expected, "{name}");
        }
    }

    type Vector<'a> =
        (&'a str, &'a str, &'a str, &'a str, &'a [(&'a str, &'a str)], &'a str, &'a str);

    const VECTORS: &[Vector<'_>] = &[
        (
            "get-vanilla",
            "GET",
            "/",
            "",
            &[],
            "",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        (
            "get-vanilla-query-order-key-case",
            "GET",
            "/",
            "Param2=value2&Param1=value1",
            &[],
            "",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            "get-vanilla-query-order-encoded",
            "GET",
            "/",
            "Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
            &[],
            "",
            "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
        ),
        (
            "get-vanilla-query-unreserved",
            "GET",
            "/",
            "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
            &[],
            "",
            "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
        ),
        (
            "get-vanilla-utf8-query",
            "GET",
            "/",
            "ሴ=bar",
            &[],
            "",
            "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
        ),
        (
            "get-unreserved",
            "GET",
            "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
            "",
            &[],
            "",
            "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
        ),
        (
            "get-space-unnormalized",
            "GET",
            "/example space/",
            "",
            &[],
            "",
            "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
        ),
        (
            "get-utf8",
            "GET",
            "/ሴ",
            "",
            &[],
            "",
            "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
        ),
        (
            "get-header-key-duplicate",
            "GET",
            "/",
            "",
            &[("My-Header1", "value2"), ("My-Header1", "value2"), ("My-Header1", "value1")],
            "",
            "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
        ),
        (
            "get-header-value-order",
            "GET",
            "/",
            "",
            &[
                ("My-Header1", "value4"),
                ("My-Header1", "value1"),
                ("My-Header1", "value3"),
                ("My-Header1", "value2"),
            ],
            "",
            "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
        ),
        (
            "get-header-value-trim",
            "GET",
            "/",
            "",
            &[("My-Header1", " value1"), ("My-Header2", " \"a   b   c\"")],
            "",
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
        ),
        (
            "post-header-key-sort",
            "POST",
            "/",
            "",
            &[("My-Header1", "value1")],
            "",
            "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
        ),
        (
            "post-vanilla",
            "POST",
            "/",
            "",
            &[],
            "",
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        ),
        (
            "post-vanilla-query",
            "POST",
            "/",
            "Param1=value1",
            &[],
            "",
            "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
        ),
        (
            "post-x-www-form-urlencoded",
            "POST",
            "/",
            "",
            &[
                ("Content-Type", "application/x-www-form-urlencoded"),
                ("Content-Length", "13"),
                (
                    "x-amz-content-sha256",
                    "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e",
                ),
            ],
            "Param1=value1",
            "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
        ),
    ];

    #[test]
    fn the_headers_are_those_of_the_suite_and_a_session_token_is_signed() {
        let body_sha256 = hash(b"");
        let request = Request {
            method: "GET",
            path: "/",
            query: "",
            headers: &[HOST],
            body_sha256: &body_sha256,
        };
        let signed = sign(&request, &credential(None), &SCOPE, NOW);
        assert_eq!(signed.date, "20150830T123600Z");
        assert_eq!(
            signed.authorization,
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date, \
             Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        );
        let token = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267";
        let signed = sign(&request, &credential(Some(token)), &SCOPE, NOW);
        assert_eq!(signed.token.as_deref(), Some(token));
        assert_eq!(
            signed.authorization,
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date;x-amz-security-token, \
             Signature=07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8"
        );
    }

    #[test]
    fn a_secret_never_shows_in_debug_output() {
        let shown = format!("{:?}", credential(Some("token-of-a-session")));
        assert!(!shown.contains("wJalr") && !shown.contains("token-of"), "{shown}");
    }

    #[test]
    fn an_arn_is_one_segment_of_a_path_and_is_encoded_again_to_be_signed() {
        let sent = segment("arn:aws:bedrock:eu-west-1:1:inference-profile/a.b-v1:0");
        assert_eq!(sent, "arn%3Aaws%3Abedrock%3Aeu-west-1%3A1%3Ainference-profile%2Fa.b-v1%3A0");
        assert!(encoded(&sent, true).contains("arn%253Aaws"));
    }

    #[test]
    fn instants_are_told_in_utc() {
        for (now, text) in [
            (0, "19700101T000000Z"),
            (951_782_400, "20000229T000000Z"),
            (1_735_689_599, "20241231T235959Z"),
            (1_709_251_199, "20240229T235959Z"),
            (4_107_542_400, "21000301T000000Z"),
            (-5, "19700101T000000Z"),
            (i64::MAX, "99991231T235959Z"),
        ] {
            assert_eq!(instant(now), text);
        }
    }

    proptest! {
        #[test]
        fn no_request_makes_it_panic_and_any_change_changes_the_signature(
            path in "/.{0,20}", query in ".{0,30}", value in "[ -~]{0,20}", body in any::<Vec<u8>>(), now in any::<i64>(),
        ) {
            let body_sha256 = hash(&body);
            let headers = [("host", "h"), ("x", value.as_str())];
            let request = Request { method: "POST", path: &path, query: &query, headers: &headers, body_sha256: &body_sha256 };
            let signed = sign(&request, &credential(None), &SCOPE, now);
            let other = Request { method: "GET", ..request };
            prop_assert_ne!(signed, sign(&other, &credential(None), &SCOPE, now));
        }
    }
}
