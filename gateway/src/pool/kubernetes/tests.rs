//! Answers as a cluster gives them, and an API server that gives them over HTTPS.

use super::*;

const ANSWER: &str = include_str!("endpointslices.json");

#[test]
fn ready_endpoints_are_found_by_the_name_or_the_number_of_a_port() {
    let wanted = ["10.244.1.17:8000", "10.244.2.9:8000", "[fd00:10:244::11]:8000"];
    assert_eq!(endpoints(ANSWER.as_bytes(), "http").unwrap(), wanted);
    assert_eq!(endpoints(ANSWER.as_bytes(), "8000").unwrap(), wanted);
    let other = endpoints(ANSWER.as_bytes(), "grpc").unwrap_err();
    assert!(other.contains("\"grpc\"") && other.contains("\"http\""), "{other}");
    assert_eq!(endpoints(br#"{"kind":"EndpointSliceList","items":[]}"#, "http"), Ok(Vec::new()));
    for wrong in ["", "<html>", "[]", r#"{"items":[{"endpoints":3}]}"#] {
        assert!(endpoints(wrong.as_bytes(), "http").is_err(), "{wrong}");
    }
}
