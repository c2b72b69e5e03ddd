//! Makes a budget.

use super::model::{self, Row};
use super::{fit, shown, spend, store};
use crate::audit::{self, Entry};
use crate::db::{TenantTx, Tx as _};
use crate::http::{Answer, ApiError, Check, OrgCtx, Post, Result};
use crate::outbox;
use contract::api::budgets::{Budget, BudgetAction, CreateBudget};
use contract::error::{ErrorCode, FieldError};
use contract::id::{BudgetId, ModelId};
use contract::role::Action;
use contract::snapshot::{Kind, Tag};

/// Makes a budget. Look at its `warnings`: budgets may contradict each other.
#[utoipa::path(post, path = "/v1/orgs/{org}/budgets", tag = "budgets",
    request_body = CreateBudget, responses((status = 201, body = Budget)))]
pub async fn create_budget(ctx: OrgCtx, post: Post<CreateBudget>) -> Result<Answer<Budget>> {
    let mut tx = ctx.tenant_tx(Action::EditBudget).await?;
    post.once(&mut tx).await?;
    let budget = create(&mut tx, &post.body).await?;
    let version = budget.version;
    post.commit(tx, Answer::created(budget).version(version)).await
}

/// # Errors
/// `request.invalid`, `object.name_taken`; `object.conflict` when there are too many.
pub async fn create(tx: &mut TenantTx, new: &CreateBudget) -> Result<Budget> {
    let mut row = read(tx, new).await?;
    if let BudgetAction::Downgrade { model_id } = row.action {
        check_fit(tx, &row, model_id).await?;
    }
    let count = store::count(tx).await?;
    if usize::try_from(count).is_ok_and(|count| count >= model::BUDGETS_MAX) {
        let detail = format!("An organisation has at most {} budgets.", model::BUDGETS_MAX);
        return Err(ApiError::new(ErrorCode::Conflict, detail));
    }
    let period = row.period(row.created_at);
    row.before = spend::between(tx, &row, period).await?;
    store::insert(tx, &row).await?;
    let row = store::find(tx, row.id).await?.ok_or_else(ApiError::not_found)?;
    outbox::push(tx, Kind::Limit, model::limit_id(row.id)).await?;
    let budget = shown::whole(tx, &row).await?;
    audit::record(tx, Entry::new("create_budget", "budget", row.id).after(&budget)).await?;
    Ok(budget)
}

/// # Errors
/// `request.invalid` when the model may not take the budget's calls.
pub(super) async fn check_fit(tx: &mut TenantTx, row: &Row, model: ModelId) -> Result<()> {
    match fit::unfit(tx, row, model).await? {
        None => Ok(()),
        Some(why) => Err(ApiError::invalid(vec![FieldError::new("/action/model_id", why)])),
    }
}

async fn read(tx: &mut TenantTx, new: &CreateBudget) -> Result<Row> {
    let scope_name = store::find_scope_name(tx, new.scope).await?;
    let model_name = match new.model_id {
        Some(id) => find_model_name(tx, id).await?,
        None => None,
    };
    let mut check = Check::new();
    let name = check.line("/name", &new.name, 1..=80).to_owned();
    check.that(
        scope_name.is_some(),
        "/scope",
        "The organisation has no such object. Put the budget on the organisation itself, a team, \
         an app, a key, or a plan that it is subscribed to.",
    );
    check.that(
        new.model_id.is_none() || model_name.is_some(),
        "/model_id",
        "There is no such model.",
    );
    if let Some(tag) = &new.tag
        && let Err(fault) = Tag::new(&tag.name, &tag.value)
    {
        check.that(false, "/tag", format!("{fault}."));
    }
    let amount = check.take(model::amount("/amount_usd", new.amount_usd));
    let thresholds = check.take(model::thresholds(new.thresholds.as_deref()));
    check.take(model::window(new.window));
    check.take(model::action(new.action));
    check.done()?;
    Ok(Row {
        id: tx.new_id(BudgetId::new),
        org_id: tx.org_id(),
        name,
        scope: new.scope,
        scope_name: scope_name.unwrap_or_default(),
        model_id: new.model_id,
        model_name,
        tag: new.tag.clone(),
        amount,
        window: new.window,
        zone: new.zone,
        thresholds,
        action: new.action,
        downgrade_model_name: None,
        before: 0,
        made_version: 0,
        checked_at: None,
        raises: Vec::new(),
        created_at: tx.now(),
        version: 1,
    })
}

async fn find_model_name(tx: &mut TenantTx, id: ModelId) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("select name from models where id = $1 and state <> 'draft'", id.0)
        .fetch_optional(tx.conn())
        .await
}
