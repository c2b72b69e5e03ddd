//! Pictures, voices and judgements: forms, what is asked for, answers, events, recordings.

use crate::Knobs;
use bytes::Bytes;
use contract::money::{Nanos, Rates, UnitRates};
use dialect::convert::WatchStream as _;
use dialect::media::{self, Asked, Task, Watcher};
use dialect::{Reported, sse};

const FORM: &str = "multipart/form-data; boundary=edge";
const OTHER: &str = "another-model";

/// A form that is taken is still the same form once its model has another name.
pub fn form(text: &[u8]) {
    let body = Bytes::copy_from_slice(text);
    for task in [Task::Edit, Task::Vary, Task::Transcribe] {
        let Ok((ask, asked)) = media::read(task, text, Some(FORM)) else { continue };
        let sent = Asked::write_form(&body, &ask, OTHER);
        let again = media::read(task, &sent, Some(FORM));
        let again = again.map(|(told, same)| (told.model, same));
        assert_eq!(again, Ok((OTHER.to_owned(), asked)), "{}", sent.escape_ascii());
    }
}

/// What is asked for is never more once it is done than it was before, and never nothing.
pub fn asked(knobs: Knobs, text: &[u8]) {
    let task = Task::ALL.get(knobs.pick(Task::ALL.len())).copied().unwrap_or(Task::Generate);
    if let Ok((_, asked)) = media::read(task, text, None) {
        let one = Nanos(1_000_000_000_000);
        let units =
            UnitRates { image: one, million_characters: one, audio_minute: one, ..UnitRates::FREE };
        for rates in
            [Rates { input: one, output: one, ..Rates::FREE }, Rates { units, ..Rates::FREE }]
        {
            let (input, output, units) = asked.sizes.most();
            let (used, _) = asked.sizes.used(&rates, &Reported::NOTHING, 0);
            assert!(rates.price(&used) <= rates.price_max(input, output, &units), "{asked:?}");
        }
    }
}

/// Answers and events, whichever it is.
pub fn answer(knobs: Knobs, text: &[u8]) {
    for task in Task::ALL {
        if let Ok((reported, _)) = media::read_answer(task, text) {
            // Sums that would overflow panic here, as this is built.
            let _ = reported.tokens.map(|tokens| tokens.total());
        }
        let mut watcher = Watcher::new(task, u64::try_from(knobs.pick(3)).unwrap_or(1));
        let mut events = sse::Events::new(1 << 20);
        let mut out = std::collections::VecDeque::new();
        let read = Bytes::copy_from_slice(text);
        let watched = events.push(read, &mut out, |event| {
            let _ = watcher.see(event);
            sse::Verdict::Keep
        });
        assert!(watched.is_ok() || text.len() > 1 << 20, "{watched:?}");
        let _ = (watcher.reported(), watcher.may_end());
    }
}

/// A length that is known is some.
pub fn recording(text: &[u8]) {
    let Some(ms) = media::length_ms(text) else { return };
    assert!(ms > 0, "a length of nothing");
}
