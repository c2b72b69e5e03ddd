//! Whether a model may take the calls of a budget that is used up.

use super::model::Row;
use super::store::scope_columns;
use crate::db::Tx;
use contract::id::ModelId;
use contract::money::{Nanos, Rates};
use contract::snapshot::{Lifecycle, Modality};
use contract::usage::{Tokens, Units, Used};
use sqlx::types::Json;
use std::cmp::Ordering;

/// A model with its list price in force.
struct Priced {
    name: String,
    modality: Modality,
    state: Lifecycle,
    rates: Option<Rates>,
}

/// Why `target` may not take the calls that `row` counts; `None`: it may.
pub(super) async fn unfit(
    tx: &mut impl Tx,
    row: &Row,
    target: ModelId,
) -> sqlx::Result<Option<String>> {
    let Some(model) = priced(tx, target).await?.filter(|model| model.state != Lifecycle::Draft)
    else {
        return Ok(Some("There is no such model.".into()));
    };
    let name = &model.name;
    if row.model_id == Some(target) {
        return Ok(Some(format!("Calls of `{name}` cannot be sent to `{name}` itself.")));
    }
    if model.state == Lifecycle::Retired {
        return Ok(Some(format!("`{name}` was retired. Choose another.")));
    }
    let Some(rates) = model.rates else {
        return Ok(Some(format!("`{name}` has no price in force, so nobody can call it.")));
    };
    let callable = callable(tx, row).await?;
    if !callable.iter().any(|(id, _)| *id == target) {
        return Ok(Some(format!(
            "No app in the budget's scope is subscribed to a product with `{name}`. Subscribe one \
             first."
        )));
    }
    if let Some(narrow) = row.model_id {
        let Some(asked) = priced(tx, narrow).await? else { return Ok(None) };
        let cheaper = asked.rates.is_none_or(|asked| is_cheaper(&rates, &asked));
        return Ok(unlike(&model, &asked, cheaper));
    }
    for (id, _) in callable.iter().filter(|(id, _)| *id != target) {
        let Some(other) = priced(tx, *id).await? else { continue };
        let cheaper = other.rates.is_some_and(|other| is_cheaper(&rates, &other));
        if unlike(&model, &other, cheaper).is_none() {
            return Ok(None);
        }
    }
    Ok(Some(format!(
        "`{name}` is not cheaper than any other model that the apps in the budget's scope can call."
    )))
}

fn unlike(target: &Priced, asked: &Priced, cheaper: bool) -> Option<String> {
    let (name, dear) = (&target.name, &asked.name);
    if target.modality != asked.modality {
        return Some(format!("`{name}` does not do what `{dear}` does. Choose one of its kind."));
    }
    (!cheaper).then(|| format!("`{name}` is not cheaper than `{dear}`. Choose one that is."))
}

/// Costs no more for anything that models are sold by, and less for something.
fn is_cheaper(one: &Rates, other: &Rates) -> bool {
    const MUCH: u64 = 1_000_000;
    let units = [
        Units { images: MUCH, ..Units::NONE },
        Units { characters: MUCH, ..Units::NONE },
        Units { audio_ms: MUCH, ..Units::NONE },
        Units { searches: MUCH, ..Units::NONE },
        Units { rows: MUCH, ..Units::NONE },
        Units { compute_ms: MUCH, ..Units::NONE },
    ];
    let tokens = [
        Tokens::NONE,
        Tokens { input: MUCH, ..Tokens::NONE },
        Tokens { output: MUCH, ..Tokens::NONE },
    ];
    let uses = tokens.map(Used::from).into_iter().chain(units.map(Used::from));
    let cost = |rates: &Rates, used: &Used| -> Nanos { rates.price(used) };
    let orders: Vec<Ordering> =
        uses.map(|used| cost(one, &used).cmp(&cost(other, &used))).collect();
    !orders.contains(&Ordering::Greater) && orders.contains(&Ordering::Less)
}

async fn priced(tx: &mut impl Tx, id: ModelId) -> sqlx::Result<Option<Priced>> {
    let now = tx.now();
    let row = sqlx::query!(
        r#"select name, modality as "modality: Modality", state as "state: Lifecycle",
             (select rates from prices where model_id = models.id and plan_id is null
                and effective_from <= $2
              order by effective_from desc limit 1) as "rates: Json<Rates>"
           from models where id = $1"#,
        id.0,
        now,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| Priced {
        name: row.name,
        modality: row.modality,
        state: row.state,
        rates: row.rates.map(|Json(rates)| rates),
    }))
}

/// Models that an app in the budget's scope has a subscription in force for.
async fn callable(tx: &mut impl Tx, row: &Row) -> sqlx::Result<Vec<(ModelId, String)>> {
    let (kind, scope) = scope_columns(row.scope);
    let now = tx.now();
    let rows = sqlx::query!(
        r#"select distinct models.id as "id!: ModelId", models.name as "name!"
           from subscriptions s
           join apps on apps.id = s.app_id
           join product_models pm on pm.product_id = s.product_id
           join models on models.id = pm.model_id
           where s.org_id = $1 and s.state = 'active' and (s.expires_at is null or s.expires_at > $4)
             and models.state in ('active', 'deprecated')
             and case $2 when 'org' then true when 'team' then apps.team_id = $3
               when 'app' then apps.id = $3 when 'plan' then s.plan_id = $3
               else apps.id = (select app_id from api_keys where api_keys.id = $3) end"#,
        row.org_id.0,
        kind,
        scope,
        now,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(input: i64, output: i64) -> Rates {
        Rates { input: Nanos(input), output: Nanos(output), ..Rates::FREE }
    }

    #[test]
    fn cheaper_is_nowhere_dearer_and_somewhere_cheaper() {
        assert!(is_cheaper(&rates(1, 3), &rates(2, 3)));
        assert!(!is_cheaper(&rates(1, 3), &rates(1, 3)));
        assert!(!is_cheaper(&rates(1, 4), &rates(2, 3)));
        let per_call = Rates { per_call: Nanos(1), ..rates(1, 1) };
        assert!(!is_cheaper(&per_call, &rates(1, 1)) && is_cheaper(&rates(1, 1), &per_call));
    }
}
