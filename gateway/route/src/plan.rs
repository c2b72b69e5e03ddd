//! Plans one call: the rule that matches, the places that may answer, and in which order they are
//! tried. What a call may never do (region, context, features) is sorted out before anything is
//! picked, so that no way of picking can bring it back.

use crate::breaker::Fitness;
use crate::expr::Facts;
use crate::order::{self, Place, Way};
use crate::policy::Policy;
use crate::{sticky, tier};
use contract::id::{DeploymentId, ModelId};
use contract::snapshot::{Feature, Pick, RouteRule, Skip, Split, Sticky};

/// A set of features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Features(u8);

impl Features {
    pub const NONE: Self = Self(0);

    #[must_use]
    pub fn of(features: &[Feature]) -> Self {
        Self(features.iter().fold(0, |set, feature| set | 1 << *feature as u8))
    }

    /// Whether none is in both.
    #[must_use]
    pub const fn is_apart(self, other: Self) -> bool {
        self.0 & other.0 == 0
    }
}

/// What a place must have for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs {
    /// Of the context, input and answer together.
    pub tokens: u64,
    pub features: Features,
}

/// How the version that a deployment runs stands to the one that the call is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Runs {
    /// The very one.
    #[default]
    Asked,
    /// Another, and the caller named none: only rules that name the deployment send calls there.
    Another,
    /// Another than the caller named.
    Wrong,
}

/// A deployment that could be called.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    pub id: DeploymentId,
    pub model_id: ModelId,
    pub region: &'a str,
    pub weight: u32,
    /// It and its provider are enabled and can be called.
    pub is_open: bool,
    /// All who have a say beside the policy, as the org, let calls be answered in its region.
    pub is_within: bool,
    /// Its provider has calls of this kind.
    pub serves: bool,
    pub runs: Runs,
    /// 0: nobody knows.
    pub context_tokens_max: u32,
    pub lacks: Features,
    /// What the call is expected to cost there, in nano-dollars.
    pub cost_nanos: i64,
}

/// How a deployment does at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// What it may have of its weight.
    pub fitness: Fitness,
    /// Calls that it works on.
    pub in_flight: u32,
    /// To the first token, lately and at worst, in microseconds; 0 where nobody knows.
    pub latency_us: u64,
}

impl Seen {
    /// Well and idle: what is taken for true where nobody knows.
    pub const WELL: Self = Self { fitness: Fitness::Share(100), in_flight: 0, latency_us: 0 };
}

/// Who wants to know why a place is not used.
pub trait Trace {
    fn skipped(&mut self, at: usize, why: Skip);
    /// What was said so far does not hold: the call is planned again, with less asked of places.
    fn again(&mut self);
}

/// Nobody does.
impl Trace for () {
    fn skipped(&mut self, _: usize, _: Skip) {}
    fn again(&mut self) {}
}

/// Where a call goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The number of the rule.
    pub rule: usize,
    /// The number of the part of the rule's split that the call is in.
    pub part: Option<usize>,
    /// Numbers of the candidates, the first to be tried in front; never empty.
    pub order: Vec<usize>,
    /// The one that gets a copy of the call; never the first.
    pub shadow: Option<usize>,
}

/// Why a call can go nowhere: of the places that came furthest, why they were left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Nowhere {
    #[error("no rule matches")]
    NoRule,
    #[error("there is no place to go to")]
    NoPlace,
    #[error("no place is left")]
    Left(Skip),
}

/// Plans a call. `seen` says how the candidate of a number does, `chance` gives 64 random bits.
///
/// # Errors
/// [`Nowhere`] when nothing may answer it.
pub fn plan(
    policy: &Policy,
    facts: &impl Facts,
    needs: Needs,
    candidates: &[Candidate<'_>],
    seen: &impl Fn(usize) -> Seen,
    chance: impl FnMut() -> u64,
    trace: &mut impl Trace,
) -> Result<Planned, Nowhere> {
    let (rule, _) = policy.rule(facts).ok_or(Nowhere::NoRule)?;
    plan_by(policy, rule, facts, needs, candidates, seen, chance, trace)
}

/// Plans a call by a rule that is known to be the one.
#[expect(clippy::too_many_arguments, reason = "what a plan depends on, one by one")]
pub(crate) fn plan_by(
    policy: &Policy,
    nth: usize,
    facts: &impl Facts,
    needs: Needs,
    candidates: &[Candidate<'_>],
    seen: &impl Fn(usize) -> Seen,
    mut chance: impl FnMut() -> u64,
    trace: &mut impl Trace,
) -> Result<Planned, Nowhere> {
    let rule = policy.source.rules.get(nth).ok_or(Nowhere::NoRule)?;
    let key = rule.sticky.as_ref().and_then(|sticky| key(sticky, facts));
    let drawn = rule.split.as_ref().and_then(|split| side(split, key, &mut chance));
    let side = drawn.and_then(|part| Some(rule.split.as_ref()?.parts.get(part)?.deployment_id));
    let may = Filter { policy, rule, nth, needs };
    let mut places = Vec::with_capacity(candidates.len());
    let (mut at_side, mut due) = (None, Vec::new());
    let (mut furthest, mut is_long) = (None, false);
    for (at, candidate) in candidates.iter().enumerate() {
        let is_side = side == Some(candidate.id);
        match may.skip(candidate, is_side) {
            None if is_side => at_side = Some((at, seen(at).fitness)),
            None => {
                let (seen, id) = (seen(at), candidate.id.0.as_u128());
                due.extend((seen.fitness == Fitness::Probe).then_some(at));
                places.push(place(at, candidate, seen, key.map_or(0, |_| sticky::of_id(id))));
            }
            Some(why) => {
                furthest = furthest.max(Some(why));
                is_long |= why == Skip::Context;
                trace.skipped(at, why);
            }
        }
    }
    if places.is_empty() && at_side.is_none() {
        // How long a call is, is an estimate: where it would be refused for that alone, a provider
        // is asked, who knows.
        if is_long {
            trace.again();
            let needs = Needs { tokens: 0, ..needs };
            return plan_by(policy, nth, facts, needs, candidates, seen, chance, trace);
        }
        return Err(furthest.map_or(Nowhere::NoPlace, Nowhere::Left));
    }
    // Those that health rests are no worse than nothing: the last ones are never left out.
    let is_side_unfit = at_side.is_none_or(|(_, fitness)| fitness == Fitness::Unfit);
    if is_side_unfit && places.iter().all(|place| place.share == 0) {
        places.iter_mut().for_each(|place| place.share = 100);
    }
    if names_places(rule) {
        let rank = |place: &Place| policy.rank(nth, candidates.get(place.at).map(|one| one.id));
        places.sort_by_cached_key(rank);
    }
    // A part's place gets its calls as far as its health lets it have any.
    let is_well = at_side.is_some_and(|(_, fitness)| match fitness {
        Fitness::Share(share) => share >= 100 || chance() % 100 < share.into(),
        Fitness::Probe => true,
        Fitness::Unfit => false,
    });
    // One that is due to be probed comes first, for if it fails the call has the others to go to.
    tier::keep_own(rule, facts, candidates, &mut due);
    let nth_due = if due.len() > 1 { chance() % due.len() as u64 } else { 0 };
    let probed = usize::try_from(nth_due).ok().and_then(|nth| due.get(nth).copied());
    let mut rest = order::order(way(rule.pick), places, key, &mut chance);
    tier::sort(rule, facts, candidates, &mut rest);
    let rest = rest.into_iter().map(|place| place.at);
    let rest = probed.into_iter().chain(rest.filter(|at| Some(*at) != probed));
    let at_side = at_side.map(|(at, _)| at);
    let order: Vec<usize> = if is_well {
        at_side.into_iter().chain(rest).collect()
    } else {
        rest.chain(at_side).collect()
    };
    let part = drawn.filter(|_| order.first().copied() == at_side);
    let shadow = shadow(rule, &may, candidates, &mut chance);
    let shadow = shadow.filter(|at| order.first() != Some(at));
    Ok(Planned { rule: nth, part, order, shadow })
}

/// The place that gets a copy of the call, if this one is drawn. It need be named nowhere else.
fn shadow(
    rule: &RouteRule,
    may: &Filter<'_>,
    candidates: &[Candidate<'_>],
    chance: &mut impl FnMut() -> u64,
) -> Option<usize> {
    let shadow = rule.shadow.filter(|shadow| chance() % 10_000 < shadow.basis_points.into())?;
    let is_it =
        |one: &Candidate<'_>| one.id == shadow.deployment_id && may.skip(one, true).is_none();
    candidates.iter().position(is_it)
}

/// Whether a rule says which places it means.
const fn names_places(rule: &RouteRule) -> bool {
    !rule.among.is_empty() || !rule.tiers.is_empty()
}

/// The part of a split that a call is in: of a key always the same.
fn side(split: &Split, key: Option<u64>, chance: &mut impl FnMut() -> u64) -> Option<usize> {
    let ticket = key.map_or_else(
        || u32::try_from(chance() % 10_000).unwrap_or(0),
        |key| sticky::ticket(key, &split.name),
    );
    let mut ends = split.parts.iter().scan(0_u32, |sum, part| {
        *sum += u32::from(part.basis_points);
        Some(*sum)
    });
    ends.position(|end| ticket < end)
}

/// What a call of a rule may never do.
struct Filter<'a> {
    policy: &'a Policy,
    rule: &'a RouteRule,
    nth: usize,
    needs: Needs,
}

impl Filter<'_> {
    /// Why a place is left out. The place of a part of a split (`is_side`) need not be among the
    /// rule's others and takes what the part says, whatever its weight.
    fn skip(&self, one: &Candidate<'_>, is_side: bool) -> Option<Skip> {
        let Self { policy, rule, nth, needs } = self;
        let named = match names_places(rule) {
            false => policy.model.is_none_or(|own| one.model_id == own),
            true => policy.rank(*nth, Some(one.id)).is_some(),
        };
        let runs = match one.runs {
            Runs::Asked => true,
            Runs::Another => is_side || names_places(rule),
            Runs::Wrong => false,
        };
        let regions = &policy.source.regions;
        let is_within = regions.is_empty() || regions.iter().any(|region| region == one.region);
        let fits = one.context_tokens_max == 0 || needs.tokens <= one.context_tokens_max.into();
        [
            (named || is_side, Skip::NotNamed),
            (one.is_open, Skip::Closed),
            (one.serves, Skip::Operation),
            (runs, Skip::Version),
            (one.is_within && is_within, Skip::Region),
            (fits, Skip::Context),
            (needs.features.is_apart(one.lacks), Skip::Feature),
            (one.weight > 0 || is_side, Skip::Weight),
        ]
        .into_iter()
        .find_map(|(may, why)| (!may).then_some(why))
    }
}

fn place(at: usize, candidate: &Candidate<'_>, seen: Seen, key: u64) -> Place {
    Place {
        at,
        key,
        weight: candidate.weight,
        share: match seen.fitness {
            Fitness::Share(share) => share,
            Fitness::Probe | Fitness::Unfit => 0,
        },
        in_flight: seen.in_flight,
        latency_us: seen.latency_us,
        cost_nanos: candidate.cost_nanos,
    }
}

/// A call that names nobody sticks to nothing.
fn key(sticky: &Sticky, facts: &impl Facts) -> Option<u64> {
    use crate::expr::{MapName, TextName};
    let text = match sticky {
        Sticky::Org => facts.text(TextName::Org),
        Sticky::App => facts.text(TextName::App),
        Sticky::Key => facts.text(TextName::Key),
        Sticky::User => facts.text(TextName::User),
        Sticky::Header(name) => facts.entry(MapName::Header, name),
        Sticky::Metadata(name) => facts.entry(MapName::Metadata, name),
    };
    (!text.is_empty()).then(|| sticky::hash(text.as_bytes()))
}

const fn way(pick: Pick) -> Way {
    match pick {
        Pick::Ordered => Way::Ordered,
        Pick::Weighted => Way::Weighted,
        Pick::LeastBusy => Way::LeastBusy,
        Pick::Latency => Way::Latency,
        Pick::Cheapest => Way::Cheapest,
    }
}

#[cfg(test)]
mod tests;
