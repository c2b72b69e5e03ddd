//! The committed OpenAPI document is the one the program makes.

/// `tollgate-backend openapi > openapi/tollgate.json` brings it up to date.
#[test]
fn the_committed_document_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi/tollgate.json");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    let current = backend::http::openapi::document().unwrap();
    assert!(committed == current, "run: tollgate-backend openapi > openapi/tollgate.json");
}

#[test]
fn every_operation_has_an_id_a_tag_and_a_summary() {
    let document: serde_json::Value =
        serde_json::from_str(&backend::http::openapi::document().unwrap()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            for member in ["operationId", "tags", "summary"] {
                assert!(!operation[member].is_null(), "{method} {path} has no {member}");
            }
        }
    }
}
