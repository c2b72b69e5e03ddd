//! The Open Inference Protocol: tensors in JSON and in raw bytes, answers, text generation, errors.

use super::{framing, must_be_json};
use crate::Knobs;
use crate::cut::pieces;
use dialect::inference::{
    Form, check_answer, check_text, model_body, read_error, read_generate, read_request, text_watch,
};
use dialect::json;
use dialect::sse::{Events, Verdict};
use std::collections::VecDeque;

pub fn run(knobs: Knobs, text: &[u8]) {
    let json = text.iter().rposition(|byte| *byte == b'}').map_or(0, |at| at + 1);
    for form in [Form::Json, Form::Binary(json), Form::Binary(usize::from(knobs.0))] {
        if let Ok((ask, asked)) = read_request(text, form, "m") {
            assert!(!asked.tensors.is_empty() && ask.model == "m");
            let most = asked.tensors.iter().filter_map(|tensor| tensor.shape.first()).max();
            assert!(most.is_none_or(|most| asked.rows >= *most), "fewer rows than were sent");
        }
        let _ = check_answer(text, form);
    }
    let _ = (Form::of_header(Some(text)), read_error(text), check_text(text));
    if let Ok(body) = model_body(text, "m") {
        must_be_json("a model's description", &body);
    }
    if read_generate(text, "m", true).is_ok() {
        assert!(json::walk_object(text, |_| ()).is_ok(), "what is no JSON is taken");
    }
    let (mut events, mut eye) = (Events::new(framing::EVENT_MAX), text_watch());
    for piece in pieces(knobs, text) {
        let judge = |event: &[u8]| {
            let _ = eye.see(event);
            Verdict::Drop
        };
        if events.push(piece, &mut VecDeque::new(), judge).is_err() {
            return;
        }
    }
}
