//! A body in the service's own words, as it goes to the service.

use crate::json;
use bytes::Bytes;
use serde_json::Value;

/// The body with the provider's name of the model, booked on the provider's project and on nobody
/// else's. The values of all other fields stay byte for byte.
#[must_use]
pub fn pass_request(body: &Bytes, upstream_model: &str, project: Option<&str>) -> Bytes {
    let mut out = Vec::with_capacity(body.len() + 64);
    out.extend_from_slice(b"{\"model_id\":");
    out.extend_from_slice(Value::from(upstream_model).to_string().as_bytes());
    if let Some(project) = project {
        out.extend_from_slice(b",\"project_id\":");
        out.extend_from_slice(Value::from(project).to_string().as_bytes());
    }
    let walked = json::walk_object(body, |member| {
        if matches!(member.name(body).as_deref(), Some(b"model_id" | b"project_id" | b"space_id")) {
            return;
        }
        out.extend_from_slice(b",\"");
        out.extend_from_slice(body.get(member.key.clone()).unwrap_or_default());
        out.extend_from_slice(b"\":");
        out.extend_from_slice(member.raw(body));
    });
    out.push(b'}');
    // It was read before, so it can be walked; what cannot be is refused by the service.
    if walked.is_ok() { out.into() } else { body.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_booked_on_the_providers_project_whatever_the_caller_says() {
        let body = Bytes::from_static(
            br#"{"project_id":"another","model_id":"in","x":[ 1 ],"space_id":"s"}"#,
        );
        let passed = pass_request(&body, "up", Some("ours"));
        assert_eq!(passed, &br#"{"model_id":"up","project_id":"ours","x":[ 1 ]}"#[..]);
        assert_eq!(pass_request(&body, "up", None), &br#"{"model_id":"up","x":[ 1 ]}"#[..]);
    }
}
