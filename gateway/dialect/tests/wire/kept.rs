//! Any conversation, in any caller's dialect, told to any provider: what is read and written again
//! loses nothing that the table of losses does not name.

use crate::{PROVIDER, address, callers, providers, said};
use dialect::loss::Losses;
use dialect::neutral::{
    CallKind, Content, Media, Part, Request, Role, Sampling, Source, Tool, ToolCall, ToolKind,
    ToolResult, Turn,
};
use proptest::prelude::*;
use serde_json::json;

fn text() -> impl Strategy<Value = String> {
    // Quotes, backslashes, controls, more than one plane.
    "[a-zA-Z\"\\\\\n\t<>&é漢\u{1F980} ]{0,16}[a-z]"
}

/// What is said in one go: by the user, by the assistant, or a call and its result.
fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let user =
        (text(), proptest::option::of("([a-zA-Z0-9+/]{4}){2,5}")).prop_map(|(said, image)| {
            let image = image.map(|data| {
                let (source, media_type) = (Source::Inline(data), "image/png".to_owned());
                Part::new(Content::Image(Media { source, media_type, ..Media::default() }))
            });
            let parts = std::iter::once(Part::text(said)).chain(image).collect();
            vec![Turn::new(Role::User, parts)]
        });
    let answer = text().prop_map(|said| vec![Turn::new(Role::Assistant, vec![Part::text(said)])]);
    let call = (text(), text(), any::<u32>()).prop_map(|(city, result, n)| {
        let id = format!("call_{n:09}");
        let input = json!({ "city": city }).to_string();
        let (name, kind) = ("f".to_owned(), CallKind::Function);
        let call = ToolCall { id: id.clone(), name: name.clone(), input, kind };
        let result =
            ToolResult { call_id: id, name, parts: vec![Part::text(result)], is_error: false };
        vec![
            Turn::new(Role::Assistant, vec![Part::new(Content::ToolCall(call))]),
            Turn::new(Role::User, vec![Part::new(Content::ToolResult(result))]),
        ]
    });
    let first = text().prop_map(|said| vec![Turn::new(Role::User, vec![Part::text(said)])]);
    let rest = proptest::collection::vec(prop_oneof![user, answer, call], 0..5);
    (first, rest).prop_map(|(first, rest)| first.into_iter().chain(rest.concat()).collect())
}

prop_compose! {
    fn requests()(
        turns in turns(), stop in proptest::collection::vec("[a-z]{1,5}", 0..3),
        user in proptest::option::of("[a-z]{1,9}"), described in text(),
        temperature in proptest::option::of(0.0..1.0_f64),
    ) -> Request {
        let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
        Request {
            model: "m".to_owned(),
            turns,
            tools: vec![Tool {
                name: "f".to_owned(),
                description: Some(described),
                kind: ToolKind::Function { schema, strict: None },
                cache: None,
            }],
            sampling: Sampling { temperature, stop, ..Sampling::default() },
            end_user: user,
            ..Request::default()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_read_and_told_to_anybody_loses_nothing_that_is_not_named(meant in requests()) {
        for (from, caller) in callers() {
            let mut losses = Losses::new(from);
            let outbound = from.outbound().unwrap();
            // Stop sequences, say, that a caller of this dialect could not have asked for.
            let Ok(body) = outbound.write_request(&meant, &PROVIDER, &mut losses) else { continue };
            prop_assert_eq!(said::lost(&meant, &body, &losses), [], "as {} asks", from);
            let request = caller.read_request(&body, &address(from)).unwrap();
            for (to, provider) in providers() {
                let mut losses = Losses::new(to);
                let written = provider.write_request(&request, &PROVIDER, &mut losses);
                let Ok(body) = written else {
                    prop_assert!(written.unwrap_err().param.is_some());
                    continue;
                };
                let lost = said::lost(&request, &body, &losses);
                prop_assert_eq!(lost, [], "{} to {}, named {}", from, to, losses.header());
            }
        }
    }
}
