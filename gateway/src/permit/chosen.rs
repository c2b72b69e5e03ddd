//! Which model and which version of it a call's name means, whether it still answers, and what its
//! caller is told of its end.

use crate::admit::Stamp;
use crate::fault::{Fault, RETRY_WAIT_MAX, Retry};
use crate::render::leaving;
use crate::snapshot::{DeploymentView, Found, Lost, ModelView, Snapshot};
use chrono::SecondsFormat;
use contract::Timestamp;
use contract::error::ErrorCode;
use contract::id::ModelId;
use contract::snapshot::{BrownOutAnswer, Lifecycle, VersionLife};
use route::plan::Runs;
use std::sync::Arc;

/// The model that answers a call, and which version of it.
#[derive(Debug, Clone)]
pub struct Chosen {
    pub model: Arc<ModelView>,
    pub version: Version,
    /// The first model on the way: the regions of its route hold.
    pub named: ModelId,
    /// The model on the way that goes away: its brown-outs hold for the call.
    pub leaving: Option<Arc<ModelView>>,
}

/// Which version of a model answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Version {
    /// The one that the model's name leads to; nothing: what is of no version.
    InUse(Option<Box<str>>),
    /// The one that was asked for.
    Pinned(Box<str>),
    /// The call names a deployment in its provider's own words.
    Any,
}

impl Version {
    fn of(found: &Found<'_>) -> Self {
        let label = found.version.map(|version| Box::from(version.label.as_str()));
        match label {
            Some(label) if found.is_pinned => Self::Pinned(label),
            label => Self::InUse(label),
        }
    }

    /// How what a deployment runs stands to what the call is for; `own` is the call's model.
    #[must_use]
    pub fn runs(&self, place: &DeploymentView, own: ModelId) -> Runs {
        let version = place.record.version.as_deref();
        let is_own = place.record.model_id == own;
        match self {
            Self::Pinned(label) if !is_own || version != Some(label) => Runs::Wrong,
            Self::InUse(label) if is_own && version != label.as_deref() => Runs::Another,
            _ => Runs::Asked,
        }
    }
}

/// What a name means for a call, and what the call's answer says of the model's end.
///
/// # Errors
/// `model.unknown`, `model.retired`.
pub fn chosen(stamp: &Stamp, name: &str) -> Result<Chosen, Fault> {
    let found = stamp.snapshot.find(name, stamp.at).map_err(|lost| refused(name, lost))?;
    let leaving = tell(stamp, &found);
    living(stamp, name, &found)?;
    let version = Version::of(&found);
    Ok(Chosen { model: Arc::clone(found.model), version, named: found.named, leaving })
}

/// A model as it answers where nobody named it: as its own name leads.
///
/// # Errors
/// `model.unknown`, `model.retired`.
pub fn chosen_by_id(stamp: &Stamp, id: ModelId) -> Result<Chosen, Fault> {
    let model = stamp.snapshot.model_by_id(id).ok_or_else(|| unknown_model("the other one"))?;
    let name = &model.record.name;
    let found = stamp.snapshot.find(name, stamp.at).map_err(|lost| refused(name, lost))?;
    living(stamp, name, &found)?;
    let version = Version::of(&found);
    Ok(Chosen { model: Arc::clone(found.model), version, named: found.named, leaving: None })
}

/// A model that a call names in a provider's own words.
///
/// # Errors
/// `model.unknown`, `model.retired`.
pub fn chosen_native(
    stamp: &Stamp,
    name: &str,
    model: Option<&Arc<ModelView>>,
) -> Result<Chosen, Fault> {
    let model = model.ok_or_else(|| unknown_model(name))?;
    let named = model.record.id;
    let found = Found { model, named, version: None, is_pinned: false, leaving: None };
    let leaving = tell(stamp, &found);
    living(stamp, name, &found)?;
    Ok(Chosen { model: Arc::clone(model), version: Version::Any, named, leaving })
}

/// The refusal by a brown-out of a model that goes away, if it refuses this very call.
pub fn browned_out(stamp: &Stamp, model: &ModelView) -> Option<Fault> {
    let now = stamp.at;
    let one = model.record.brown_out_at(now).filter(|one| one.refuses(stamp.request_id))?;
    let mut detail = format!("The model `{}` goes away", model.record.name);
    if let Some(at) = model.record.life.sunset_at {
        detail.push_str(&format!(" on {}", at.format("%Y-%m-%d")));
    }
    detail.push_str(&instead(
        &stamp.snapshot,
        &model.record.life.successor_id,
        ": use ",
        " instead",
    ));
    let until = one.until.to_rfc3339_opts(SecondsFormat::Secs, true);
    detail.push_str(&format!(
        ". Until {until} {} % of its calls are refused, so that everybody knows in time.",
        one.percent
    ));
    let (code, origin) = match one.answer {
        BrownOutAnswer::Unavailable => (ErrorCode::ModelBrownOut, Retry::Safe),
        BrownOutAnswer::Gone => (ErrorCode::ModelBrownOutGone, Retry::Useless),
    };
    let wait = (one.until - now).to_std().unwrap_or_default();
    let retry = if wait > RETRY_WAIT_MAX { Retry::Useless } else { origin };
    Some(Fault { retry, ..Fault::client(code, detail).at("model").after(wait) })
}

/// Notes for the answer what goes away: the model that was named, else the one that answers, else
/// the version. Answers the model.
fn tell(stamp: &Stamp, found: &Found<'_>) -> Option<Arc<ModelView>> {
    let is_leaving = |state| matches!(state, Lifecycle::Deprecated | Lifecycle::Retired);
    let own = || Some(found.model).filter(|model| is_leaving(model.record.state_at(stamp.at)));
    let snapshot = &stamp.snapshot;
    let leaving = found.leaving.or_else(own);
    let headers = if let Some(model) = leaving {
        let life = &model.record.life;
        let successor = life.successor_id.and_then(|id| snapshot.model_by_id(id));
        // Without one, what answers in its place is.
        let moved = || Some(found.model).filter(|other| other.record.id != model.record.id);
        let successor = successor.or_else(moved).map(|one| one.record.name.as_str());
        leaving::headers(life.deprecated_at, life.sunset_at, successor)
    } else {
        let version = found.version.filter(|_| found.is_pinned);
        let version = version.filter(|one| is_leaving(one.state))?;
        let successor = Some(found.model.record.name.as_str());
        leaving::headers(version.deprecated_at, version.sunset_at, successor)
    };
    // A call names one model: nothing was noted before.
    let _ = stamp.leaving.set(headers);
    leaving.cloned()
}

/// Refuses what is not there yet and what is gone.
fn living(stamp: &Stamp, name: &str, found: &Found<'_>) -> Result<(), Fault> {
    let (record, now) = (&found.model.record, stamp.at);
    match record.state_at(now) {
        Lifecycle::Draft => return Err(unknown_model(name)),
        Lifecycle::Retired => {
            let since = since(record.life.sunset_at, now);
            let instead = instead(&stamp.snapshot, &record.life.successor_id, " Use ", " instead.");
            let instead = if instead.is_empty() { " See /v1/models for others." } else { &instead };
            let detail = format!("The model `{}` was retired{since}.{instead}", record.name);
            return Err(Fault::client(ErrorCode::ModelRetired, detail).at("model"));
        }
        Lifecycle::Active | Lifecycle::Deprecated => {}
    }
    let is_gone = |version: &&VersionLife| version.state_at(now) == Lifecycle::Retired;
    match found.version.filter(is_gone) {
        Some(version) => {
            let (label, since) = (&version.label, since(version.sunset_at, now));
            let model = &record.name;
            let detail = format!(
                "The version `{label}` of the model `{model}` was retired{since}. Call `{model}` \
                 for the one in use."
            );
            Err(Fault::client(ErrorCode::ModelRetired, detail).at("model"))
        }
        None => Ok(()),
    }
}

fn since(sunset_at: Option<Timestamp>, now: Timestamp) -> String {
    let past = sunset_at.filter(|at| *at <= now);
    past.map_or_else(String::new, |at| format!(" on {}", at.format("%Y-%m-%d")))
}

fn instead(snapshot: &Snapshot, successor: &Option<ModelId>, before: &str, after: &str) -> String {
    let successor = successor.and_then(|id| snapshot.model_by_id(id));
    successor.map_or_else(String::new, |one| format!("{before}`{}`{after}", one.record.name))
}

/// The refusal of a model that there is not.
#[must_use]
pub fn unknown_model(name: &str) -> Fault {
    let shown: String = name.chars().take(80).collect();
    let detail = format!("There is no model `{shown}`. See /v1/models for those of your app.");
    Fault::client(ErrorCode::ModelUnknown, detail).at("model")
}

/// The refusal of a name that means nothing.
#[must_use]
pub fn refused(name: &str, lost: Lost<'_>) -> Fault {
    let Lost::Version { model, label } = lost else { return unknown_model(name) };
    let label: String = label.chars().take(80).collect();
    let detail = format!(
        "The model `{model}` has no version `{label}`. Leave `@{label}` out for the one in use; \
         /v1/models/{model} has the others."
    );
    Fault::client(ErrorCode::ModelUnknown, detail).at("model")
}
