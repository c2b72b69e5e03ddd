//! Every vendor that speaks as OpenAI does, by its row: a gateway calls it where the row says, in the
//! vendor's words, and understands it. A row without a line here fails; one more vendor is one
//! more of each.

use crate::support::{CREDENTIAL, Stack, World, at, deployment, provider_with};
use crate::upstream::{Seen, Upstream};
use contract::id::PriceId;
use contract::snapshot::{Auth, Dialect};
use contract::vendor::{VENDORS, Vendor};
use serde_json::{Value, json};

/// Slug, where a chat goes, what bounds its output.
const LINES: &[(&str, &str, &str)] = &[
    ("openai", "/v1/chat/completions", "max_completion_tokens"),
    ("azure", "/openai/v1/chat/completions", "max_completion_tokens"),
    (
        "azure_deployments",
        "/openai/deployments/upstream-model/chat/completions?api-version=2024-10-21",
        "max_completion_tokens",
    ),
    ("mistral", "/v1/chat/completions", "max_tokens"),
    ("groq", "/openai/v1/chat/completions", "max_tokens"),
    ("together", "/v1/chat/completions", "max_tokens"),
    ("fireworks", "/inference/v1/chat/completions", "max_tokens"),
    ("deepseek", "/v1/chat/completions", "max_tokens"),
    ("xai", "/v1/chat/completions", "max_tokens"),
    ("openrouter", "/api/v1/chat/completions", "max_tokens"),
    ("perplexity", "/chat/completions", "max_tokens"),
    ("nvidia_nim", "/v1/chat/completions", "max_tokens"),
    ("huggingface", "/v1/chat/completions", "max_tokens"),
    ("cerebras", "/v1/chat/completions", "max_tokens"),
    ("deepinfra", "/v1/openai/chat/completions", "max_tokens"),
    ("sambanova", "/v1/chat/completions", "max_tokens"),
    ("scaleway", "/v1/chat/completions", "max_tokens"),
    ("compatible", "/v1/chat/completions", "max_tokens"),
    ("ollama", "/v1/chat/completions", "max_tokens"),
    ("vllm", "/v1/chat/completions", "max_tokens"),
    ("sglang", "/v1/chat/completions", "max_tokens"),
    ("llama_cpp", "/v1/chat/completions", "max_tokens"),
    ("hf_tgi", "/v1/chat/completions", "max_tokens"),
];

const ANSWER: &str = r#"{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}}"#;

/// Adds a provider of this vendor at `origin`, and a model of its own with the vendor's name.
fn register(world: &mut World, n: u8, vendor: &Vendor, origin: &str) {
    let (_, rest) = vendor.base_url.split_once("://").unwrap();
    let path = rest.find('/').map_or("", |at| &rest[at..]);
    let mut provider = provider_with(n, format!("{origin}{path}"), CREDENTIAL);
    (provider.dialect, provider.also, provider.auth) =
        (vendor.dialect, vendor.also.to_vec(), vendor.auth);
    provider.settings.vendor = Some(vendor.slug.to_owned());
    provider.settings.api_version = vendor.api_version.map(str::to_owned);
    let deployment = deployment(n, n, n, "upstream-model");
    let mut model = world.models[0].clone();
    (model.id, model.name) = (deployment.model_id, vendor.slug.to_owned());
    let mut price = world.prices[0].clone();
    (price.id, price.model_id) = (PriceId::new(at(), &[n; 10]), model.id);
    world.product.model_ids.push(model.id);
    world.providers.push(provider);
    world.deployments.push(deployment);
    world.models.push(model);
    world.prices.push(price);
}

fn proves_who_we_are(vendor: &Vendor, seen: &Seen) -> bool {
    match vendor.auth {
        Auth::Bearer => seen.header("authorization") == Some(&format!("Bearer {CREDENTIAL}")),
        Auth::ApiKey => seen.header("api-key") == Some(CREDENTIAL),
        _ => vendor.auth == Auth::None && seen.header("authorization").is_none(),
    }
}

#[tokio::test]
async fn every_vendor_of_openais_kin_is_called_as_its_row_says() {
    let mut rows: Vec<&str> =
        VENDORS.iter().filter(|v| v.dialect == Dialect::Openai).map(|v| v.slug).collect();
    let mut lines: Vec<&str> = LINES.iter().map(|(slug, ..)| *slug).collect();
    rows.sort_unstable();
    lines.sort_unstable();
    assert_eq!(lines, rows, "each row of contract/src/vendor.rs has its line in this test");

    let upstream = Upstream::always(200, "application/json", ANSWER).await;
    let origin = upstream.base_url.trim_end_matches("/v1").to_owned();
    let stack = Stack::of(move |world| {
        for (n, (slug, ..)) in (10..).zip(LINES) {
            register(world, n, Vendor::find(slug).unwrap(), &origin);
        }
    })
    .await;
    for (slug, path, bound) in LINES {
        let vendor = Vendor::find(slug).unwrap();
        let asked = json!({"model": slug, "max_tokens": 50, "system": "Be brief.",
            "messages": [{"role": "user", "content": "Hello"}]});
        let response = stack.post("/v1/messages").json(&asked).send().await.unwrap();
        let status = response.status();
        let answer: Value = response.json().await.unwrap();
        assert_eq!(status, 200, "{slug}: {answer}");
        assert_eq!(answer["content"][0]["text"], "Hello", "{slug}");
        assert_eq!(answer["usage"]["output_tokens"], 2, "{slug}");
        let seen = upstream.last();
        assert_eq!(seen.path, *path, "{slug}");
        assert!(proves_who_we_are(vendor, &seen), "{slug}: {:?}", seen.headers);
        let sent = seen.json();
        assert_eq!(
            (&sent["model"], &sent[bound]),
            (&json!("upstream-model"), &json!(50)),
            "{slug}"
        );
        assert_eq!(sent["messages"][0]["content"], "Be brief.", "{slug}");
    }
    assert_eq!(stack.events(LINES.len()).await.len(), upstream.seen().len());
}
