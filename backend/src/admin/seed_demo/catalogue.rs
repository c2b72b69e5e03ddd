//! The simulator's part of the catalogue: two chat models, one for embeddings, two products.

use super::offers::{self, Offer, cents};
use crate::app::App;
use crate::catalog::shelf;
use crate::db::{SystemTx, Tx as _};
use contract::api::catalog::{CreatePlan, CreateProduct, Plan};
use contract::api::providers::{CreateProvider, Provider};
use contract::id::{ModelId, ProviderId};
use contract::money::UnitRates;
use contract::snapshot::{Auth, Dialect, Modality, ProviderSettings};
use url::Url;

/// What the simulator offers, as far as the rest of the demo needs it.
pub struct Simulator {
    pub provider_id: ProviderId,
    pub models: Vec<ModelId>,
    pub model_names: Vec<String>,
    /// The larger plan of each product: what the demo's own apps are on.
    pub pro: Vec<Plan>,
}

const ABOUT: &str = "Answered by Tollgate's model simulator: no model runs, the text is made up \
by rule, and every answer says so. It is here to try keys, limits, streams and bills without \
paying anybody. Prices are real for the wallet of this installation only.";

/// The simulator as OpenAI's kin.
pub async fn provider(
    tx: &mut SystemTx,
    app: &App,
    simulator_url: &Url,
) -> anyhow::Result<Provider> {
    let new = CreateProvider {
        slug: "simulator".to_owned(),
        name: "Model simulator".to_owned(),
        base_url: format!("{}/v1", simulator_url.as_str().trim_end_matches('/')),
        dialect: Dialect::Openai,
        also: Vec::new(),
        settings: ProviderSettings::default(),
        auth: Auth::None,
        pool: None,
        credential: None,
    };
    offers::provider(tx, &app.config.secrets.master_key, &new).await
}

pub async fn seed(app: &App, simulator_url: &Url) -> anyhow::Result<Simulator> {
    let mut tx = app.system_tx("seed-demo", "offer the simulator's models").await?;
    let provider = provider(&mut tx, app, simulator_url).await?;
    let mut models = Vec::new();
    for offer in list() {
        models.push(offers::model(&mut tx, &provider, &offer).await?);
    }
    let ids: Vec<ModelId> = models.iter().map(|model| model.id).collect();
    let chat = CreateProduct {
        slug: "simulated-chat".to_owned(),
        name: "Simulated chat".to_owned(),
        summary: "Two chat models of the simulator, plain and streamed.".to_owned(),
        description: ABOUT.to_owned(),
        model_ids: ids.iter().take(2).copied().collect(),
    };
    let embeddings = CreateProduct {
        slug: "simulated-embeddings".to_owned(),
        name: "Simulated embeddings".to_owned(),
        summary: "An embedding model of the simulator.".to_owned(),
        description: ABOUT.to_owned(),
        model_ids: ids.iter().skip(2).copied().collect(),
    };
    let mut pro = Vec::new();
    for product in [chat, embeddings] {
        pro.extend(offer(&mut tx, &product).await?);
    }
    tx.commit().await?;
    let model_names = models.into_iter().map(|model| model.name).collect();
    Ok(Simulator { provider_id: provider.id, models: ids, model_names, pro })
}

async fn offer(tx: &mut SystemTx, product: &CreateProduct) -> anyhow::Result<Option<Plan>> {
    let starter = CreatePlan {
        default_for_new_apps: true,
        ..offers::plan(
            "starter",
            "Starter",
            "To try it out. Every new app has it.",
            120,
            cents(500),
        )
    };
    let pro = offers::plan("pro", "Pro", "For programs in use.", 60_000, cents(100_000));
    let product = offers::product(tx, product, &[starter, pro]).await?;
    let plans = shelf::plans_of(tx, product.id).await?;
    Ok(plans.into_iter().find(|plan| plan.slug == "pro"))
}

fn list() -> [Offer; 3] {
    let chat = |name: &str, shown: &str, input, output, cached| Offer {
        name: name.to_owned(),
        display_name: shown.to_owned(),
        upstream_model: name.to_owned(),
        modality: Modality::Chat,
        context_tokens_max: 128_000,
        output_tokens_max: 4_096,
        input_usd: cents(input),
        output_usd: cents(output),
        cached_input_usd: Some(cents(cached)),
        per_call_usd: cents(0),
        units: UnitRates::FREE,
    };
    [
        chat("sim-small", "Simulator small", 15, 60, 7),
        chat("sim-large", "Simulator large", 250, 1_000, 125),
        Offer {
            name: "sim-embed".to_owned(),
            display_name: "Simulator embeddings".to_owned(),
            upstream_model: "sim-embed".to_owned(),
            modality: Modality::Embedding,
            context_tokens_max: 8_192,
            output_tokens_max: 0,
            input_usd: cents(2),
            output_usd: cents(0),
            cached_input_usd: None,
            per_call_usd: cents(0),
            units: UnitRates::FREE,
        },
    ]
}
