//! The short run: what once broke, then the seeds, then the same few hundred inputs of each target every time.
//! `FUZZ_RUNS` and `FUZZ_SEED` make it longer and other.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

use fuzz::mutate::{Sequence, mutated};
use fuzz::{Kind, Target, seeds};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

const RUNS: u64 = 400;
const SEED: u64 = 20_260_731;

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

fn all_of(kind: Kind) {
    let (runs, seed) = (number("FUZZ_RUNS", RUNS), number("FUZZ_SEED", SEED));
    for target in Target::of(kind) {
        let name = target.name();
        for (file, input) in found(&name) {
            show(target, &input, &file);
        }
        let seeds = seeds::of(target);
        assert!(seeds.len() > 1, "{name} has no seeds");
        for (n, input) in seeds.iter().enumerate() {
            show(target, input, &format!("seed {n}"));
        }
        let mut chance = Sequence(seed);
        for run in 0..runs {
            show(target, &mutated(&seeds, &mut chance), &format!("FUZZ_SEED={seed}, run {run}"));
        }
        eprintln!("{name}: {runs} inputs of FUZZ_SEED={seed}");
    }
}

fn show(target: Target, input: &[u8], whence: &str) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| target.run(input))) {
        eprintln!("{}, {whence}: {}", target.name(), input.escape_ascii());
        resume_unwind(panic);
    }
}

/// Inputs that once broke the target.
fn found(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("found");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let named = entries.map(|entry| (entry.file_name().into_string().unwrap(), entry.path()));
    named
        .filter(|(name, _)| name.split_once('-').is_some_and(|(of, _)| of == target))
        .map(|(name, path)| (name, std::fs::read(path).unwrap()))
        .collect()
}

#[test]
fn every_input_that_once_broke_something_belongs_to_a_target() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("found");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let target = name.split_once('-').map_or("", |(target, _)| target);
        assert!(name == "README.md" || Target::parse(target).is_some(), "{name} is of no target");
    }
}

macro_rules! kinds {
    ($($name:ident: $kind:ident;)*) => {
        $(#[test] fn $name() { all_of(Kind::$kind); })*

        #[test]
        fn every_kind_is_run() {
            assert_eq!(Kind::ALL, [$(Kind::$kind),*]);
        }
    };
}

kinds! {
    sse_events_are_the_same_wherever_reads_cut_them: Sse;
    event_stream_messages_are_the_same_wherever_reads_cut_them: EventStream;
    lines_are_the_same_wherever_reads_cut_them: Lines;
    bodies_are_scanned_as_json_is: Scan;
    bodies_that_pass_keep_all_but_the_model: Ask;
    every_path_can_be_signed: Sigv4;
    requests_are_read_or_refused_and_told_to_every_provider: Request;
    answers_are_read_or_malformed_and_told_to_every_caller: Answer;
    streams_keep_their_order_into_every_callers_dialect: Stream;
    errors_are_read_whatever_they_are: Error;
    embedding_requests_are_read_or_refused: Embed;
    embedding_answers_are_read_or_malformed: EmbedAnswer;
    rerank_requests_are_read_or_refused: Rerank;
    rerank_answers_are_read_or_malformed: RerankAnswer;
    count_requests_are_read_or_refused: Count;
    count_answers_are_read_or_malformed: CountAnswer;
    tensors_and_texts_are_read_or_refused: Inference;
    forms_stay_the_same_form_when_their_model_is_renamed: Form;
    media_is_never_done_for_more_than_was_reserved: Media;
    media_answers_and_events_are_read_or_malformed: MediaAnswer;
    recordings_have_a_length_or_none_that_is_known: Recording;
    pages_of_metrics_say_the_same_wherever_reads_cut_them: Metrics;
}
