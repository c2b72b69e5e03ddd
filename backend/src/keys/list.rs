//! Lists keys, without secrets.

use super::store;
use crate::db::Tx as _;
use crate::http::{Answer, OrgCtx, PageQuery, QueryId, Result};
use contract::api::keys::Key;
use contract::id::AppId;
use contract::page::Page;
use contract::role::Action;

/// The organisation's keys, newest first; with `app`, those of one app.
#[utoipa::path(get, path = "/v1/orgs/{org}/keys", tag = "keys",
    params(("app" = Option<AppId>, Query, description = "Only keys of this app.")),
    responses((status = 200, body = Page<Key>)))]
pub async fn list_keys(
    ctx: OrgCtx,
    QueryId(app): QueryId<AppId>,
    page: PageQuery,
) -> Result<Answer<Page<Key>>> {
    let mut tx = ctx.tenant_tx(Action::ViewKeys).await?;
    let now = tx.now();
    let keys = store::list(&mut tx, app, page).await?;
    let page = page.page(keys, |key| (key.created_at, key.id.0));
    Ok(Answer::ok(page.map(|key| key.shown(now))))
}
