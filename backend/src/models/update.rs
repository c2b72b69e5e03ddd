//! Changes a model: how it is shown, its bounds, its state and its end.

use super::{model, store};
use crate::audit::{self, Entry};
use crate::catalog::store as catalog;
use crate::db::{SystemTx, Tx as _};
use crate::http::{Answer, ApiError, At, Check, OperatorCtx, Patch, Result};
use crate::lifecycle::names::{Names, Node, takes_calls};
use crate::lifecycle::store as lifecycle;
use crate::lifecycle::tell::TellOwners;
use crate::{jobs, outbox};
use contract::Timestamp;
use contract::api::models::{Model, UpdateModel};
use contract::error::ErrorCode;
use contract::id::ModelId;
use contract::snapshot::{Kind, Lifecycle};

/// Changes a model. Its name is permanent. The people of the apps that call it are told when it is
/// deprecated or retired.
#[utoipa::path(patch, path = "/v1/admin/models/{model}", tag = "models",
    request_body = UpdateModel, responses((status = 200, body = Model)))]
pub async fn update_model(
    ctx: OperatorCtx,
    At(id): At<ModelId>,
    patch: Patch<UpdateModel>,
) -> Result<Answer<Model>> {
    let mut tx = ctx.system_tx("change a model").await?;
    lifecycle::lock(&mut tx).await?;
    let before = store::find_for_update(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    let body = patch.over(&before, before.version)?;
    let after = update(&mut tx, before, &body).await?;
    tx.commit().await?;
    let version = after.version;
    Ok(Answer::ok(after).version(version))
}

/// # Errors
/// `request.invalid`; `object.conflict` for a step that the lifecycle does not have, and for the
/// retirement of what names still lead to or plans compare calls by.
pub async fn update(tx: &mut SystemTx, before: Model, body: &UpdateModel) -> Result<Model> {
    let names = lifecycle::names(tx).await?;
    let mut check = Check::new();
    let display_name = check.line("/display_name", &body.display_name, 1..=100).to_owned();
    check.all(model::check_shown(
        &display_name,
        before.modality,
        body.context_tokens_max,
        body.output_tokens_max,
    ));
    check_end(&mut check, &names, &before, body, tx.now());
    check.done()?;
    step(&names, &before, body.state)?;
    if body.state == Lifecycle::Retired && before.state != Lifecycle::Retired {
        compares_no_more(tx, before.id).await?;
    }
    let now = tx.now();
    let after = Model {
        display_name,
        state: body.state,
        context_tokens_max: body.context_tokens_max,
        output_tokens_max: body.output_tokens_max,
        deprecated_at: match body.state {
            Lifecycle::Deprecated => before.deprecated_at.or(Some(now)),
            Lifecycle::Retired => before.deprecated_at,
            Lifecycle::Draft | Lifecycle::Active => None,
        },
        sunset_at: match body.state {
            Lifecycle::Deprecated => body.sunset_at,
            // It ended now, whatever had been said.
            Lifecycle::Retired if before.state == Lifecycle::Deprecated => Some(now),
            Lifecycle::Retired => before.sunset_at,
            Lifecycle::Draft | Lifecycle::Active => None,
        },
        retired_at: (body.state == Lifecycle::Retired).then(|| before.retired_at.unwrap_or(now)),
        successor: body.successor.clone(),
        version: before.version + 1,
        ..before.clone()
    };
    store::update(tx, &after).await?;
    outbox::push(tx, Kind::Model, after.id).await?;
    if matches!(after.state, Lifecycle::Deprecated | Lifecycle::Retired) {
        jobs::enqueue(tx, &TellOwners { model: after.id }).await?;
    }
    let entry = Entry::new("update_model", "model", after.id).before(&before).after(&after);
    audit::record(tx, entry).await?;
    Ok(after)
}

/// A model by which plans compare calls is not retired by hand: they would stop without a word.
async fn compares_no_more(tx: &mut SystemTx, id: ModelId) -> Result<()> {
    let plans = catalog::plans_that_compare_by(tx, id).await?;
    if plans.is_empty() {
        return Ok(());
    }
    let plans = plans.join("`, `");
    let detail = format!(
        "The plans `{plans}` compare calls by this model. Let them compare by another one first, \
         or by none."
    );
    Err(ApiError::new(ErrorCode::Conflict, detail))
}

/// When it ends, and what comes after it.
fn check_end(check: &mut Check, names: &Names, before: &Model, body: &UpdateModel, now: Timestamp) {
    if body.sunset_at != before.sunset_at
        && let Some(at) = body.sunset_at
    {
        let is_deprecated = body.state == Lifecycle::Deprecated;
        check.that(is_deprecated, "/sunset_at", "Only what is deprecated ends.");
        check.that(at > now, "/sunset_at", "Say an instant to come.");
    }
    if body.successor != before.successor
        && let Some(name) = &body.successor
    {
        let known = names.find(name).filter(|known| matches!(known.node, Node::Model(_)));
        let detail = "There is no such model that takes calls.";
        check.that(known.and_then(|one| one.state).is_some_and(takes_calls), "/successor", detail);
        check.that(*name != before.name, "/successor", "Another model comes after it.");
    }
}

/// Whether it may go on to `state`.
fn step(names: &Names, before: &Model, state: Lifecycle) -> Result<()> {
    let conflict = |detail: String| Err(ApiError::new(ErrorCode::Conflict, detail));
    if !model::may_become(before.state, state) {
        let (from, to) = (before.state.as_str(), state.as_str());
        return conflict(format!("A model that is {from} cannot become {to}."));
    }
    if state != before.state
        && state == Lifecycle::Retired
        && let Some(name) = names.lost_with(before.id, None).first()
    {
        return conflict(format!(
            "Calls of `{name}` come to this model, or are to. Let that lead elsewhere first."
        ));
    }
    Ok(())
}
