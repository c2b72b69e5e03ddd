//! The fourth room: may this app make this call, on which plan, at what price, and how much could
//! it use. All from the snapshot.

mod bound;
mod chosen;

pub use bound::Bound;
pub use chosen::{Chosen, Version, chosen, chosen_by_id, refused, unknown_model};
use chosen::{browned_out, chosen_native};

use crate::admit::Stamp;
use crate::fault::Fault;
use crate::identify::Principal;
use crate::read::Call;
use crate::reserve::{Amounts, Caller};
use crate::snapshot::{ModelView, Snapshot};
use contract::Timestamp;
use contract::error::ErrorCode;
use contract::id::{AppId, ModelId, OrgId, ProviderId};
use contract::money::Nanos;
use contract::snapshot::{
    Modality, PlanRecord, PriceRecord, SubscriptionRecord, SubscriptionState,
};
use contract::usage::{Operation, ShadowOf, Units};
use std::mem::replace;
use std::rc::Rc;
use std::sync::Arc;

/// A model server's work assumed beforehand: nobody knows how long it will take.
const COMPUTE_MS_ASSUMED: u64 = 1_000;

/// A call that may be made.
#[derive(Debug)]
pub struct Permit {
    pub call: Call,
    pub model: Arc<ModelView>,
    pub version: Version,
    pub subscription: Arc<SubscriptionRecord>,
    pub plan: Arc<PlanRecord>,
    pub price: Arc<PriceRecord>,
    pub bound: Bound,
    /// The most it is expected to use.
    pub estimate: Amounts,
    /// It asked for another model, and runs on this one because of a budget.
    pub is_downgraded: bool,
    /// The model that it was to run on, where another is to answer because that one did not.
    pub fell_back: Option<ModelId>,
    /// The model that its caller asked for: the regions of that one's route hold wherever it goes.
    pub first: ModelId,
    /// Of which call it is a copy.
    pub shadow: Option<ShadowOf>,
}

/// On which terms a call runs on a model.
#[derive(Debug)]
pub struct Terms {
    pub model: Arc<ModelView>,
    pub version: Version,
    pub subscription: Arc<SubscriptionRecord>,
    pub plan: Arc<PlanRecord>,
    pub price: Arc<PriceRecord>,
    pub bound: Bound,
    pub estimate: Amounts,
}

impl Terms {
    /// Whose limits count.
    #[must_use]
    pub fn caller<'a>(&self, call: &'a Call) -> Caller<'a> {
        caller(&call.principal, &self.subscription, &self.model)
    }
}

impl Permit {
    /// When it was admitted.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.call.principal.stamp.at
    }

    /// Whose limits count.
    #[must_use]
    pub fn caller(&self) -> Caller<'_> {
        caller(&self.call.principal, &self.subscription, &self.model)
    }

    /// The model whose route says where it goes on.
    #[must_use]
    pub fn asked(&self) -> ModelId {
        self.fell_back.unwrap_or(self.model.record.id)
    }

    /// On which terms the call could run on another model. What only the asked model does goes
    /// nowhere else, nor does what is in a provider's own words.
    ///
    /// # Errors
    /// As [`permit`], of the other model; `model.operation` where it cannot take the call.
    pub fn elsewhere(&self, onto: ModelId) -> Result<Terms, Fault> {
        terms(&self.call, other(&self.call, &self.model, onto)?)
    }

    /// A copy of the call for a place of `model`. One that the org pays for runs on the org's own
    /// terms. One that the platform pays for costs its caller nothing, so that all it needs is a
    /// price to be told by.
    ///
    /// # Errors
    /// As [`permit`], of the other model; `model.operation` where it cannot take the call.
    pub fn copied(
        &self,
        stamp: Rc<Stamp>,
        model: ModelId,
        on_platform: bool,
    ) -> Result<Self, Fault> {
        let shadow = ShadowOf { request_id: self.call.principal.stamp.request_id, on_platform };
        let call = self.call.copied(stamp);
        let chosen = match model == self.model.record.id {
            true => chosen_by_id(&call.principal.stamp, model)?,
            false => other(&call, &self.model, model)?,
        };
        let terms = match on_platform {
            true => terms_of(&call, chosen, &self.subscription)?,
            false => terms(&call, chosen)?,
        };
        Ok(Self { shadow: Some(shadow), ..Self::under(terms, call, self.first) })
    }

    /// A call under its terms, which named a model first.
    fn under(terms: Terms, call: Call, first: ModelId) -> Self {
        let Terms { model, version, subscription, plan, price, bound, estimate } = terms;
        Self {
            call,
            model,
            version,
            subscription,
            plan,
            price,
            bound,
            estimate,
            is_downgraded: false,
            fell_back: None,
            first,
            shadow: None,
        }
    }

    /// The call runs on these terms from now on.
    pub fn fall_back(&mut self, terms: Terms) {
        self.fell_back = Some(self.asked());
        self.run_on(terms);
    }

    /// What `plan` makes of the call on other terms, which come back; the call stays as it is.
    ///
    /// # Errors
    /// As `plan` says.
    pub fn planned_on<P>(
        &mut self,
        terms: Terms,
        plan: impl FnOnce(&Self) -> Result<P, Fault>,
    ) -> Result<(Terms, P), Fault> {
        let asked = self.asked();
        let fell_back = self.fell_back.replace(asked);
        let own = self.run_on(terms);
        let planned = plan(self);
        let terms = self.run_on(own);
        self.fell_back = fell_back;
        planned.map(|plan| (terms, plan))
    }

    /// The terms until now.
    fn run_on(&mut self, terms: Terms) -> Terms {
        Terms {
            model: replace(&mut self.model, terms.model),
            version: replace(&mut self.version, terms.version),
            subscription: replace(&mut self.subscription, terms.subscription),
            plan: replace(&mut self.plan, terms.plan),
            price: replace(&mut self.price, terms.price),
            bound: replace(&mut self.bound, terms.bound),
            estimate: replace(&mut self.estimate, terms.estimate),
        }
    }
}

fn caller<'a>(
    principal: &'a Principal,
    subscription: &SubscriptionRecord,
    model: &ModelView,
) -> Caller<'a> {
    Caller {
        org_id: principal.key.org_id,
        team_id: principal.app.team_id,
        app_id: principal.app.id,
        key_id: principal.key.id,
        plan_id: subscription.plan_id,
        subscription_id: subscription.id,
        model_id: model.record.id,
        tags: &principal.tags,
    }
}

/// Whose limits count where a model is not called, only asked about.
///
/// # Errors
/// `subscription.missing`, `subscription.inactive`.
pub fn asker<'a>(principal: &'a Principal, model: &ModelView) -> Result<Caller<'a>, Fault> {
    let (stamp, app) = (&principal.stamp, &principal.app);
    let subscription = subscribed(&stamp.snapshot, app.id, app.org_id, model, stamp.at)?;
    Ok(caller(principal, subscription, model))
}

/// Checks model, subscription and price, and estimates the use.
///
/// # Errors
/// `model.unknown`, `model.retired`, `model.operation`, `model.brown_out`, `model.brown_out_gone`,
/// `subscription.missing`, `subscription.inactive`, `model.unpriced`.
pub fn permit(call: Call) -> Result<Permit, Fault> {
    let stamp = &call.principal.stamp;
    let (snapshot, now) = (&stamp.snapshot, stamp.at);
    let app = &call.principal.app;
    let name = &call.ask.model;
    let chosen = match &call.native {
        None => callable(name, chosen(stamp, name)?, call.operation)?,
        Some(native) => {
            let open = |model: &ModelView| is_subscribed(snapshot, app.id, app.org_id, model, now);
            callable_at(stamp, native.provider, name, open)?
        }
    };
    let refusal = chosen.leaving.as_ref().and_then(|model| browned_out(stamp, model));
    let permit = on(call, chosen)?;
    refusal.map_or(Ok(permit), Err)
}

/// The same call on a cheaper model, where a budget that is used up sends it. A caller's own
/// words for a provider, and what only the asked model does, go nowhere else.
///
/// # Errors
/// As [`permit`], of the cheaper model; `model.operation` where it cannot take the call.
pub fn downgrade(permit: Permit, onto: ModelId) -> Result<Permit, Fault> {
    let cheaper = other(&permit.call, &permit.model, onto)?;
    let first = permit.first;
    Ok(Permit { is_downgraded: true, first, ..on(permit.call, cheaper)? })
}

/// A model that the call may run on in the place of the one that it asked for.
fn other(call: &Call, asked: &ModelView, onto: ModelId) -> Result<Chosen, Fault> {
    let other = chosen_by_id(&call.principal.stamp, onto)?;
    let name = other.model.record.name.clone();
    let other = callable(&name, other, call.operation)?;
    if call.native.is_some() || other.model.record.modality != asked.record.modality {
        let detail = format!("The model `{name}` cannot take the call as it is.");
        return Err(Fault::client(ErrorCode::ModelOperation, detail));
    }
    Ok(other)
}

/// The call on `model`, on the oldest subscription that opens it.
fn on(call: Call, chosen: Chosen) -> Result<Permit, Fault> {
    let first = chosen.named;
    let terms = terms(&call, chosen)?;
    Ok(Permit::under(terms, call, first))
}

fn terms(call: &Call, chosen: Chosen) -> Result<Terms, Fault> {
    let (stamp, app) = (&call.principal.stamp, &call.principal.app);
    let subscription =
        Arc::clone(subscribed(&stamp.snapshot, app.id, app.org_id, &chosen.model, stamp.at)?);
    terms_of(call, chosen, &subscription)
}

/// The call on a subscription that need not open the model.
fn terms_of(
    call: &Call,
    Chosen { model, version, .. }: Chosen,
    subscription: &Arc<SubscriptionRecord>,
) -> Result<Terms, Fault> {
    let stamp = &call.principal.stamp;
    let (snapshot, now) = (&stamp.snapshot, stamp.at);
    let plan = snapshot.plan(subscription.plan_id).ok_or_else(|| {
        Fault::us(ErrorCode::Internal, ErrorCode::Internal.title())
            .because(format_args!("{} names a plan that is not there", subscription.id))
    })?;
    let price = snapshot.price(model.record.id, plan.id, now).ok_or_else(|| {
        Fault::us(
            ErrorCode::ModelUnpriced,
            "The model has no price in force, so calls of it could not be billed. The operator has \
             to set one.",
        )
        .useless_to_retry()
    })?;
    let bound = Bound::of(call, &model, plan);
    let estimate = estimate(call, &bound, price);
    Ok(Terms {
        subscription: Arc::clone(subscription),
        plan: Arc::clone(plan),
        price: Arc::clone(price),
        model,
        version,
        bound,
        estimate,
    })
}

fn callable(name: &str, chosen: Chosen, operation: Operation) -> Result<Chosen, Fault> {
    let (serves, use_instead): (&[Operation], _) = match chosen.model.record.modality {
        Modality::Chat => (&[Operation::Chat, Operation::CountTokens], "/v1/chat/completions"),
        Modality::Embedding => (&[Operation::Embeddings], "/v1/embeddings"),
        Modality::Rerank => (&[Operation::Rerank], "/v1/rerank"),
        Modality::Predict => (&[Operation::Predict], "/v2/models/{model}/infer"),
        Modality::Image => (&[Operation::Images], "/v1/images/generations"),
        Modality::Speech => (&[Operation::Speech], "/v1/audio/speech"),
        Modality::Transcription => (&[Operation::Transcription], "/v1/audio/transcriptions"),
        Modality::Moderation => (&[Operation::Moderation], "/v1/moderations"),
    };
    if !serves.contains(&operation) {
        let detail = format!(
            "The model `{name}` does not offer {}. Call it at {use_instead}.",
            operation.as_str()
        );
        return Err(Fault::client(ErrorCode::ModelOperation, detail).at("model"));
    }
    Ok(chosen)
}

/// The model that a call in a provider's own words names: by our name, or by the provider's, and
/// then one that the app may call if there are several.
fn callable_at(
    stamp: &Stamp,
    provider: ProviderId,
    name: &str,
    open: impl Fn(&ModelView) -> bool,
) -> Result<Chosen, Fault> {
    let snapshot = &stamp.snapshot;
    let runs = |model: &ModelView, called: Option<&str>| {
        model.deployments.iter().any(|deployment| {
            deployment.provider.id() == provider
                && called.is_none_or(|called| deployment.record.upstream_model == called)
        })
    };
    if snapshot.find(name, stamp.at).is_ok_and(|found| runs(found.model, None)) {
        return chosen(stamp, name);
    }
    let named = || snapshot.models().iter().filter(|model| runs(model, Some(name)));
    chosen_native(stamp, name, named().find(|model| open(model)).or_else(|| named().next()))
}

/// Whether an app holds a subscription in force that opens a model.
#[must_use]
pub fn is_subscribed(
    snapshot: &Snapshot,
    app: AppId,
    org: OrgId,
    model: &ModelView,
    now: Timestamp,
) -> bool {
    subscribed(snapshot, app, org, model, now).is_ok()
}

/// The oldest subscription in force that opens the model.
fn subscribed<'a>(
    snapshot: &'a Snapshot,
    app: AppId,
    org: OrgId,
    model: &ModelView,
    now: Timestamp,
) -> Result<&'a Arc<SubscriptionRecord>, Fault> {
    let mut resting = None;
    for subscription in snapshot.subscriptions(app) {
        if subscription.org_id != org || !model.product_ids.contains(&subscription.product_id) {
            continue;
        }
        let expired = subscription.expires_at.is_some_and(|at| at <= now);
        if subscription.state == SubscriptionState::Active && !expired {
            return Ok(subscription);
        }
        resting = Some(if expired { "expired" } else { subscription.state.as_str() });
    }
    let name = &model.record.name;
    Err(match resting {
        Some(state) => Fault::client(
            ErrorCode::SubscriptionInactive,
            format!("The app's subscription for `{name}` is {state}, not active."),
        ),
        None => Fault::client(
            ErrorCode::SubscriptionMissing,
            format!(
                "The app is not subscribed to a product with `{name}`. Subscribe it in the \
                 catalogue."
            ),
        ),
    })
}

/// What is held while the call runs.
fn estimate(call: &Call, bound: &Bound, price: &PriceRecord) -> Amounts {
    if call.operation == Operation::CountTokens {
        return Amounts::of_call(0, 0, &Units::NONE, Nanos::ZERO).running();
    }
    let mut units = call.units;
    if let Some(media) = &call.media {
        (_, _, units) = media.sizes.most();
    }
    if call.kind.is_of_server() {
        units.compute_ms = COMPUTE_MS_ASSUMED;
    }
    amounts(bound.input, bound.output_held, &units, price)
}

fn amounts(input: u64, output: u64, units: &Units, price: &PriceRecord) -> Amounts {
    Amounts::of_call(input, output, units, price.rates.price_max(input, output, units)).running()
}
