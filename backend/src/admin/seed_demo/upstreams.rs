//! Real providers that the environment names: registered, and the models they list offered.
//!
//! A model whose list price is not known here gets a placeholder price, which the product's text
//! says: nothing is ever billed zero by accident.

use super::offers::{self, Offer, cents};
use crate::app::App;
use crate::db::{SystemTx, Tx as _};
use crate::providers::upstream;
use crate::{catalog, models};
use anyhow::Context as _;
use contract::api::catalog::{CreatePlan, CreateProduct};
use contract::api::models::Model;
use contract::api::providers::{CreateProvider, Provider};
use contract::money::{UnitRates, Usd};
use contract::seal::Secret;
use contract::snapshot::{Modality, ProviderSettings};
use contract::vendor::{VENDORS, Vendor};

/// The most models taken over from one provider.
const MODELS_MAX: usize = 50;
const OPENAI: &str = "openai";

/// Which providers to register, besides the vendors whose key is in the environment.
#[derive(Debug, clap::Args)]
pub struct Upstreams {
    /// Where the provider of `OPENAI_API_KEY` answers, if not at OpenAI's address.
    #[arg(long, env = "OPENAI_BASE_URL")]
    openai_base_url: Option<String>,
    /// Registers an Ollama server, as host:port or an address.
    #[arg(long, env = "OLLAMA_HOST")]
    ollama_host: Option<String>,
    /// Registers a vLLM server, by its address.
    #[arg(long, env = "VLLM_URL")]
    vllm_url: Option<String>,
    /// Registers nothing but the simulator, whatever the environment names.
    #[arg(long)]
    simulator_only: bool,
}

/// One provider to register.
pub struct Upstream {
    pub new: CreateProvider,
    /// Offered without asking for a list, where there are any.
    models: &'static [&'static str],
}

impl Upstreams {
    /// The providers that the environment names; `variable` is what it holds under a name.
    pub fn list(&self, variable: impl Fn(&str) -> Option<String>) -> Vec<Upstream> {
        if self.simulator_only {
            return Vec::new();
        }
        let filled = |text: String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let vendors = VENDORS.iter().filter_map(|vendor| {
            let key = vendor.variables.iter().find_map(|name| variable(name).and_then(filled))?;
            let elsewhere = self.openai_base_url.clone().filter(|_| vendor.slug == OPENAI);
            Some(match elsewhere.and_then(filled) {
                Some(base_url) if base_url.trim_end_matches('/') != vendor.base_url => {
                    Upstream::imitating(vendor, &base_url, key)
                }
                _ => Upstream::of(vendor, vendor.base_url.to_owned(), Some(key)),
            })
        });
        let servers = [("ollama", &self.ollama_host), ("vllm", &self.vllm_url)];
        let servers = servers.into_iter().filter_map(|(slug, address)| {
            let address = address.clone().and_then(filled)?;
            Some(Upstream::of(Vendor::find(slug)?, with_v1(&address), None))
        });
        vendors.chain(servers).collect()
    }
}

impl Upstream {
    fn of(vendor: &Vendor, base_url: String, credential: Option<String>) -> Self {
        let settings = ProviderSettings {
            vendor: Some(vendor.slug.to_owned()),
            ..ProviderSettings::default()
        };
        let new = CreateProvider {
            slug: vendor.slug.replace('_', "-"),
            name: vendor.name.to_owned(),
            base_url,
            dialect: vendor.dialect,
            also: vendor.also.to_vec(),
            settings,
            auth: vendor.auth,
            pool: None,
            credential,
        };
        Self { new, models: vendor.models }
    }

    /// Somebody else who speaks the vendor's dialect: all that is known is the dialect.
    fn imitating(vendor: &Vendor, base_url: &str, key: String) -> Self {
        let mut one = Self::of(vendor, base_url.trim_end_matches('/').to_owned(), Some(key));
        one.new.also = Vec::new();
        one.new.settings = ProviderSettings::default();
        one
    }

    async fn listed(&self) -> anyhow::Result<Vec<String>> {
        if !self.models.is_empty() {
            return Ok(self.models.iter().map(|name| (*name).to_owned()).collect());
        }
        let new = &self.new;
        let secret = new.credential.as_ref().map(|text| Secret::new(text.clone().into_bytes()));
        Ok(upstream::list_models(&new.base_url, new.dialect, new.auth, secret.as_ref()).await?)
    }
}

/// `host:port` or an address, as the base of an OpenAI-style API.
fn with_v1(address: &str) -> String {
    let address = address.trim().trim_end_matches('/');
    let address =
        if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
    if address.ends_with("/v1") { address } else { format!("{address}/v1") }
}

/// Registers `upstream` and offers what it lists; says the names of the models. What was offered
/// once is left as it is, and nobody is asked again.
pub async fn seed(app: &App, upstream: &Upstream) -> anyhow::Result<Vec<String>> {
    const WHY: &str = "offer the models of a real provider";
    let slug = format!("{}-models", upstream.new.slug);
    let mut tx = app.system_tx("seed-demo", WHY).await?;
    if let Some(product) = catalog::store::find_by_slug(&mut tx, &slug).await? {
        return Ok(product.model_names);
    }
    // The call below may take seconds; no connection is held for it.
    drop(tx);
    let listed = upstream.listed().await?;
    let offered: Vec<Offer> =
        listed.iter().filter_map(|name| offer(upstream, name)).take(MODELS_MAX).collect();
    anyhow::ensure!(!offered.is_empty(), "it lists no model for chat, embeddings or reranking");

    let mut tx = app.system_tx("seed-demo", WHY).await?;
    let master = &app.config.secrets.master_key;
    let provider = offers::provider(&mut tx, master, &upstream.new).await?;
    let (mut ids, mut names) = (Vec::new(), Vec::new());
    for offer in offered {
        let name = offer.name.clone();
        let made =
            model(&mut tx, &provider, offer).await.with_context(|| format!("the model {name}"))?;
        if let Some(model) = made.filter(|model| !ids.contains(&model.id)) {
            ids.push(model.id);
            names.push(model.name);
        }
    }
    let product = CreateProduct {
        slug,
        name: upstream.new.name.clone(),
        summary: format!("Models of {}, as it listed them.", upstream.new.name),
        description: "Models whose list price is not built in have a placeholder price of $1.00 \
                      per million tokens of input and $4.00 of output, and a ranking one of $0.01 \
                      per call: an operator sets the real one under Models."
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

/// The model under its own name, or under `provider/name` where another provider has that name:
/// nobody's calls go to a vendor that they did not choose. `None` where both are taken.
async fn model(
    tx: &mut SystemTx,
    provider: &Provider,
    offer: Offer,
) -> anyhow::Result<Option<Model>> {
    let prefixed = format!("{}/{}", provider.slug, offer.name).chars().take(100).collect();
    for name in [offer.name.clone(), prefixed] {
        let theirs = models::store::find_by_name(tx, &name)
            .await?
            .is_some_and(|model| model.deployments.iter().all(|d| d.provider_id != provider.id));
        if !theirs {
            return offers::model(tx, provider, &Offer { name, ..offer }).await.map(Some);
        }
    }
    Ok(None)
}

/// What is offered of a model that a provider lists; `None` for kinds that are not served yet.
fn offer(upstream: &Upstream, listed: &str) -> Option<Offer> {
    const OTHER_KINDS: [&str; 18] = [
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
        "veo-",
        "lyria",
        "-live-",
        "aqa",
        "ocr",
        "flux",
        "stable-diffusion",
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
    let modality = if lower.contains("rerank") {
        Modality::Rerank
    } else if lower.contains("embed") {
        Modality::Embedding
    } else {
        Modality::Chat
    };
    let is_openai = upstream.new.settings.vendor.as_deref() == Some(OPENAI);
    let known = if is_openai { list_price(&lower) } else { None };
    // Vectors and rankings have no tokens of output; rankings are sold by the call.
    let (output, per_call) = match modality {
        Modality::Chat | Modality::Predict => (400, 0),
        Modality::Embedding => (0, 0),
        Modality::Rerank => (0, 1),
        // Named for none of these; what is of another kind was left out above.
        Modality::Image | Modality::Speech | Modality::Transcription | Modality::Moderation => {
            (0, 0)
        }
    };
    let (input_usd, output_usd) = known.unwrap_or((cents(100), cents(output)));
    Some(Offer {
        name,
        display_name: listed.chars().take(100).collect(),
        upstream_model: listed.to_owned(),
        modality,
        context_tokens_max: 0,
        output_tokens_max: if modality == Modality::Chat { 16_384 } else { 0 },
        input_usd,
        output_usd,
        cached_input_usd: None,
        per_call_usd: cents(per_call),
        units: UnitRates::FREE,
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

    fn nothing_named() -> Upstreams {
        Upstreams {
            openai_base_url: None,
            ollama_host: None,
            vllm_url: None,
            simulator_only: false,
        }
    }

    #[test]
    fn every_vendor_whose_key_is_in_the_environment_can_be_registered_as_its_row_says() {
        let all = nothing_named().list(|name| Some(format!(" key-of-{name}\n")));
        let rows: Vec<_> = VENDORS.iter().filter(|vendor| !vendor.variables.is_empty()).collect();
        assert_eq!(all.len(), rows.len());
        for (one, row) in all.iter().zip(rows) {
            let new = &one.new;
            assert_eq!(crate::slug::check(&new.slug).unwrap(), row.slug.replace('_', "-"));
            assert_eq!(crate::providers::model::base_url(&new.base_url).unwrap(), row.base_url);
            assert_eq!((new.dialect, new.auth), (row.dialect, row.auth));
            assert_eq!(new.settings.vendor.as_deref(), Some(row.slug));
            let key = format!("key-of-{}", row.variables[0]);
            assert_eq!(new.credential.as_deref(), Some(key.as_str()));
        }
    }

    #[test]
    fn nothing_is_registered_that_the_environment_does_not_name() {
        assert!(nothing_named().list(|_| None).is_empty());
        assert!(nothing_named().list(|_| Some(" ".to_owned())).is_empty());
        let only = Upstreams { simulator_only: true, ..nothing_named() };
        assert!(only.list(|_| Some("key".to_owned())).is_empty());
        let google = |name: &str| (name == "GOOGLE_API_KEY").then(|| "key".to_owned());
        let found: Vec<_> = nothing_named().list(google).into_iter().map(|u| u.new.slug).collect();
        assert_eq!(found, ["gemini"]);
    }

    #[test]
    fn another_address_for_openais_key_is_not_taken_for_openai() {
        let elsewhere = Upstreams {
            openai_base_url: Some("http://127.0.0.1:9/v1/".to_owned()),
            ..nothing_named()
        };
        let key = |name: &str| (name == "OPENAI_API_KEY").then(|| "key".to_owned());
        let [one] = elsewhere.list(key).try_into().ok().unwrap();
        assert_eq!(one.new.base_url, "http://127.0.0.1:9/v1");
        assert!(one.new.settings.is_default() && one.new.also.is_empty());
        assert_eq!(offer(&one, "gpt-4o").unwrap().input_usd, cents(100));
        let [own] = nothing_named().list(key).try_into().ok().unwrap();
        assert_eq!(offer(&own, "gpt-4o").unwrap().input_usd, cents(250));
    }

    #[test]
    fn no_running_program_sees_a_variable_that_holds_a_key() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        let list = ". infra/lib/process.sh; printf '%s\\n' \"${CREDENTIALS[@]}\"";
        let listed = std::process::Command::new("bash")
            .args(["-c", list])
            .env("ROOT", root)
            .current_dir(root)
            .output()
            .unwrap();
        let listed = String::from_utf8(listed.stdout).unwrap();
        let known: Vec<&str> =
            VENDORS.iter().flat_map(|vendor| vendor.variables).copied().collect();
        assert_eq!(listed.lines().collect::<Vec<_>>(), known);
    }

    #[test]
    fn a_model_of_unknown_price_is_never_free_and_other_kinds_are_left_out() {
        let vllm = Vendor::find("vllm").unwrap();
        let local = Upstream::of(vllm, "http://127.0.0.1:8000/v1".to_owned(), None);
        let chat = offer(&local, "Org/Model 7B").unwrap();
        assert_eq!(chat.name, "org/model-7b");
        assert!(chat.input_usd > Usd::default() && chat.output_usd > Usd::default());
        for other in ["whisper-1", "veo-3.0-generate", "mistral-ocr-latest", "imagen-4.0"] {
            assert!(offer(&local, other).is_none(), "{other}");
        }
        let vectors = offer(&local, "nomic-embed-text").unwrap();
        assert_eq!((vectors.modality, vectors.output_tokens_max), (Modality::Embedding, 0));
        assert!(vectors.input_usd > Usd::default());
        let ranks = offer(&local, "rerank-v3.5").unwrap();
        assert_eq!((ranks.modality, ranks.output_tokens_max), (Modality::Rerank, 0));
        assert!(ranks.per_call_usd > Usd::default());
    }
}
