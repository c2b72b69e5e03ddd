//! Every kind of job, a line each; and the schedule, a line each.

use super::schedule::Every;
use super::{Job, JobError};
use crate::app::App;
use crate::{billing, budgets, identity, lifecycle, notify, routes, usage, webhooks};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::Value;

type Run = fn(App, Value) -> BoxFuture<'static, Result<(), JobError>>;

/// Kind and what runs it.
pub(super) const JOBS: &[(&str, Run)] = &[
    kind::<notify::send::SendMail>(),
    kind::<webhooks::send::SendWebhook>(),
    kind::<budgets::tell::TellBudgetAlert>(),
    kind::<identity::jobs::ForgetExpired>(),
    kind::<usage::jobs::PrepareMonths>(),
    kind::<billing::wallets::expire::ExpireCredits>(),
    kind::<billing::tariffs::close::RateMonths>(),
    kind::<usage::jobs::RetireMonths>(),
    kind::<usage::letters::alert::AlertDeadLetters>(),
    kind::<usage::unknowns::jobs::SweepUnknowns>(),
    kind::<lifecycle::follow::FollowLifecycles>(),
    kind::<lifecycle::tell::TellAllOwners>(),
    kind::<lifecycle::tell::TellOwners>(),
    kind::<routes::outcomes::merge::MergeOutcomes>(),
];

/// What runs by the clock. These jobs have no fields.
pub(super) const SCHEDULE: &[Every] = &[
    Every::hour::<identity::jobs::ForgetExpired>(),
    Every::hour::<usage::jobs::PrepareMonths>(),
    Every::minute::<billing::wallets::expire::ExpireCredits>(),
    Every::minute::<billing::tariffs::close::RateMonths>(),
    Every::day::<usage::jobs::RetireMonths>(),
    Every::minute::<usage::letters::alert::AlertDeadLetters>(),
    Every::minute::<usage::unknowns::jobs::SweepUnknowns>(),
    Every::minute::<lifecycle::follow::FollowLifecycles>(),
    Every::hour::<lifecycle::tell::TellAllOwners>(),
    Every::hour::<routes::outcomes::merge::MergeOutcomes>(),
];

const fn kind<J: Job>() -> (&'static str, Run) {
    (J::KIND, run::<J>)
}

fn run<J: Job>(app: App, payload: Value) -> BoxFuture<'static, Result<(), JobError>> {
    async move {
        let job: J = serde_json::from_value(payload).map_err(JobError::fail)?;
        job.run(&app).await
    }
    .boxed()
}
