//! Which model a caller's name means at an instant: a model, a version of one (`model@label`), or an
//! alias of either. Names that lead in circles mean nothing; the backend makes none.

use super::store::Snapshot;
use super::view::ModelView;
use crate::fold::Folded;
use contract::Timestamp;
use contract::id::{AliasId, ModelId};
use contract::snapshot::{AliasRecord, LEADS_MAX, Lead, Lifecycle, PIN, VersionLife};
use std::collections::HashMap;
use std::sync::Arc;

/// All names that lead on.
#[derive(Debug, Default)]
pub struct Names {
    pub(super) models: HashMap<Box<str>, Arc<ModelView>, Folded>,
    by_id: HashMap<ModelId, Arc<ModelView>, Folded>,
    aliases: HashMap<Box<str>, Arc<AliasRecord>, Folded>,
    alias_by_id: HashMap<AliasId, Arc<AliasRecord>, Folded>,
}

/// What a name means.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    pub model: &'a Arc<ModelView>,
    /// The first model on the way: what its route says of regions holds wherever its name leads.
    pub named: ModelId,
    /// The version whose deployments answer; nothing: those that are of none.
    pub version: Option<&'a VersionLife>,
    /// The caller, or the alias that it named, asked for this very version.
    pub is_pinned: bool,
    /// The first model on the way that goes away or is gone: who called it is told so.
    pub leaving: Option<&'a Arc<ModelView>>,
}

/// Why a name means nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost<'a> {
    /// There is no such name, or it leads nowhere.
    Unknown,
    /// The model has no such version.
    Version { model: &'a str, label: &'a str },
}

impl Names {
    pub(super) fn assemble<'a>(
        models: &[Arc<ModelView>],
        aliases: impl Iterator<Item = &'a Arc<AliasRecord>>,
    ) -> Self {
        let mut all = Self::default();
        for model in models {
            all.models.insert(model.record.name.as_str().into(), Arc::clone(model));
            all.by_id.insert(model.record.id, Arc::clone(model));
        }
        for alias in aliases {
            all.aliases.insert(alias.name.as_str().into(), Arc::clone(alias));
            all.alias_by_id.insert(alias.id, Arc::clone(alias));
        }
        all
    }

    fn find<'a>(&'a self, name: &'a str, now: Timestamp) -> Result<Found<'a>, Lost<'a>> {
        if let Some(model) = self.models.get(name) {
            return self.onward(model, None, now);
        }
        let (name, asked) = match name.split_once(PIN) {
            Some((name, label)) => (name, Some(label)),
            None => (name, None),
        };
        if let (Some(model), Some(label)) = (self.models.get(name), asked) {
            return pinned(model, label, None);
        }
        let mut alias = self.aliases.get(name).ok_or(Lost::Unknown)?;
        for _ in 0..LEADS_MAX {
            match alias.lead_at(now) {
                Lead::Alias { id } => alias = self.alias_by_id.get(id).ok_or(Lost::Unknown)?,
                Lead::Model { id, version } => {
                    let model = self.by_id.get(id).ok_or(Lost::Unknown)?;
                    return match (version.as_deref(), asked) {
                        // It has its version from the alias.
                        (Some(_), Some(_)) => Err(Lost::Unknown),
                        (Some(label), None) | (None, Some(label)) => pinned(model, label, None),
                        (None, None) => self.onward(model, None, now),
                    };
                }
            }
        }
        Err(Lost::Unknown)
    }

    /// Where the name of a model leads.
    fn onward<'a>(
        &'a self,
        mut model: &'a Arc<ModelView>,
        mut leaving: Option<&'a Arc<ModelView>>,
        now: Timestamp,
    ) -> Result<Found<'a>, Lost<'a>> {
        let named = model.record.id;
        for _ in 0..LEADS_MAX {
            let state = model.record.state_at(now);
            if leaving.is_none() && matches!(state, Lifecycle::Deprecated | Lifecycle::Retired) {
                leaving = Some(model);
            }
            match model.record.lead_at(now) {
                None => {
                    return Ok(Found { model, named, version: None, is_pinned: false, leaving });
                }
                Some(Lead::Alias { .. }) => return Err(Lost::Unknown),
                Some(Lead::Model { id, version }) if *id == model.record.id => {
                    let Some(label) = version else {
                        return Ok(Found {
                            model,
                            named,
                            version: None,
                            is_pinned: false,
                            leaving,
                        });
                    };
                    return Ok(Found { named, is_pinned: false, ..pinned(model, label, leaving)? });
                }
                Some(Lead::Model { id, version }) => {
                    model = self.by_id.get(id).ok_or(Lost::Unknown)?;
                    if let Some(label) = version {
                        return Ok(Found { named, ..pinned(model, label, leaving)? });
                    }
                }
            }
        }
        Err(Lost::Unknown)
    }
}

/// A version by its label.
fn pinned<'a>(
    model: &'a Arc<ModelView>,
    label: &'a str,
    leaving: Option<&'a Arc<ModelView>>,
) -> Result<Found<'a>, Lost<'a>> {
    let version = model.record.life.versions.iter().find(|version| version.label == label);
    let known = version.filter(|version| version.state != Lifecycle::Draft);
    let version = known.ok_or(Lost::Version { model: &model.record.name, label })?;
    let named = model.record.id;
    Ok(Found { model, named, version: Some(version), is_pinned: true, leaving })
}

impl Snapshot {
    /// What a name means at an instant, in any state of its life.
    ///
    /// # Errors
    /// [`Lost`]: nothing.
    pub fn find<'a>(&'a self, name: &'a str, now: Timestamp) -> Result<Found<'a>, Lost<'a>> {
        self.names().find(name, now)
    }

    /// A model by its id.
    #[must_use]
    pub fn model_by_id(&self, id: ModelId) -> Option<&Arc<ModelView>> {
        self.names().by_id.get(&id)
    }

    /// Every name that callers may send, those of models first.
    pub fn each_name(&self) -> impl Iterator<Item = &str> {
        let mut aliases: Vec<&str> = self.names().aliases.keys().map(AsRef::as_ref).collect();
        aliases.sort_unstable();
        self.models().iter().map(|model| model.record.name.as_str()).chain(aliases)
    }
}
