//! Schedules a brown-out of a deprecated model.

use crate::audit::{self, Entry};
use crate::db::Tx as _;
use crate::http::{Answer, ApiError, At, Check, OperatorCtx, Post, Result};
use crate::lifecycle::store;
use crate::lifecycle::tell::TellOwners;
use crate::{jobs, models, outbox};
use chrono::TimeDelta;
use contract::api::lifecycle::{BrownOut, CreateBrownOut};
use contract::error::ErrorCode;
use contract::id::{BrownOutId, ModelId};
use contract::snapshot::{Kind, Lifecycle};

const LENGTH_MAX: TimeDelta = TimeDelta::days(7);
/// Brown-outs of a model that are not over, at most.
const BROWN_OUTS_MAX: usize = 50;

/// Schedules a while in which a share of a deprecated model's calls is refused. The people of the
/// apps that call it are told.
#[utoipa::path(post, path = "/v1/admin/models/{model}/brown-outs", tag = "models",
    request_body = CreateBrownOut, responses((status = 201, body = BrownOut)))]
pub async fn create_brown_out(
    ctx: OperatorCtx,
    At(of): At<ModelId>,
    post: Post<CreateBrownOut>,
) -> Result<Answer<BrownOut>> {
    let mut tx = ctx.system_tx("schedule a brown-out").await?;
    post.once(&mut tx).await?;
    let model =
        models::store::find_for_update(&mut tx, of).await?.ok_or_else(ApiError::not_found)?;
    if model.state != Lifecycle::Deprecated {
        let detail = format!(
            "Only calls of deprecated models are refused so; this one is {}.",
            model.state.as_str()
        );
        return Err(ApiError::new(ErrorCode::Conflict, detail));
    }
    let CreateBrownOut { starts_at, ends_at, percent, answer } = post.body;
    let now = tx.now();
    let mut check = Check::new();
    check.that(starts_at > now, "/starts_at", "Say an instant to come.");
    check.that(ends_at > starts_at, "/ends_at", "It ends after it starts.");
    check.that(ends_at <= starts_at + LENGTH_MAX, "/ends_at", "Use at most seven days.");
    let is_before = model.sunset_at.is_none_or(|sunset| ends_at <= sunset);
    check.that(is_before, "/ends_at", "It ends before the model does.");
    check.that((1..=100).contains(&percent), "/percent", "Use 1 to 100.");
    let open = &model.brown_outs;
    let overlaps = open.iter().any(|one| starts_at < one.ends_at && one.starts_at < ends_at);
    check.that(!overlaps, "/starts_at", "Another one is in that time.");
    check.that(open.len() < BROWN_OUTS_MAX, "/starts_at", "There are 50 to come already.");
    check.done()?;

    let id = tx.new_id(BrownOutId::new);
    let one = BrownOut { id, model_id: of, starts_at, ends_at, percent, answer };
    store::insert_brown_out(&mut tx, &one).await?;
    outbox::push(&mut tx, Kind::Model, of).await?;
    jobs::enqueue(&mut tx, &TellOwners { model: of }).await?;
    audit::record(&mut tx, Entry::new("create_brown_out", "brown_out", id).after(&one)).await?;
    post.commit(tx, Answer::created(one)).await
}
