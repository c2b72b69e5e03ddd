//! The rules of products and plans. No I/O.

use crate::limits;
use crate::limits::model::Shape;
use contract::api::catalog::{Approval, CatalogModel, CreatePlan, PlanLimit};
use contract::api::rate::{Rate, RateUsd};
use contract::error::FieldError;
use contract::id::ModelId;
use contract::snapshot::{
    ALIKE_MAX, ALIKE_MIN, CACHE_TTL_MAX_S, CacheExact, CachePolicy, Lifecycle, Modality,
    PRIORITY_MAX, WHOLE, Zone,
};
use std::collections::HashSet;

/// Models of one product at most.
const MODELS_MAX: usize = 100;
/// Limits of one plan at most.
const LIMITS_MAX: usize = 20;

/// A model as far as a product must know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub id: ModelId,
    pub name: String,
    pub modality: Modality,
    pub state: Lifecycle,
    /// Whether a list price is in force.
    pub is_priced: bool,
}

/// Checks a product's list of models: known, each once; in the catalogue, callable and priced.
/// `known` are those of `wanted` that exist.
#[must_use]
pub fn check_models(
    wanted: &[ModelId],
    known: &[Candidate],
    is_published: bool,
) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut seen = HashSet::new();
    if wanted.len() > MODELS_MAX {
        errors.push(FieldError::new("/model_ids", "a product has at most 100 models"));
    }
    if is_published && wanted.is_empty() {
        errors
            .push(FieldError::new("/model_ids", "a product needs a model before it is published"));
    }
    for (index, id) in wanted.iter().enumerate() {
        let pointer = format!("/model_ids/{index}");
        let Some(model) = known.iter().find(|model| model.id == *id) else {
            errors.push(FieldError::new(pointer, "there is no such model"));
            continue;
        };
        if !seen.insert(*id) {
            errors.push(FieldError::new(pointer, format!("{} is listed twice", model.name)));
        } else if is_published && !matches!(model.state, Lifecycle::Active | Lifecycle::Deprecated)
        {
            let detail = format!(
                "{} is {}: activate it before it is sold",
                model.name,
                model.state.as_str()
            );
            errors.push(FieldError::new(pointer, detail));
        } else if is_published && !model.is_priced {
            let usual = Rate::of(model.modality).first().map_or("", |rate| rate.field());
            let detail = format!(
                "{} has no list price in force: set {usual} or another rate that its calls are \
                 charged by first, or they would be free by accident",
                model.name
            );
            errors.push(FieldError::new(pointer, detail));
        }
    }
    errors
}

/// The names of `wanted`, in their order.
#[must_use]
pub fn names(wanted: &[ModelId], known: &[Candidate]) -> Vec<String> {
    let name = |id: &ModelId| known.iter().find(|m| m.id == *id).map(|m| m.name.clone());
    wanted.iter().filter_map(name).collect()
}

/// Checks what of a plan needs no table.
#[must_use]
pub fn check_plan(plan: &CreatePlan) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if plan.approval == Approval::Manual {
        errors.push(FieldError::new(
            "/approval",
            "plans that wait for a person's approval are not offered yet; use auto",
        ));
    }
    if plan.output_tokens_max.is_some_and(|max| max == 0 || i32::try_from(max).is_err()) {
        errors.push(FieldError::new("/output_tokens_max", "use 1 to 2147483647, or leave it out"));
    }
    errors.extend(check_cache(&plan.cache));
    errors.extend(check_priority(plan.priority));
    errors
}

/// Checks what a plan says of answers that are given again.
#[must_use]
pub fn check_cache(cache: &CachePolicy) -> Vec<FieldError> {
    let CachePolicy { ttl_s, hit_price_percent, coalesced_price_percent, .. } = *cache;
    let mut errors = Vec::new();
    if ttl_s == 0 || ttl_s > CACHE_TTL_MAX_S {
        errors.push(FieldError::new("/cache/ttl_s", "use 1 to 604800 seconds, which is a week"));
    }
    for (field, percent) in [
        ("hit_price_percent", hit_price_percent),
        ("coalesced_price_percent", coalesced_price_percent),
    ] {
        if percent > WHOLE {
            errors.push(FieldError::new(
                format!("/cache/{field}"),
                "use 0 to 100: such an answer never costs more than the call",
            ));
        }
    }
    if let Some(semantic) = cache.semantic {
        if cache.exact == CacheExact::Off {
            errors.push(FieldError::new(
                "/cache/semantic",
                "only answers that are kept are found by what calls mean: let exact be \
                 deterministic or all",
            ));
        }
        if !(ALIKE_MIN..=ALIKE_MAX).contains(&semantic.alike_min) {
            errors.push(FieldError::new(
                "/cache/semantic/alike_min",
                "use 500 to 1000: thousandths of how alike two calls can be",
            ));
        }
    }
    errors
}

/// Checks the model by which a plan compares calls; `known`: if there is one.
#[must_use]
pub fn check_compares(known: Option<&Candidate>) -> Option<FieldError> {
    let detail = match known {
        None => "there is no such model".to_owned(),
        Some(model) if model.modality != Modality::Embedding => {
            format!("{} is no embedding model", model.name)
        }
        Some(model) if !matches!(model.state, Lifecycle::Active | Lifecycle::Deprecated) => {
            let state = model.state.as_str();
            format!("{} is {state}: calls cannot be compared by it", model.name)
        }
        Some(_) => return None,
    };
    Some(FieldError::new("/cache/semantic/model_id", detail))
}

/// Checks how urgent a plan's calls are.
#[must_use]
pub fn check_priority(priority: u8) -> Option<FieldError> {
    (priority > PRIORITY_MAX)
        .then(|| FieldError::new("/priority", "use 0 to 9: calls of 9 go first"))
}

/// Checks what of a plan's limits needs no table and can be read.
#[must_use]
pub fn check_limits(limits: &[PlanLimit]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if limits.len() > LIMITS_MAX {
        errors.push(FieldError::new("/limits", "a plan has at most 20 limits"));
    }
    let mut seen = HashSet::new();
    for (index, limit) in limits.iter().enumerate() {
        let shape = shape_of(limit);
        errors.extend(shape.check(&format!("/limits/{index}")));
        if !seen.insert(Shape { zone: Zone::UTC, ..shape }) {
            errors.push(FieldError::new(
                format!("/limits/{index}/window"),
                "there is another limit of this metric and window on the same in the plan",
            ));
        }
    }
    errors
}

/// A plan's limit as it is stored: shape, amount, and hundredths without Redis.
pub fn read_limit(
    index: usize,
    limit: &PlanLimit,
) -> (Shape, Result<i64, FieldError>, Result<u8, FieldError>) {
    let prefix = format!("/limits/{index}");
    let shape = shape_of(limit);
    let max = limits::model::amount(&prefix, limit.metric, limit.max, limit.max_usd);
    (shape, max, shape.percent(&prefix, limit.without_redis_percent))
}

const fn shape_of(limit: &PlanLimit) -> Shape {
    Shape {
        metric: limit.metric,
        window: limit.window,
        sliding: limit.sliding,
        zone: limit.time_zone,
        model_id: limit.model_id,
    }
}

/// The lowest input price among models that are sold by it.
#[must_use]
pub fn input_from(models: &[CatalogModel]) -> Option<contract::money::Usd> {
    sold_by(models).filter(|found| found.rate == Rate::Input).map(|found| found.usd).min()
}

/// What models are sold by, at its lowest: the rate of the first one that costs anything.
#[must_use]
pub fn from(models: &[CatalogModel]) -> Option<RateUsd> {
    let rate = sold_by(models).next()?.rate;
    sold_by(models).filter(|found| found.rate == rate).min_by_key(|found| found.usd)
}

fn sold_by(models: &[CatalogModel]) -> impl Iterator<Item = RateUsd> {
    models.iter().filter_map(|model| model.price.as_ref()?.headline(model.modality))
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::api::billing::UnknownPolicy;
    use contract::snapshot::{CacheSemantic, Metric, Window};
    use uuid::Uuid;

    fn candidate(n: u128, state: Lifecycle, is_priced: bool) -> Candidate {
        let (id, name) = (ModelId(Uuid::from_u128(n)), format!("m{n}"));
        Candidate { id, name, modality: Modality::Image, state, is_priced }
    }

    #[test]
    fn what_is_unpriced_or_not_callable_is_not_published() {
        let known = [
            candidate(1, Lifecycle::Active, true),
            candidate(2, Lifecycle::Active, false),
            candidate(3, Lifecycle::Draft, true),
            candidate(4, Lifecycle::Retired, true),
        ];
        let ids: Vec<_> = known.iter().map(|model| model.id).collect();
        let errors = check_models(&ids, &known, true);
        let blamed: Vec<_> = errors.iter().map(|e| e.pointer.as_str()).collect();
        assert_eq!(blamed, ["/model_ids/1", "/model_ids/2", "/model_ids/3"]);
        assert!(errors[0].detail.contains("set image_usd"), "{}", errors[0].detail);
        assert!(check_models(&ids, &known, false).is_empty());
        assert_eq!(check_models(&[], &[], true)[0].pointer, "/model_ids");
    }

    #[test]
    fn calls_are_compared_by_an_embedding_model_that_answers() {
        let embedding =
            |state| Candidate { modality: Modality::Embedding, ..candidate(1, state, false) };
        for (model, is_fit) in [
            (None, false),
            (Some(candidate(1, Lifecycle::Active, true)), false),
            (Some(embedding(Lifecycle::Draft)), false),
            (Some(embedding(Lifecycle::Retired)), false),
            (Some(embedding(Lifecycle::Active)), true),
            (Some(embedding(Lifecycle::Deprecated)), true),
        ] {
            assert_eq!(check_compares(model.as_ref()).is_none(), is_fit, "{model:?}");
        }
    }

    #[test]
    fn a_model_that_is_unknown_or_listed_twice_is_refused_even_in_a_draft() {
        let known = [candidate(1, Lifecycle::Draft, false)];
        let wanted = [known[0].id, known[0].id, ModelId(Uuid::from_u128(9))];
        let blamed: Vec<_> =
            check_models(&wanted, &known, false).into_iter().map(|e| e.pointer).collect();
        assert_eq!(blamed, ["/model_ids/1", "/model_ids/2"]);
    }

    #[test]
    fn a_plan_limits_each_metric_once_per_window() {
        let limit = PlanLimit::new(Metric::Requests, Window::Minute, Some(1), None);
        let sliding = PlanLimit { sliding: true, ..limit.clone() };
        let berlin = "Europe/Berlin".parse().unwrap();
        let limits = vec![limit.clone(), sliding, PlanLimit { time_zone: berlin, ..limit.clone() }];
        let plan = CreatePlan {
            slug: "p".into(),
            name: "P".into(),
            description: String::new(),
            approval: Approval::Manual,
            default_for_new_apps: false,
            output_tokens_max: Some(0),
            limits: Vec::new(),
            unknown_policy: UnknownPolicy::Forgive,
            tariff: None,
            cache: CachePolicy {
                ttl_s: 0,
                hit_price_percent: 101,
                coalesced_price_percent: 255,
                semantic: Some(CacheSemantic { model_id: ModelId(Uuid::nil()), alike_min: 499 }),
                ..CachePolicy::default()
            },
            priority: 10,
        };
        let blamed: Vec<_> = check_plan(&plan).into_iter().map(|e| e.pointer).collect();
        let of_cache = [
            "ttl_s",
            "hit_price_percent",
            "coalesced_price_percent",
            "semantic",
            "semantic/alike_min",
        ]
        .map(|field| format!("/cache/{field}"));
        assert_eq!(blamed[..2], ["/approval", "/output_tokens_max"]);
        assert_eq!(blamed[2..7], of_cache);
        assert_eq!(blamed[7..], ["/priority"]);
        let blamed: Vec<_> = check_limits(&limits).into_iter().map(|e| e.pointer).collect();
        assert_eq!(blamed, ["/limits/2/time_zone", "/limits/2/window"]);
        assert_eq!(check_limits(&vec![limit; 21])[0].pointer, "/limits");
    }
}
