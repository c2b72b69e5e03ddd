//! Who runs models, as far as it is known beforehand: one row for each vendor or model server.
//!
//! A row is a proposal for an operator who registers a provider; all of it can be changed there.
//! The slug goes into the provider's settings, where the gateway finds out by it in what the
//! vendor differs from the maker of its dialect. One that only says to be compatible with OpenAI
//! needs nothing but its row.

use crate::snapshot::{Auth, Dialect};

/// A vendor or a model server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vendor {
    pub slug: &'static str,
    pub name: &'static str,
    /// What is in capitals is the customer's own.
    pub base_url: &'static str,
    pub dialect: Dialect,
    /// Other dialects under the same address.
    pub also: &'static [Dialect],
    pub auth: Auth,
    /// Sent in the query, where the vendor asks for it.
    pub api_version: Option<&'static str>,
    /// Environment variables that customarily hold a key, the first one found counts; none where
    /// calls take more than a key.
    pub variables: &'static [&'static str],
    /// The models of a vendor that has no list of them to ask for.
    pub models: &'static [&'static str],
}

/// A vendor whose credential is a bearer token, and who speaks as OpenAI does.
const fn compatible(slug: &'static str, name: &'static str, base_url: &'static str) -> Vendor {
    let (dialect, auth) = (Dialect::Openai, Auth::Bearer);
    let (api_version, variables, models): (_, _, &[&str]) = (None, [].as_slice(), &[]);
    Vendor { slug, name, base_url, dialect, also: &[], auth, api_version, variables, models }
}

/// A server on one's own machines.
const fn server(slug: &'static str, name: &'static str, base_url: &'static str) -> Vendor {
    Vendor { auth: Auth::None, ..compatible(slug, name, base_url) }
}

impl Vendor {
    const fn in_dialect(self, dialect: Dialect, auth: Auth) -> Self {
        Self { dialect, auth, ..self }
    }

    const fn also(self, also: &'static [Dialect]) -> Self {
        Self { also, ..self }
    }

    const fn version(self, version: &'static str) -> Self {
        Self { api_version: Some(version), ..self }
    }

    const fn key_in(self, variables: &'static [&'static str]) -> Self {
        Self { variables, ..self }
    }

    const fn models(self, models: &'static [&'static str]) -> Self {
        Self { models, ..self }
    }

    /// The row of a slug.
    #[must_use]
    pub fn find(slug: &str) -> Option<&'static Self> {
        VENDORS.iter().find(|vendor| vendor.slug == slug)
    }
}

const RESPONSES: &[Dialect] = &[Dialect::Responses];

/// Vendors, then servers.
pub const VENDORS: &[Vendor] = &[
    compatible("openai", "OpenAI", "https://api.openai.com/v1")
        .also(RESPONSES)
        .key_in(&["OPENAI_API_KEY"]),
    compatible("azure", "Azure OpenAI", "https://RESOURCE.openai.azure.com/openai/v1")
        .in_dialect(Dialect::Openai, Auth::ApiKey)
        .also(RESPONSES),
    compatible("azure_deployments", "Azure OpenAI, by deployment", "https://RESOURCE.openai.azure.com/openai")
        .in_dialect(Dialect::Openai, Auth::ApiKey)
        .version("2024-10-21"),
    compatible("anthropic", "Anthropic", "https://api.anthropic.com/v1")
        .in_dialect(Dialect::Anthropic, Auth::XApiKey)
        .key_in(&["ANTHROPIC_API_KEY"]),
    compatible("gemini", "Gemini", "https://generativelanguage.googleapis.com/v1beta")
        .in_dialect(Dialect::Gemini, Auth::GoogleApiKey)
        .key_in(&["GEMINI_API_KEY", "GOOGLE_API_KEY"]),
    compatible(
        "vertex",
        "Vertex AI, Gemini",
        "https://REGION-aiplatform.googleapis.com/v1/projects/PROJECT/locations/REGION/publishers/google",
    )
    .in_dialect(Dialect::Gemini, Auth::GoogleServiceAccount),
    compatible(
        "vertex_anthropic",
        "Vertex AI, Anthropic",
        "https://REGION-aiplatform.googleapis.com/v1/projects/PROJECT/locations/REGION",
    )
    .in_dialect(Dialect::Anthropic, Auth::GoogleServiceAccount),
    compatible("bedrock", "AWS Bedrock", "https://bedrock-runtime.REGION.amazonaws.com")
        .in_dialect(Dialect::Bedrock, Auth::AwsSigv4),
    compatible("watsonx", "IBM watsonx.ai", "https://REGION.ml.cloud.ibm.com")
        .in_dialect(Dialect::Watsonx, Auth::IbmIam)
        .version("2024-10-08"),
    compatible("cohere", "Cohere", "https://api.cohere.com/v2")
        .in_dialect(Dialect::Cohere, Auth::Bearer)
        .key_in(&["COHERE_API_KEY", "CO_API_KEY"]),
    compatible("mistral", "Mistral", "https://api.mistral.ai/v1").key_in(&["MISTRAL_API_KEY"]),
    compatible("groq", "Groq", "https://api.groq.com/openai/v1")
        .also(RESPONSES)
        .key_in(&["GROQ_API_KEY"]),
    compatible("together", "Together", "https://api.together.xyz/v1").key_in(&["TOGETHER_API_KEY"]),
    compatible("fireworks", "Fireworks", "https://api.fireworks.ai/inference/v1")
        .key_in(&["FIREWORKS_API_KEY"]),
    compatible("deepseek", "DeepSeek", "https://api.deepseek.com/v1").key_in(&["DEEPSEEK_API_KEY"]),
    compatible("xai", "xAI", "https://api.x.ai/v1").also(RESPONSES).key_in(&["XAI_API_KEY"]),
    compatible("openrouter", "OpenRouter", "https://openrouter.ai/api/v1")
        .key_in(&["OPENROUTER_API_KEY"]),
    compatible("perplexity", "Perplexity", "https://api.perplexity.ai")
        .key_in(&["PERPLEXITY_API_KEY"])
        .models(&["sonar", "sonar-pro", "sonar-reasoning-pro", "sonar-deep-research"]),
    compatible("nvidia_nim", "NVIDIA NIM", "https://integrate.api.nvidia.com/v1")
        .key_in(&["NVIDIA_API_KEY"]),
    compatible("huggingface", "Hugging Face router", "https://router.huggingface.co/v1")
        .key_in(&["HF_TOKEN"]),
    compatible("cerebras", "Cerebras", "https://api.cerebras.ai/v1").key_in(&["CEREBRAS_API_KEY"]),
    compatible("deepinfra", "DeepInfra", "https://api.deepinfra.com/v1/openai")
        .key_in(&["DEEPINFRA_API_KEY"]),
    compatible("sambanova", "SambaNova", "https://api.sambanova.ai/v1")
        .key_in(&["SAMBANOVA_API_KEY"]),
    compatible("scaleway", "Scaleway", "https://api.scaleway.ai/v1"),
    compatible("ollama_cloud", "Ollama's cloud", "https://ollama.com")
        .in_dialect(Dialect::Ollama, Auth::Bearer)
        .key_in(&["OLLAMA_API_KEY"]),
    compatible("compatible", "Any other that speaks as OpenAI does", "https://HOST/v1"),
    server("ollama", "Ollama, as OpenAI speaks", "http://HOST:11434/v1"),
    server("ollama_native", "Ollama", "http://HOST:11434").in_dialect(Dialect::Ollama, Auth::None),
    server("vllm", "vLLM", "http://HOST:8000/v1"),
    server("sglang", "SGLang", "http://HOST:30000/v1"),
    server("llama_cpp", "llama.cpp server", "http://HOST:8080/v1"),
    server("mlserver", "MLServer", "http://HOST:8080").in_dialect(Dialect::Oip, Auth::None),
    server("kserve", "KServe", "http://HOST").in_dialect(Dialect::Oip, Auth::None),
    server("triton", "Triton", "http://HOST:8000").in_dialect(Dialect::Oip, Auth::None),
    server("kserve_predict", "KServe v1 and TensorFlow Serving", "http://HOST")
        .in_dialect(Dialect::Predict, Auth::None),
    server("predict", "Any endpoint that predicts with JSON", "http://HOST")
        .in_dialect(Dialect::Predict, Auth::None),
    server("hf_tgi", "Text Generation Inference", "http://HOST:8080/v1"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_by_its_slug_and_can_be_registered() {
        for vendor in VENDORS {
            let slug = vendor.slug;
            assert_eq!(Vendor::find(slug), Some(vendor), "{slug} is there twice");
            assert!(slug.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{slug}");
            assert!(!vendor.base_url.ends_with('/'), "{slug}");
            assert!(!vendor.also.contains(&vendor.dialect), "{slug}");
        }
    }

    #[test]
    fn a_vendor_that_a_variable_names_needs_nothing_but_the_key() {
        let mut seen = Vec::new();
        for vendor in VENDORS.iter().filter(|vendor| !vendor.variables.is_empty()) {
            let slug = vendor.slug;
            let plain = matches!(vendor.auth, Auth::Bearer | Auth::XApiKey | Auth::GoogleApiKey);
            assert!(plain && vendor.api_version.is_none(), "{slug}");
            assert!(vendor.base_url.starts_with("https://"), "{slug}");
            assert!(!vendor.base_url.bytes().any(|b| b.is_ascii_uppercase()), "{slug}");
            for variable in vendor.variables {
                assert!(!seen.contains(variable), "{variable} names two vendors");
                seen.push(variable);
            }
        }
        assert!(seen.len() > 15);
    }
}
