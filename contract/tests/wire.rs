//! What crossed the wire once must be readable for ever: every fixture under `wire/<n>` is a
//! message as the n-th release wrote it. Never edit one; add a folder when a shape grows.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says where by panicking")]

use contract::channel::{Change, GatewayBeat, Stored};
use contract::snapshot::{Kind, Record};
use contract::usage::{Unsettled, UsageEvent};
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

fn fixtures(prefix: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire");
    let mut found = Vec::new();
    for release in std::fs::read_dir(root).unwrap() {
        for file in std::fs::read_dir(release.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            if path.file_name().unwrap().to_str().unwrap().starts_with(prefix) {
                found.push((path.clone(), std::fs::read_to_string(path).unwrap()));
            }
        }
    }
    assert!(!found.is_empty(), "no fixture starts with {prefix}");
    found
}

/// Decodes every fixture, and proves that writing it again loses nothing that was read.
fn decode_all<T: DeserializeOwned + serde::Serialize + PartialEq + std::fmt::Debug>(
    prefix: &str,
) -> Vec<T> {
    fixtures(prefix)
        .into_iter()
        .map(|(path, text)| {
            let read: T = serde_json::from_str(&text)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let again: T = serde_json::from_str(&serde_json::to_string(&read).unwrap()).unwrap();
            assert_eq!(read, again, "{}", path.display());
            read
        })
        .collect()
}

#[test]
fn every_record_ever_published_still_decodes_and_no_kind_is_without_a_fixture() {
    let records: Vec<Record> = decode_all("record-");
    for kind in Kind::ALL {
        assert!(records.iter().any(|r| r.kind() == *kind), "no fixture of {}", kind.as_str());
    }
    for record in records {
        assert!(!record.id().is_empty());
    }
}

#[test]
fn every_change_ever_published_still_decodes() {
    let changes: Vec<Change> = decode_all("change-");
    assert!(changes.iter().any(|c| c.record.is_none()), "no fixture of a removal");
    assert!(changes.iter().any(|c| c.record.is_some()), "no fixture of a record");
}

#[test]
fn every_stored_record_still_decodes() {
    let stored: Vec<Stored> = decode_all("stored-");
    assert!(stored.iter().all(|s| s.version > 0));
}

#[test]
fn every_usage_event_ever_written_still_decodes_with_its_money_exact() {
    let events: Vec<UsageEvent> = decode_all("usage-");
    assert!(events.iter().any(|e| e.cost_nanos.0 == 73_500), "the known cost changed");
    assert!(events.iter().any(|e| e.deployment_id.is_none()), "no fixture of the least event");
}

#[test]
fn every_unsettled_intent_ever_shipped_still_decodes() {
    let unsettled: Vec<Unsettled> = decode_all("unsettled-");
    assert!(unsettled.iter().any(|u| u.ended && u.intent.reserved_nanos.0 == 1_000_000));
    assert!(unsettled.iter().any(|u| !u.ended), "no fixture of a call that may still run");
}

#[test]
fn an_attempt_that_only_a_newer_release_can_read_does_not_cost_the_event() {
    let (_, text) = fixtures("usage-full").into_iter().find(|(_, t)| t.contains("_made")).unwrap();
    let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
    value["attempts_made"][1]["outcome"] = "from_the_future".into();
    let event: UsageEvent = serde_json::from_value(value).unwrap();
    assert_eq!(event.attempts_made.len(), 1);
}

#[test]
fn every_heartbeat_still_decodes() {
    let beats: Vec<GatewayBeat> = decode_all("beat-");
    assert!(beats.iter().all(|b| b.config_version > 0));
    assert!(beats.iter().any(|b| b.held_nanos > 0), "no fixture of a gateway at work");
    assert!(beats.iter().any(|b| b.deployments.len() == 2), "no fixture that tells deployments");
}

#[test]
fn a_field_from_a_newer_release_does_not_stop_an_older_reader() {
    for (path, text) in fixtures("record-") {
        let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let inner = value.as_object_mut().unwrap().values_mut().next().unwrap();
        inner.as_object_mut().unwrap().insert("from_the_future".into(), true.into());
        serde_json::from_value::<Record>(value)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}
