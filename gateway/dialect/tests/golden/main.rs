//! Every pair of dialects, every kind of conversation: what is written is kept as a snapshot to be
//! read by people, and what a machine can judge is judged here: read back, the caller's text says
//! what the provider's did.
//!
//! The fixtures are one folder per dialect, the same scenes in each. A scene that a dialect cannot
//! tell has no file there, and the snapshot says so.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests"
)]

mod book;
mod scene;

use dialect::Wire;

macro_rules! pairs {
    ($($name:ident: $from:ident -> $to:ident;)*) => {$(
        #[test]
        fn $name() {
            let text = book::pair(Wire::$from, Wire::$to);
            insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
                insta::assert_snapshot!(stringify!($name), text);
            });
        }
    )*};
}

pairs! {
    messages_to_messages: Messages -> Messages;
    messages_to_converse: Messages -> Converse;
}
