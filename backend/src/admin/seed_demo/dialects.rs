//! The simulator as providers of other kinds: a chat model behind each dialect, so that whatever a
//! caller speaks can be tried against whatever a provider speaks; and one that ranks.

use super::offers::{self, Offer, cents};
use crate::app::App;
use crate::db::Tx as _;
use contract::api::catalog::CreateProduct;
use contract::api::providers::CreateProvider;
use contract::money::UnitRates;
use contract::snapshot::{Auth, Dialect, Modality, ProviderSettings};
use url::Url;

const ABOUT: &str = "One model of **Tollgate's model simulator** behind each dialect that providers \
speak. No model runs, and every answer says so. Call any of them in any dialect that the gateway \
takes: what differs is translated.";

/// A kind of provider.
struct Kind {
    model: &'static str,
    shown: &'static str,
    dialect: Dialect,
    /// Under the simulator's address.
    path: &'static str,
    auth: Auth,
}

const KINDS: [Kind; 7] = [
    Kind {
        model: "sim-responses",
        shown: "Simulator in OpenAI responses",
        dialect: Dialect::Responses,
        path: "/v1",
        auth: Auth::Bearer,
    },
    Kind {
        model: "sim-anthropic",
        shown: "Simulator in Anthropic messages",
        dialect: Dialect::Anthropic,
        path: "/v1",
        auth: Auth::XApiKey,
    },
    Kind {
        model: "sim-gemini",
        shown: "Simulator in Gemini",
        dialect: Dialect::Gemini,
        path: "/v1beta",
        auth: Auth::GoogleApiKey,
    },
    Kind {
        model: "sim-bedrock",
        shown: "Simulator in Bedrock Converse",
        dialect: Dialect::Bedrock,
        path: "",
        auth: Auth::AwsSigv4,
    },
    Kind {
        model: "sim-cohere",
        shown: "Simulator in Cohere v2",
        dialect: Dialect::Cohere,
        path: "/v2",
        auth: Auth::Bearer,
    },
    Kind {
        model: "sim-watsonx",
        shown: "Simulator in watsonx.ai",
        dialect: Dialect::Watsonx,
        path: "",
        auth: Auth::IbmIam,
    },
    Kind {
        model: "sim-ollama",
        shown: "Simulator in Ollama's own",
        dialect: Dialect::Ollama,
        path: "",
        auth: Auth::None,
    },
];

pub async fn seed(app: &App, simulator_url: &Url) -> anyhow::Result<()> {
    let mut tx = app.system_tx("seed-demo", "offer the simulator in every dialect").await?;
    let mut model_ids = Vec::new();
    for kind in &KINDS {
        let base = simulator_url.as_str().trim_end_matches('/');
        let new = CreateProvider {
            slug: kind.model.to_owned(),
            name: kind.shown.to_owned(),
            base_url: format!("{base}{}", kind.path),
            dialect: kind.dialect,
            also: Vec::new(),
            auth: kind.auth,
            settings: settings(kind.dialect, base),
            pool: None,
            // The simulator takes any; AWS's has two parts.
            credential: (kind.auth != Auth::None).then(|| "simulated:simulated".to_owned()),
        };
        let provider = offers::provider(&mut tx, &app.config.secrets.master_key, &new).await?;
        let chat = Offer {
            name: kind.model.to_owned(),
            display_name: kind.shown.to_owned(),
            upstream_model: kind.model.to_owned(),
            modality: Modality::Chat,
            context_tokens_max: 128_000,
            output_tokens_max: 4_096,
            input_usd: cents(15),
            output_usd: cents(60),
            cached_input_usd: Some(cents(7)),
            per_call_usd: cents(0),
            units: UnitRates::FREE,
        };
        model_ids.push(offers::model(&mut tx, &provider, &chat).await?.id);
        if kind.dialect == Dialect::Cohere {
            model_ids.push(offers::model(&mut tx, &provider, &rerank()).await?.id);
        }
    }
    let product = CreateProduct {
        slug: "simulated-dialects".to_owned(),
        name: "Simulated dialects".to_owned(),
        summary: "The simulator behind every dialect that providers speak.".to_owned(),
        description: ABOUT.to_owned(),
        model_ids,
    };
    let plan = offers::plan("pro", "Pro", "For programs in use.", 60_000, cents(100_000));
    offers::product(&mut tx, &product, &[plan]).await?;
    tx.commit().await?;
    Ok(())
}

/// Cohere counts searches, not tokens.
fn rerank() -> Offer {
    Offer {
        name: "sim-rerank".to_owned(),
        display_name: "Simulator reranking".to_owned(),
        upstream_model: "sim-rerank".to_owned(),
        modality: Modality::Rerank,
        context_tokens_max: 8_192,
        output_tokens_max: 0,
        input_usd: cents(0),
        output_usd: cents(0),
        cached_input_usd: None,
        per_call_usd: cents(1),
        units: UnitRates::FREE,
    }
}

fn settings(dialect: Dialect, base: &str) -> ProviderSettings {
    let word = |word: &str| Some(word.to_owned());
    match dialect {
        Dialect::Bedrock => {
            ProviderSettings { region: word("eu-central-1"), ..ProviderSettings::default() }
        }
        Dialect::Watsonx => ProviderSettings {
            project: word("simulated"),
            api_version: word("2025-10-01"),
            token_url: Some(format!("{base}/identity/token")),
            ..ProviderSettings::default()
        },
        _ => ProviderSettings::default(),
    }
}
