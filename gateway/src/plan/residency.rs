//! Where a call may be answered: only in regions that all who have a say allow, which are its org,
//! the route of the model that it asked for, and the route of the one that it came from.

use crate::permit::Permit;
use contract::usage::Residency;

/// What is said beside the route of the call's own model.
pub(super) fn beside(permit: &Permit) -> Vec<&[String]> {
    let principal = &permit.call.principal;
    let (snapshot, org_id) = (&principal.stamp.snapshot, principal.key.org_id);
    let of_org = snapshot.org(org_id).map(|org| org.allowed_regions.as_slice());
    let from = [Some(permit.first), permit.fell_back].into_iter().flatten();
    let from = from
        .filter(|from| *from != permit.model.record.id)
        .filter_map(|from| snapshot.route(from, org_id))
        .map(|route| route.record.policy.regions.as_slice());
    of_org.into_iter().chain(from).filter(|regions| !regions.is_empty()).collect()
}

/// Every region that all allow; `None` where nobody says anything.
fn allowed(permit: &Permit) -> Option<Vec<String>> {
    let principal = &permit.call.principal;
    let route = principal.stamp.snapshot.route(permit.model.record.id, principal.key.org_id);
    let own = route.map(|route| route.record.policy.regions.as_slice());
    let mut lists = beside(permit);
    lists.extend(own.filter(|regions| !regions.is_empty()));
    let (first, rest) = lists.split_first()?;
    let in_all = |region: &&String| rest.iter().all(|list| list.contains(region));
    Some(first.iter().filter(in_all).cloned().collect())
}

/// Whether what a call says may be told in a region, to whomever.
#[must_use]
pub fn may_enter(permit: &Permit, region: &str) -> bool {
    allowed(permit).is_none_or(|allowed| allowed.iter().any(|one| one == region))
}

/// What is written down of it with the call, which was last asked in `region`.
#[must_use]
pub fn residency(permit: &Permit, region: Option<&str>) -> Option<Residency> {
    let allowed = allowed(permit)?;
    Some(Residency { allowed, region: region.map(str::to_owned) })
}

/// What a caller is told where no region is left.
pub(super) fn refused(permit: &Permit) -> String {
    let name = &permit.model.record.name;
    match allowed(permit).unwrap_or_default().as_slice() {
        [] => format!(
            "Calls of `{name}` may be answered in no region at all: those that the organisation \
             allows and those of the routes have none in common."
        ),
        allowed => format!(
            "Calls of `{name}` may be answered in {} only, and no deployment there can take this \
             one.",
            allowed.join(", ")
        ),
    }
}
