//! Values of the wrong type at every depth: each node of each golden request is replaced by a value
//! of each other type. It is read, or refused at that node or at what holds it; nothing panics.

use crate::{PROVIDER, address, callers, providers, said};
use dialect::Wire;
use dialect::loss::Losses;
use serde_json::{Value, json};
use std::path::Path;

fn wrong() -> [Value; 10] {
    [
        Value::Null,
        json!(true),
        json!(7),
        json!(-1.5),
        json!(1e300),
        json!(""),
        json!("x"),
        json!([]),
        json!({}),
        json!([{"type": null}]),
    ]
}

/// The requests of a dialect's fixtures.
fn fixtures(folder: &str) -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(folder);
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let requests = entries.filter(|path| path.to_str().unwrap().ends_with("request.json"));
    let read = |path: std::path::PathBuf| {
        let value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        (path.display().to_string(), value)
    };
    requests.map(read).collect()
}

/// Every node below the top: as a JSON pointer, and as a path that callers are told.
fn nodes(value: &Value, pointer: &str, path: &str, all: &mut Vec<(String, String)>) {
    let below: Vec<(String, String, &Value)> = match value {
        Value::Array(items) => {
            let item = |(n, item)| (format!("{pointer}/{n}"), format!("{path}[{n}]"), item);
            items.iter().enumerate().map(item).collect()
        }
        Value::Object(object) => {
            let dot = if path.is_empty() { "" } else { "." };
            let member = |(name, value): (&String, _)| {
                (format!("{pointer}/{name}"), format!("{path}{dot}{name}"), value)
            };
            object.iter().map(|(name, value)| member((name, value))).collect()
        }
        _ => return,
    };
    for (pointer, path, value) in below {
        nodes(value, &pointer, &path, all);
        all.push((pointer, path));
    }
}

#[test]
fn a_value_of_the_wrong_type_is_named_where_it_is_at_every_depth() {
    for (wire, caller) in callers() {
        let (mut refused, mut read) = (0, 0_usize);
        for (name, request) in fixtures(wire.as_str()) {
            let mut all = Vec::new();
            nodes(&request, "", "", &mut all);
            for ((pointer, path), with) in
                all.iter().flat_map(|node| wrong().map(|with| (node.clone(), with)))
            {
                let mut changed = request.clone();
                *changed.pointer_mut(&pointer).unwrap() = with.clone();
                let body = changed.to_string();
                match caller.read_request(body.as_bytes(), &address(wire)) {
                    Ok(request) => {
                        read += 1;
                        let (to, provider) = providers().nth(read % Wire::ALL.len()).unwrap();
                        let mut losses = Losses::new(to);
                        match provider.write_request(&request, &PROVIDER, &mut losses) {
                            Err(refused) => assert!(refused.param.is_some(), "{name}: {refused}"),
                            // Every so often: it takes far longer than all the rest.
                            Ok(sent) if read % 197 == 0 => {
                                let lost = said::lost(&request, &sent, &losses);
                                assert_eq!(lost, [], "{name} to {to}: {with} at {path}");
                            }
                            Ok(sent) => assert!(sent.starts_with(b"{")),
                        }
                    }
                    Err(invalid) => {
                        refused += 1;
                        let param = invalid.param.as_deref().unwrap_or_default();
                        let near = path.starts_with(param) || param.starts_with(&path);
                        // What depends on another field is told where it is missed.
                        let parent = path.rsplit_once(['.', '[']).map_or("", |(up, _)| up);
                        assert!(
                            !param.is_empty() && (near || param.starts_with(parent)),
                            "{name}: {with} at {path} is refused at {param}: {}",
                            invalid.detail
                        );
                    }
                }
            }
        }
        assert!(refused > 500 && read > 100, "{wire}: {refused} refused, {read} read");
    }
}
