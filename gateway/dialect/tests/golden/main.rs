//! Every pair of dialects, every kind of conversation: what is written is kept as a snapshot to be
//! read by people, and what a machine can judge is judged here: read back, the caller's text says
//! what the provider's did.
//!
//! The fixtures are one folder per dialect, the same scenes in each. `matrix.snap` is the whole on
//! one page: every caller, every provider, every scene, and what becomes of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests"
)]

mod book;
mod gist;
mod scene;

mod golden {
    use crate::book::{self, Outcome};
    use crate::scene::Scene;
    use dialect::Wire;
    use std::fmt::Write as _;

    fn snapshot(name: &str, text: &str) {
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name, text);
        });
    }

    macro_rules! pairs {
        ($($name:ident: $from:ident -> $to:ident;)*) => {
            /// The table that everything here is made of.
            const PAIRS: &[(Wire, Wire)] = &[$((Wire::$from, Wire::$to)),*];

            $(#[test]
            fn $name() {
                let cells = book::cells(Wire::$from, Wire::$to);
                snapshot(stringify!($name), &book::page(&cells));
            })*
        };
    }

    pairs! {
        chat_to_chat: Chat -> Chat;
        chat_to_responses: Chat -> Responses;
        chat_to_messages: Chat -> Messages;
        chat_to_gemini: Chat -> Gemini;
        chat_to_converse: Chat -> Converse;
        chat_to_cohere: Chat -> Cohere;
        chat_to_watsonx: Chat -> Watsonx;
        chat_to_ollama: Chat -> Ollama;
        responses_to_chat: Responses -> Chat;
        responses_to_responses: Responses -> Responses;
        responses_to_messages: Responses -> Messages;
        responses_to_gemini: Responses -> Gemini;
        responses_to_converse: Responses -> Converse;
        responses_to_cohere: Responses -> Cohere;
        responses_to_watsonx: Responses -> Watsonx;
        responses_to_ollama: Responses -> Ollama;
        messages_to_chat: Messages -> Chat;
        messages_to_responses: Messages -> Responses;
        messages_to_messages: Messages -> Messages;
        messages_to_gemini: Messages -> Gemini;
        messages_to_converse: Messages -> Converse;
        messages_to_cohere: Messages -> Cohere;
        messages_to_watsonx: Messages -> Watsonx;
        messages_to_ollama: Messages -> Ollama;
        gemini_to_chat: Gemini -> Chat;
        gemini_to_responses: Gemini -> Responses;
        gemini_to_messages: Gemini -> Messages;
        gemini_to_gemini: Gemini -> Gemini;
        gemini_to_converse: Gemini -> Converse;
        gemini_to_cohere: Gemini -> Cohere;
        gemini_to_watsonx: Gemini -> Watsonx;
        gemini_to_ollama: Gemini -> Ollama;
        cohere_to_chat: Cohere -> Chat;
        cohere_to_responses: Cohere -> Responses;
        cohere_to_messages: Cohere -> Messages;
        cohere_to_gemini: Cohere -> Gemini;
        cohere_to_converse: Cohere -> Converse;
        cohere_to_cohere: Cohere -> Cohere;
        cohere_to_watsonx: Cohere -> Watsonx;
        cohere_to_ollama: Cohere -> Ollama;
    }

    #[test]
    fn every_caller_meets_every_provider_in_every_scene() {
        let callers = || Wire::ALL.into_iter().filter(|wire| wire.inbound().is_some());
        let providers = || Wire::ALL.into_iter().filter(|wire| wire.outbound().is_some());
        let wanted: Vec<_> =
            callers().flat_map(|from| providers().map(move |to| (from, to))).collect();
        assert_eq!(PAIRS.len(), wanted.len());
        assert!(wanted.iter().all(|pair| PAIRS.contains(pair)), "{wanted:?}");
        for pair in PAIRS {
            let scenes: Vec<_> =
                book::cells(pair.0, pair.1).iter().map(|cell| cell.scene).collect();
            assert_eq!(scenes, Scene::ALL);
        }
    }

    /// `·`: told whole. `but`: told, and the caller hears of these fields, which are left out or said
    /// in other words.
    #[test]
    fn every_cell_of_the_matrix_says_what_becomes_of_it() {
        let names = Scene::ALL.map(Scene::as_str);
        let mut page =
            format!("| | {} |\n|---|{}\n", names.join(" | "), "---|".repeat(names.len()));
        for (from, to) in PAIRS {
            write!(page, "| {from} to {to} |").unwrap();
            for cell in book::cells(*from, *to) {
                match cell.outcome {
                    Outcome::Told => page += " · |",
                    Outcome::Dropped(fields) => write!(page, " but {fields} |").unwrap(),
                    Outcome::Refused(field) => write!(page, " refused at {field} |").unwrap(),
                }
            }
            page += "\n";
        }
        snapshot("matrix", &page);
    }
}
