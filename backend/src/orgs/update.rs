//! Renames an org, and says where its calls may be answered. Its slug stays: addresses keep working.

use super::store;
use crate::audit::{self, Entry};
use crate::db::Tx as _;
use crate::http::{Answer, ApiError, Check, OrgCtx, Patch, Result};
use crate::outbox;
use contract::api::orgs::{Org, UpdateOrg};
use contract::error::FieldError;
use contract::role::Action;
use contract::snapshot::Kind;

/// Regions of an org at most.
const REGIONS_MAX: usize = 50;

/// Renames an organisation, or says in which regions alone its calls may be answered.
#[utoipa::path(patch, path = "/v1/orgs/{org}", tag = "orgs",
    request_body = UpdateOrg, responses((status = 200, body = Org)))]
pub async fn update_org(ctx: OrgCtx, patch: Patch<UpdateOrg>) -> Result<Answer<Org>> {
    let mut tx = ctx.tenant_tx(Action::EditOrg).await?;
    let before = store::find_for_update(&mut tx).await?.ok_or_else(ApiError::not_found)?;
    let new = patch.over(&before, before.version)?;
    let mut check = Check::new();
    let name = check.line("/name", &new.name, 1..=100);
    let regions = new.allowed_regions.clone().unwrap_or_default();
    let is_moved = regions != before.allowed_regions;
    if is_moved {
        let known = store::list_regions(&mut tx).await?;
        check.all(faults(&regions, &known));
    }
    check.done()?;
    let version = store::update(&mut tx, name, &regions).await?;
    if is_moved {
        outbox::push(&mut tx, Kind::Org, before.id).await?;
    }
    let org = Org { name: name.to_owned(), allowed_regions: regions, version, ..before.clone() };
    audit::record(&mut tx, Entry::new("update_org", "org", org.id).before(&before).after(&org))
        .await?;
    tx.commit().await?;
    Ok(Answer::ok(org).version(version))
}

/// What is wrong with regions: one that nobody has would refuse every call.
fn faults(regions: &[String], known: &[String]) -> Vec<FieldError> {
    let mut faults = Vec::new();
    if regions.len() > REGIONS_MAX {
        let detail = format!("At most {REGIONS_MAX} regions.");
        faults.push(FieldError::new("/allowed_regions", detail));
    }
    for (nth, region) in regions.iter().enumerate() {
        let at = format!("/allowed_regions/{nth}");
        if !known.contains(region) {
            let there = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let detail = format!("No deployment is in this region; there are {there}.");
            faults.push(FieldError::new(at, detail));
        } else if regions.iter().take(nth).any(|earlier| earlier == region) {
            faults.push(FieldError::new(at, "The region is already in the list."));
        }
    }
    faults
}
