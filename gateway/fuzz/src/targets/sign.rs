//! AWS signatures of any request: the same twice, of one line, and of nothing but ASCII.

use dialect::sigv4::{self, Credential, Request, Scope, hash, segment};

/// Lines: method, path, query, headers, and an instant.
pub fn sign(text: &[u8]) {
    let text = String::from_utf8_lossy(text);
    let lines: Vec<&str> = text.split('\n').collect();
    let line = |n: usize| lines.get(n).copied().unwrap_or_default();
    let headers: Vec<(&str, &str)> =
        lines.iter().skip(3).filter_map(|line| line.split_once(':')).collect();
    let body = hash(text.as_bytes());
    let request = Request {
        method: line(0),
        path: line(1),
        query: line(2),
        headers: &headers,
        body_sha256: &body,
    };
    let by = Credential {
        access_key_id: "AKIDEXAMPLE",
        secret_access_key: line(1),
        session_token: lines.get(4).copied(),
    };
    let scope = Scope { region: "eu-central-1", service: "bedrock" };
    let now = lines.last().and_then(|line| line.parse().ok()).unwrap_or(1_760_000_000);
    let signed = sigv4::sign(&request, &by, &scope, now);
    assert_eq!(signed, sigv4::sign(&request, &by, &scope, now), "the same twice");
    let signature = signed.authorization.rsplit_once("Signature=").map(|(_, hex)| hex);
    assert!(signature.is_some_and(|hex| hex.len() == 64), "{}", signed.authorization);
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~%".contains(c);
    assert!(segment(&text).chars().all(plain), "a segment of a path is one segment");
}
