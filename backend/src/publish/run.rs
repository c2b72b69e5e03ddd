//! The publisher's loop: woken by a commit, and looking for itself twice a second.

use super::step::{Publisher, Step};
use crate::app::App;
use crate::outbox::CHANNEL;
use sqlx::postgres::PgListener;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often it looks when nobody wakes it: what a flushed Redis waits at most.
const POLL: Duration = Duration::from_millis(500);

/// Publishes until `stop`. Neither a lost Postgres nor a lost Redis ends it.
pub async fn run(app: App, mut publisher: Publisher, stop: CancellationToken) {
    let mut listener = None;
    let mut failing = false;
    while !stop.is_cancelled() {
        match publisher.step().await {
            Ok(Step::Applied(_) | Step::Rebuilt(_)) => {
                failing = false;
                continue;
            }
            Ok(Step::Idle(_) | Step::Busy) => failing = false,
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(%error, "publishing waits until this is over");
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = woken(&app, &mut listener) => {}
            () = tokio::time::sleep(POLL) => {}
        }
    }
}

/// Ends when a commit wrote to the outbox. Never ends while it cannot listen: the poll does.
async fn woken(app: &App, listener: &mut Option<PgListener>) {
    if listener.is_none() {
        *listener = app.db.listen(CHANNEL).await.ok();
    }
    match listener {
        Some(heard) => {
            if heard.recv().await.is_err() {
                *listener = None;
                std::future::pending::<()>().await;
            }
        }
        None => std::future::pending().await,
    }
}
