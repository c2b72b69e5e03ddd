//! Real providers that the environment names: registered, and the models they list offered.
//!
//! A model whose list price is not known here gets a placeholder price, which the product's text
//! says: nothing is ever billed zero by accident.

use super::offers::{self, Offer, cents};
use crate::app::App;
use crate::db::Tx as _;
use crate::providers::upstream;
use anyhow::Context as _;
use contract::api::catalog::{CreatePlan, CreateProduct};
use contract::api::providers::CreateProvider;
use contract::money::Usd;
use contract::seal::Secret;
use contract::snapshot::{Auth, Dialect, Modality, ProviderSettings};

/// The most models taken over from one provider.
const MODELS_MAX: usize = 50;
const OPENAI: &str = "https://api.openai.com/v1";

#[derive(clap::Args)]
pub struct Upstreams {
    /// Registers a provider that speaks OpenAI's dialect.
    #[arg(long, env = "OPENAI_API_KEY", hide_env_values = true)]
    openai_api_key: Option<String>,
    /// Where that provider answers.
    #[arg(long, env = "OPENAI_BASE_URL", default_value = OPENAI)]
    openai_base_url: String,
    /// Registers an Ollama server, as host:port or an address.
    #[arg(long, env = "OLLAMA_HOST")]
    ollama_host: Option<String>,
    /// Registers a vLLM server, by its address.
    #[arg(long, env = "VLLM_URL")]
    vllm_url: Option<String>,
}

impl std::fmt::Debug for Upstreams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upstreams").finish_non_exhaustive()
    }
}

/// One provider to register.
pub struct Upstream {
    pub slug: &'static str,
    pub name: &'static str,
    base_url: String,
    credential: Option<String>,
}

impl Upstreams {
    /// The providers that the environment names.
    pub fn list(&self) -> Vec<Upstream> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let openai = given(&self.openai_api_key).map(|key| Upstream {
            slug: "openai",
            name: "OpenAI",
            base_url: self.openai_base_url.clone(),
            credential: Some(key),
        });
        let local = |slug, name, address: String| Upstream {
            slug,
            name,
            base_url: with_v1(&address),
            credential: None,
        };
        let ollama = given(&self.ollama_host).map(|host| local("ollama", "Ollama", host));
        let vllm = given(&self.vllm_url).map(|url| local("vllm", "vLLM", url));
        [openai, ollama, vllm].into_iter().flatten().collect()
    }
}

/// `host:port` or an address, as the base of an OpenAI-style API.
fn with_v1(address: &str) -> String {
    let address = address.trim().trim_end_matches('/');
    let address =
        if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
    if address.ends_with("/v1") { address } else { format!("{address}/v1") }
}

/// Registers `upstream` and offers what it lists; says the names of the models.
pub async fn seed(app: &App, upstream: &Upstream) -> anyhow::Result<Vec<String>> {
    let auth = if upstream.credential.is_some() { Auth::Bearer } else { Auth::None };
    let secret = upstream.credential.as_ref().map(|text| Secret::new(text.clone().into_bytes()));
    let listed = upstream::list_models(&upstream.base_url, auth, secret.as_ref()).await?;
    let offered: Vec<Offer> =
        listed.iter().filter_map(|name| offer(upstream, name)).take(MODELS_MAX).collect();
    anyhow::ensure!(!offered.is_empty(), "it lists no model for chat or embeddings");

    let mut tx = app.system_tx("seed-demo", "offer the models of a real provider").await?;
    let new = CreateProvider {
        slug: upstream.slug.to_owned(),
        name: upstream.name.to_owned(),
        base_url: upstream.base_url.clone(),
        dialect: Dialect::Openai,
        also: Vec::new(),
        settings: ProviderSettings::default(),
        auth,
        credential: upstream.credential.clone(),
    };
    let provider = offers::provider(&mut tx, &app.config.secrets.master_key, &new).await?;
    let (mut ids, mut names) = (Vec::new(), Vec::new());
    for offer in &offered {
        let model = offers::model(&mut tx, &provider, offer)
            .await
            .with_context(|| format!("the model {}", offer.name))?;
        ids.push(model.id);
        names.push(model.name);
    }
    let product = CreateProduct {
        slug: format!("{}-models", upstream.slug),
        name: upstream.name.to_owned(),
        summary: format!("Models of {}, as it listed them.", upstream.name),
        description: "Models whose list price is not built in have a placeholder price of $1.00 \
                      per million tokens of input and $4.00 of output: an operator sets the real \
                      one under Models."
            .to_owned(),
        model_ids: ids,
    };
    let standard = CreatePlan {
        default_for_new_apps: true,
        ..offers::plan("standard", "Standard", "For every app.", 600, cents(2_000))
    };
    offers::product(&mut tx, &product, &[standard]).await?;
    tx.commit().await?;
    Ok(names)
}

/// What is offered of a model that a provider lists; `None` for kinds that are not served yet.
fn offer(upstream: &Upstream, listed: &str) -> Option<Offer> {
    const OTHER_KINDS: [&str; 11] = [
        "tts",
        "whisper",
        "dall-e",
        "image",
        "audio",
        "realtime",
        "moderation",
        "transcribe",
        "sora",
        "babbage",
        "davinci",
    ];
    let lower = listed.to_lowercase();
    if OTHER_KINDS.iter().any(|kind| lower.contains(kind)) {
        return None;
    }
    let name: String = lower
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "._-/:".contains(c) { c } else { '-' })
        .take(100)
        .collect();
    let is_embedding = lower.contains("embed");
    let known = if upstream.base_url == OPENAI { list_price(&lower) } else { None };
    let (input_usd, output_usd) =
        known.unwrap_or((cents(100), if is_embedding { Usd::default() } else { cents(400) }));
    Some(Offer {
        name,
        display_name: listed.chars().take(100).collect(),
        upstream_model: listed.to_owned(),
        modality: if is_embedding { Modality::Embedding } else { Modality::Chat },
        context_tokens_max: 0,
        output_tokens_max: if is_embedding { 0 } else { 16_384 },
        input_usd,
        output_usd,
        cached_input_usd: None,
    })
}

/// List prices of well-known models: cents per million tokens of input and of output.
fn list_price(model: &str) -> Option<(Usd, Usd)> {
    const PRICES: [(&str, i64, i64); 7] = [
        ("gpt-4o-mini", 15, 60),
        ("gpt-4o", 250, 1_000),
        ("gpt-4.1-nano", 10, 40),
        ("gpt-4.1-mini", 40, 160),
        ("gpt-4.1", 200, 800),
        ("text-embedding-3-small", 2, 0),
        ("text-embedding-3-large", 13, 0),
    ];
    let found = PRICES.iter().find(|(name, ..)| *name == model)?;
    Some((cents(found.1), cents(found.2)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gets_its_scheme_and_version_once() {
        for given in ["127.0.0.1:11434", "http://127.0.0.1:11434/", "http://127.0.0.1:11434/v1"] {
            assert_eq!(with_v1(given), "http://127.0.0.1:11434/v1");
        }
    }

    #[test]
    fn a_model_of_unknown_price_is_never_free_and_other_kinds_are_left_out() {
        let local = Upstream {
            slug: "vllm",
            name: "vLLM",
            base_url: "http://127.0.0.1:8000/v1".to_owned(),
            credential: None,
        };
        let chat = offer(&local, "Org/Model 7B").unwrap();
        assert_eq!(chat.name, "org/model-7b");
        assert!(chat.input_usd > Usd::default() && chat.output_usd > Usd::default());
        assert!(offer(&local, "whisper-1").is_none());
        assert_eq!(offer(&local, "nomic-embed-text").unwrap().output_tokens_max, 0);
    }
}
