//! The operator's pages: providers, models, products.

use contract::api::catalog::{Approval, ProductState};
use contract::snapshot::{Auth, Dialect, Lifecycle};

pub const PROVIDERS: &str = "Providers";
pub const PROVIDERS_LEAD: &str =
    "Who runs models. A credential is written, sealed at once, and never shown again.";
pub const NEW_PROVIDER: &str = "New provider";
pub const EDIT_PROVIDER: &str = "Edit provider";
pub const NAME: &str = "Name";
pub const SLUG: &str = "Short name";
pub const SLUG_HINT: &str = "Lower-case letters, digits and hyphens. It cannot be changed later.";
pub const BASE_URL: &str = "Base address";
pub const BASE_URL_HINT: &str = "Such as https://api.example.com/v1: the operation's path is appended. What is in capitals is yours to fill in.";
pub const DIALECT: &str = "Dialect";
pub const MORE: &str = "More: other dialects, region, version";
pub const ALSO: &str = "Other dialects";
pub const ALSO_HINT: &str = "Under the same address: calls in them pass unchanged.";
pub const REGION: &str = "Region";
pub const REGION_HINT: &str = "For AWS signatures, such as eu-central-1.";
pub const PROJECT: &str = "Project";
pub const PROJECT_HINT: &str = "For watsonx.ai: the project's id.";
pub const API_VERSION: &str = "Version of the interface";
pub const API_VERSION_HINT: &str =
    "For Azure by deployment and watsonx.ai, such as 2024-10-21; sent in the query.";
pub const TOKEN_URL: &str = "Address of tokens";
pub const TOKEN_URL_HINT: &str = "Only where tokens are not fetched at the vendor's usual address.";
pub const START_FROM: &str = "Start from a vendor or a model server";
pub const PREDICT: &str = "Layout of predictions";
pub const PREDICT_HINT: &str = "Only for predictions as JSON: where tensors go in the request, and where they are in the answer. \
     {\"path\": \"/v1/models/{model}:predict\", \"input\": \"/instances\", \"layout\": \"rows\", \
     \"outputs\": [{\"name\": \"y\", \"pointer\": \"/predictions\", \"datatype\": \"FP32\"}]}";
pub const VENDOR_NONE: &str = "None: as the maker of the dialect";
pub const VENDOR: &str = "Vendor";
pub const VENDOR_HINT: &str =
    "Whose ways it has, where they differ from those of the dialect's maker: mistral, vllm, …";
pub const AUTH: &str = "Credential is sent as";
pub const CREDENTIAL: &str = "Credential";
pub const CREDENTIAL_HINT: &str = "Sealed at once, never shown again.";
pub const CREDENTIAL_KEEP: &str = "Leave it empty to keep the one that is stored.";
pub const CREDENTIAL_SET: &str = "stored";
pub const CREDENTIAL_NONE: &str = "none";
pub const STATE: &str = "State";
pub const DEPLOYMENTS: &str = "Deployments";
pub const CREATED: &str = "Created";
pub const CREATE: &str = "Create";
pub const SAVE: &str = "Save";
pub const SAVED: &str = "Saved. Gateways follow within a second.";
pub const DISABLED: &str = "Disabled: no call is sent to it";
pub const NO_PROVIDERS: &str = "No providers yet";
pub const NO_PROVIDERS_WHY: &str = "Add one, then models and their deployments on it.";
pub const PROVIDER_CREATED: &str = "The provider is stored. Test the connection next.";
pub const TEST: &str = "Test connection";
pub const TEST_WHY: &str = "Asks the provider for its models with the stored credential.";
pub const TEST_OK: &str = "The provider answered";
pub const TEST_FAILED: &str = "The provider did not answer as it should";
pub const UPSTREAM_MODELS: &str = "It offers";
pub const UNKNOWN: &str = "Choose one of those offered.";

pub const MODELS: &str = "Models";
pub const MODELS_LEAD: &str = "What callers name. Each answers at one or more deployments and has a price from an instant on.";
pub const NEW_MODEL: &str = "New model";
pub const MODEL_NAME: &str = "Name in calls";
pub const MODEL_NAME_HINT: &str = "a-z 0-9 . _ - / : and permanent.";
pub const DISPLAY_NAME: &str = "Name for people";
pub const MODALITY: &str = "Kind";
pub const CONTEXT: &str = "Context, in tokens";
pub const OUTPUT_MAX: &str = "Longest answer, in tokens";
pub const OUTPUT_HINT: &str = "Bounds what one call can cost. At least 1 for chat, 0 for all else.";
pub const WHOLE: &str = "Enter a whole number, such as 8192.";
pub const MODEL_CREATED: &str =
    "The model is a draft. Give it a deployment and a price, then make it active.";
pub const NO_MODELS: &str = "No models yet";
pub const NO_MODELS_WHY: &str = "Add a provider first, then its models.";
pub const PRICE: &str = "Price";
pub const NO_PRICE: &str = "no price in force";
pub const EDIT: &str = "Name, state and size";
pub const LIFECYCLE_HINT: &str = "Only active and deprecated models can be called.";

pub const DEPLOYMENTS_LEAD: &str = "Where it answers. Calls are spread by weight.";
pub const NO_DEPLOYMENTS: &str = "It answers nowhere yet, so every call of it fails.";
pub const ADD_DEPLOYMENT: &str = "Add a deployment";
pub const PROVIDER: &str = "Provider";
pub const UPSTREAM_MODEL: &str = "Name at the provider";
pub const WEIGHT: &str = "Weight";
pub const WEIGHT_HINT: &str = "Twice the weight, twice the calls.";
pub const CHANGE: &str = "Change";
pub const ENABLE: &str = "Enable";
pub const DISABLE: &str = "Disable";
pub const DEPLOYMENT_CREATED: &str = "The deployment takes calls within a second.";

pub const PRICES: &str = "Prices";
pub const PRICES_LEAD: &str =
    "US dollars; rates of tokens are per million. A price is never edited: a new one takes over.";
pub const NO_PRICES: &str = "It has never had a price, so it cannot be called.";
pub const ADD_PRICE: &str = "Add a price";
pub const FREE: &str = "Calls are free on purpose";
pub const FREE_HINT: &str =
    "Otherwise a price that asks nothing of such a model's calls is refused.";
pub const OTHER_RATES: &str = "Other rates";
pub const RATES_TOKENS: &str = "Tokens";
pub const RATES_CACHED: &str = "Cached tokens";
pub const RATES_MEDIA: &str = "Tokens of audio and pictures";
pub const RATES_UNITS: &str = "Per unit";
pub const FROM: &str = "In force from (UTC)";
pub const FROM_HINT: &str = "Empty: now.";
pub const FROM_BAD: &str = "Enter a date and time, such as 2026-03-01T00:00.";
pub const MONEY: &str = "Enter dollars, such as 0.15.";
pub const PLAN: &str = "For";
pub const LIST_PRICE: &str = "everybody";
pub const PLAN_PRICE: &str = "one plan";
pub const PRICE_CREATED: &str = "The price is stored.";

pub const PRODUCTS: &str = "Products";
pub const PRODUCTS_LEAD: &str =
    "What can be subscribed to: models behind plans. Only published ones are in the catalogue.";
pub const NEW_PRODUCT: &str = "New product";
pub const SUMMARY: &str = "Summary";
pub const SUMMARY_HINT: &str = "One sentence, shown in the catalogue.";
pub const DESCRIPTION: &str = "Description";
pub const PRODUCT_MODELS: &str = "Models in it";
pub const PRODUCT_CREATED: &str = "The product is a draft. Add a plan, then publish it.";
pub const NO_PRODUCTS: &str = "No products yet";
pub const NO_PRODUCTS_WHY: &str = "Make one so that apps can subscribe to models.";
pub const EDIT_PRODUCT: &str = "Product";
pub const PLANS: &str = "Plans";
pub const NO_PLANS: &str = "It has no plan yet, so nobody can subscribe.";
pub const ADD_PLAN: &str = "Add a plan";
pub const APPROVAL: &str = "Subscriptions";
pub const DEFAULT: &str = "New apps have it from the start";
pub const PLAN_OUTPUT_HINT: &str = "Empty: as the model allows.";
pub const LIMITS: &str = "Limits";
pub const LIMIT_HINT: &str = "For each subscription. Empty: no such limit.";
pub const CALLS_MINUTE: &str = "Calls per minute";
pub const TOKENS_MINUTE: &str = "Tokens per minute";
pub const DOLLARS_MONTH: &str = "Dollars per month";
pub const PLAN_CREATED: &str = "The plan can be subscribed to as soon as the product is published.";
pub const SEE: &str = "See it in the catalogue";

/// How a provider speaks.
#[must_use]
pub const fn dialect(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Openai => "OpenAI chat completions",
        Dialect::Responses => "OpenAI responses",
        Dialect::Anthropic => "Anthropic messages",
        Dialect::Gemini => "Gemini",
        Dialect::Bedrock => "AWS Bedrock Converse",
        Dialect::Cohere => "Cohere v2",
        Dialect::Watsonx => "IBM watsonx.ai",
        Dialect::Ollama => "Ollama",
        Dialect::Oip => "Open Inference Protocol v2",
        Dialect::Predict => "Predictions as JSON, laid out below",
    }
}

/// How a credential travels.
#[must_use]
pub const fn auth(auth: Auth) -> &'static str {
    match auth {
        Auth::None => "No credential",
        Auth::Bearer => "Authorization: Bearer …",
        Auth::ApiKey => "api-key: … (Azure)",
        Auth::XApiKey => "x-api-key: … (Anthropic)",
        Auth::GoogleApiKey => "x-goog-api-key: … (Gemini)",
        Auth::AwsSigv4 => "AWS signature: key id:secret",
        Auth::GoogleServiceAccount => "Google service account: its JSON key",
        Auth::IbmIam => "IBM Cloud API key, for tokens",
    }
}

/// A model's state, as a choice.
#[must_use]
pub const fn lifecycle(state: Lifecycle) -> &'static str {
    match state {
        Lifecycle::Draft => "Draft: not callable yet",
        Lifecycle::Active => "Active",
        Lifecycle::Deprecated => "Deprecated: callable, going away",
        Lifecycle::Retired => "Retired: refused",
    }
}

/// A product's state, as a choice.
#[must_use]
pub const fn product_state(state: ProductState) -> &'static str {
    match state {
        ProductState::Draft => "Draft: not in the catalogue",
        ProductState::Published => "Published: in the catalogue",
        ProductState::Withdrawn => "Withdrawn: no new subscriptions",
    }
}

/// How a subscription comes to be, as a choice.
#[must_use]
pub const fn approval(approval: Approval) -> &'static str {
    match approval {
        Approval::Auto => "Active at once",
        Approval::Manual => "Wait for a person",
    }
}

/// How long a test took.
#[must_use]
pub fn took(ms: &str) -> String {
    format!("It took {ms}.")
}
