//! From entries of the stream to booked rows, once each. One poisoned event never stops the rest.

use super::book::{self, Batch};
use super::event::{self, Refusal, Told};
use super::letters::Letter;
use super::stream::Entry;
use super::{shadows, unknowns};
use crate::app::App;
use crate::db::Tx as _;
use contract::usage::{Unsettled, UsageEvent};
use sqlx::error::DatabaseError;

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Booked {
    /// Events booked now.
    pub new: usize,
    /// Events that were booked before.
    pub known: usize,
    /// Entries kept as dead letters.
    pub dead: usize,
}

/// Why nothing of a batch was booked. It can be tried again as it is.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    #[error("postgres: {0}")]
    Postgres(#[from] sqlx::Error),
}

/// Books `entries`, in one transaction if possible. When it returns `Ok`, every entry is booked,
/// was booked before, or is a dead letter, and may leave the stream.
///
/// # Errors
/// Postgres cannot be reached or is busy. Entries booked so far stay booked; try all again.
pub async fn ingest(app: &App, entries: &[Entry]) -> Result<Booked, IngestError> {
    let now = app.clock.now();
    let mut letters = Vec::new();
    let mut events: Vec<(&Entry, UsageEvent)> = Vec::new();
    let mut unsettled: Vec<(&Entry, Unsettled)> = Vec::new();
    for entry in entries {
        let read = event::read(entry.body.as_deref());
        match read.and_then(|told| told.check(now).map(|()| told)) {
            Ok(Told::Event(event)) => events.push((entry, *event)),
            Ok(Told::Unsettled(call)) => unsettled.push((entry, *call)),
            Err(refusal) => letters.push(Letter::new(entry, &refusal)),
        }
    }
    let mut booked = book::book(app, &Batch { events: &[], letters: &letters }).await?;
    // Halves that still wait, the first on top.
    let mut parts: Vec<&[(&Entry, UsageEvent)]> = vec![events.as_slice()];
    while let Some(part) = parts.pop() {
        if part.is_empty() {
            continue;
        }
        match book::book(app, &Batch { events: part, letters: &[] }).await {
            Ok(done) => booked = booked.and(done),
            Err(IngestError::Postgres(sqlx::Error::Database(error))) if is_poison(&*error) => {
                if let [(entry, _)] = part {
                    let refusal = Refusal::Database(error.message().to_owned());
                    let letter = [Letter::new(entry, &refusal)];
                    let done = book::book(app, &Batch { events: &[], letters: &letter }).await?;
                    booked = booked.and(done);
                } else {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.push(second);
                    parts.push(first);
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(booked.and(take(app, &unsettled).await?))
}

/// Takes in calls without an end, after the events: one that has its event is not unknown.
async fn take(app: &App, unsettled: &[(&Entry, Unsettled)]) -> Result<Booked, IngestError> {
    if unsettled.is_empty() {
        return Ok(Booked::default());
    }
    let is_copy = |call: &&Unsettled| call.intent.shadow.is_some_and(|shadow| shadow.on_platform);
    let (copies, calls): (Vec<&Unsettled>, Vec<&Unsettled>) =
        unsettled.iter().map(|(_, call)| call).partition(is_copy);
    let calls: Vec<Unsettled> = calls.into_iter().cloned().collect();
    let mut tx = app.system_tx("usage", "take in calls without an end").await?;
    shadows::take(&mut tx, &copies).await?;
    let foreign = unknowns::take(&mut tx, &calls).await?;
    tx.commit().await?;
    let letters: Vec<Letter> = unsettled
        .iter()
        .filter(|(_, call)| foreign.contains(&call.intent.request_id))
        .map(|(entry, _)| Letter::new(entry, &Refusal::Foreign))
        .collect();
    let refused = book::book(app, &Batch { events: &[], letters: &letters }).await?;
    Ok(Booked { known: unsettled.len() - refused.dead, ..refused })
}

impl Booked {
    const fn and(self, other: Self) -> Self {
        Self {
            new: self.new + other.new,
            known: self.known + other.known,
            dead: self.dead + other.dead,
        }
    }
}

/// Whether the database refuses the data itself: a value it cannot hold (class 22), a constraint
/// (23), or a rule of ours (P0001). Anything else may pass.
pub fn is_poison(error: &dyn DatabaseError) -> bool {
    error
        .code()
        .is_some_and(|code| code.starts_with("22") || code.starts_with("23") || code == "P0001")
}
