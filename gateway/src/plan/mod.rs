//! The fifth room: in which order the model's deployments are tried. A pure function of the
//! snapshot and a source of chance.

use crate::fault::Fault;
use crate::snapshot::{DeploymentView, ModelView};
use contract::error::ErrorCode;

/// Deployments in the order of trying, never empty.
#[derive(Debug)]
pub struct Plan {
    first: DeploymentView,
    rest: Vec<DeploymentView>,
}

impl Plan {
    /// How many deployments there are to try.
    #[must_use]
    pub fn places(&self) -> usize {
        self.rest.len() + 1
    }

    /// The deployment of the `nth` attempt, from 0; after the last the first is due again.
    #[must_use]
    pub fn attempt(&self, nth: usize) -> &DeploymentView {
        match nth % self.places() {
            0 => &self.first,
            place => self.rest.get(place - 1).unwrap_or(&self.first),
        }
    }
}

/// Orders the open deployments by weighted chance: each place goes to one of those left, as
/// often as its share of their weights. `takes` leaves out those that cannot answer the call,
/// `below(n)` gives a number under `n`.
///
/// # Errors
/// `upstream.none` when no deployment is open.
pub fn plan(
    model: &ModelView,
    takes: impl Fn(&DeploymentView) -> bool,
    mut below: impl FnMut(u64) -> u64,
) -> Result<Plan, Fault> {
    let mut left: Vec<&DeploymentView> = model
        .deployments
        .iter()
        .filter(|deployment| deployment.record.weight > 0 && deployment.is_open())
        .filter(|deployment| takes(deployment))
        .collect();
    let mut next = || {
        let total = left.iter().map(|deployment| u64::from(deployment.record.weight)).sum();
        let mut ticket = if left.len() > 1 { below(total) } else { 0 };
        let place = left.iter().position(|deployment| {
            let weight = u64::from(deployment.record.weight);
            let here = ticket < weight;
            ticket = ticket.saturating_sub(weight);
            here
        })?;
        Some(left.remove(place).clone())
    };
    let first = next().ok_or_else(|| none(model, takes))?;
    Ok(Plan { first, rest: std::iter::from_fn(next).collect() })
}

/// Why no deployment is left: none of those that are open has such calls, or none is open.
fn none(model: &ModelView, takes: impl Fn(&DeploymentView) -> bool) -> Fault {
    let name = &model.record.name;
    if model.deployments.is_empty() || model.deployments.iter().any(takes) {
        let detail = format!("No deployment of `{name}` takes calls at the moment.");
        return Fault::us(ErrorCode::UpstreamNone, detail);
    }
    let detail = format!(
        "No provider of `{name}` serves this kind of call. The operator has to deploy the model with \
         one that does."
    );
    Fault::us(ErrorCode::UpstreamNone, detail).useless_to_retry()
}
