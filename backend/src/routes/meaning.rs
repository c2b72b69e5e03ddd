//! Which model and version a name means that somebody wants explained, and whether a brown-out is in
//! the way.

use super::store::PlaceSeenRow;
use crate::db::{SystemTx, Tx as _};
use crate::http::{ApiError, Result};
use crate::lifecycle::names::{Names, Node};
use crate::lifecycle::store::{brown_out_record, names, open_brown_outs};
use contract::api::lifecycle::BrownOut;
use contract::api::routes::ExplainRoute;
use contract::error::FieldError;
use contract::id::ModelId;
use contract::snapshot::{Lead, Lifecycle, PIN};
use route::plan::Runs;

/// What a name means.
#[derive(Debug)]
pub(super) struct Meaning {
    pub model: ModelId,
    /// The first model on the way there: the regions of its route hold.
    pub first: ModelId,
    /// The label of the version that answers.
    pub version: Option<String>,
    is_pinned: bool,
    pub brown_out: Option<BrownOut>,
    pub is_browned_out: Option<bool>,
}

impl Meaning {
    /// How what a deployment runs stands to what the call is for.
    pub fn runs(&self, place: &PlaceSeenRow) -> Runs {
        let is_own = place.model_id == self.model;
        match (is_own, place.version == self.version) {
            (true, true) => Runs::Asked,
            (false, _) if !self.is_pinned => Runs::Asked,
            (true, false) if !self.is_pinned => Runs::Another,
            _ => Runs::Wrong,
        }
    }
}

/// # Errors
/// `request.invalid` where it means nothing.
pub(super) async fn of(tx: &mut SystemTx, asked: &ExplainRoute) -> Result<Meaning> {
    let now = tx.now();
    let names = names(tx).await?;
    let invalid = |detail: String| ApiError::invalid(vec![FieldError::new("/model", detail)]);
    let ((model, first), version, is_pinned, named) =
        read(&names, &asked.model, now).map_err(invalid)?;
    let is_leaving = named.state == Some(Lifecycle::Deprecated);
    let Node::Model(leaving) = named.node else { return Err(ApiError::not_found()) };
    let open = if is_leaving { open_brown_outs(tx, Some(&[leaving.0])).await? } else { Vec::new() };
    let brown_out = open.into_iter().find(|one| brown_out_record(one).is_at(now));
    let refuses = |one: &BrownOut| Some(brown_out_record(one).refuses(asked.request_id?));
    let is_browned_out = brown_out.as_ref().and_then(refuses);
    Ok(Meaning { model, first, version, is_pinned, brown_out, is_browned_out })
}

type Read<'a> = ((ModelId, ModelId), Option<String>, bool, &'a crate::lifecycle::names::Name);

/// The model, with the first one on the way there, its version, whether only that one will do, and the model whose end is told of.
fn read<'a>(names: &'a Names, text: &str, now: contract::Timestamp) -> Result<Read<'a>, String> {
    let none = || "There is no such model.".to_owned();
    if let Some(name) = names.find(text).filter(|_| !text.contains(PIN)) {
        let end = names.end_at(name.node, Some(now)).ok_or_else(none)?;
        let is_leaving = name.state.is_some_and(|state| state != Lifecycle::Active);
        let told = if is_leaving { name } else { end.model };
        return Ok(((end.id, end.first), end.version.map(str::to_owned), end.is_pinned, told));
    }
    match names.read(None, text)? {
        Lead::Model { id, version } => {
            let model = names.get(Node::Model(id)).ok_or_else(none)?;
            Ok(((id, id), version, true, model))
        }
        Lead::Alias { .. } => Err(none()),
    }
}
