//! What the owner of a route may name in it, and what is wrong with a policy in that light.

use super::store;
use crate::db::Tx;
use crate::http::ApiError;
use contract::error::FieldError;
use contract::id::{ModelId, OrgId};
use contract::snapshot::{Lifecycle, RoutePolicy};
use route::check::{Known, KnownPlace, check};

/// What a route of `model` may name; `None` where its owner cannot have one.
pub(super) async fn known(
    tx: &mut impl Tx,
    org: Option<OrgId>,
    model: ModelId,
) -> sqlx::Result<Option<Known>> {
    let models = store::models(tx, org).await?;
    let own = models.iter().find(|one| one.id == model && one.state != Lifecycle::Retired);
    let Some(own) = own else { return Ok(None) };
    let takes_calls = |state| matches!(state, Lifecycle::Active | Lifecycle::Deprecated);
    let alike: Vec<ModelId> = models
        .iter()
        .filter(|one| one.modality == own.modality && (takes_calls(one.state) || one.id == model))
        .map(|one| one.id)
        .collect();
    let places = store::places(tx, org).await?.into_iter();
    let places = places.filter(|place| alike.contains(&place.model_id));
    let places = places.map(|place| KnownPlace {
        id: place.deployment_id,
        model_id: place.model_id,
        region: place.region,
        weight: place.weight,
    });
    let places = places.collect();
    let fallbacks = store::fallbacks(tx, org).await?;
    Ok(Some(Known { model: Some(model), places, models: alike, fallbacks }))
}

/// Everything that is wrong with the policy of a request's body.
pub(super) fn faults(policy: &RoutePolicy, known: &Known) -> Vec<FieldError> {
    let faults = check(policy, known).into_iter();
    faults.map(|fault| FieldError::new(format!("/policy{}", fault.at), fault.detail)).collect()
}

/// # Errors
/// `request.invalid` with everything that is wrong, each with its place.
pub(super) fn refuse(policy: &RoutePolicy, known: &Known) -> Result<(), ApiError> {
    match faults(policy, known) {
        faults if faults.is_empty() => Ok(()),
        faults => Err(ApiError::invalid(faults)),
    }
}
