//! What a plan keeps, as a form has it; and throwing it away.

use crate::actions::limits::choice;
use crate::fault::Fault;
use crate::form::Form;
use crate::visit::OperatorVisit;
use axum::extract::Path;
use axum::response::Response;
use contract::snapshot::{CachePolicy, CacheSemantic};
use portal_app::components::Tone;
use portal_app::text::cache as text;

/// What the fields say; what the form does not have is as usual.
pub fn read(form: &Form) -> Result<CachePolicy, Fault> {
    let usual = CachePolicy::default();
    if form.optional("cache_exact").is_none() {
        return Ok(usual);
    }
    let semantic = match form.parse_optional("cache_semantic_model", text::SEMANTIC_BAD)? {
        None => None,
        Some(model_id) => {
            let alike_min = form.parse("cache_alike_min", text::ALIKE_BAD)?;
            Some(CacheSemantic { model_id, alike_min })
        }
    };
    let percent = |name: &str| form.parse(name, text::PERCENT_BAD);
    Ok(CachePolicy {
        exact: choice(form, "cache_exact")?,
        ttl_s: form.parse("cache_ttl_s", text::TTL_BAD)?,
        scope: choice(form, "cache_scope")?,
        semantic,
        hit_price_percent: percent("cache_hit_price_percent")?,
        coalesce: form.ticked("cache_coalesce"),
        coalesced_price_percent: percent("cache_coalesced_price_percent")?,
    })
}

/// The refusal in the form's own words.
pub fn renamed(mut fault: Fault) -> Fault {
    for field in ["ttl_s", "hit_price_percent", "coalesced_price_percent"] {
        fault = fault.renaming(&format!("/cache/{field}"), &format!("/cache_{field}"));
    }
    for (there, field) in [
        ("/cache/semantic/model_id", "/cache_semantic_model"),
        ("/cache/semantic/alike_min", "/cache_alike_min"),
        ("/cache/semantic", "/cache_semantic_model"),
    ] {
        fault = fault.renaming(there, field);
    }
    fault
}

/// `POST /admin/products/{product}/purge`.
///
/// # Errors
/// What no form can mend.
pub async fn purge(
    visit: OperatorVisit,
    Path(product): Path<String>,
    form: Form,
) -> Result<Response, Fault> {
    let page = format!("/admin/products/{product}");
    match visit.backend().purge_product_cache(&product, form.key()).await {
        Ok(_) => visit.go(page).notice(Tone::Good, text::PURGED).answer(),
        Err(fault) => visit.retry(&page, &form, fault),
    }
}
