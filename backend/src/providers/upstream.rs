//! Asking a provider what it offers: the cheapest call that proves address and credential.

use contract::seal::Secret;
use contract::snapshot::{Auth, Dialect};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use serde::{Deserialize, de};
use std::sync::OnceLock;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(10);
/// The most that is read of an answer.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The most models that are told of.
const MODELS_MAX: usize = 1_000;

/// Why a provider did not say what it offers, for a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unhelpful(String);

/// `data` with ids, as OpenAI and Anthropic have it, or `models` with names, as Gemini, Cohere and
/// Ollama. llama.cpp sends both.
#[derive(Deserialize)]
struct Listing {
    data: Option<Vec<Listed>>,
    models: Option<Vec<Listed>>,
}

/// An id, and in some lists a name for people besides; else the name is the id.
#[derive(Deserialize)]
struct Listed {
    id: Option<String>,
    name: Option<String>,
}

/// Where each dialect lists its models, on one page as long as it allows.
fn address(base_url: &str, dialect: Dialect) -> String {
    match dialect {
        Dialect::Anthropic => format!("{base_url}/models?limit=1000"),
        Dialect::Gemini => format!("{base_url}/models?pageSize=1000"),
        // Only the first version of its API has the list.
        Dialect::Cohere => base_url.strip_suffix("/v2").map_or_else(
            || format!("{base_url}/models?page_size=1000"),
            |host| format!("{host}/v1/models?page_size=1000"),
        ),
        Dialect::Ollama => format!("{base_url}/api/tags"),
        _ => format!("{base_url}/models"),
    }
}

/// The names of the models that a provider lists where its dialect has the list.
///
/// # Errors
/// What went wrong and where to look; never the credential.
pub async fn list_models(
    base_url: &str,
    dialect: Dialect,
    auth: Auth,
    credential: Option<&Secret>,
) -> Result<Vec<String>, Unhelpful> {
    let mut request = client()?.get(address(base_url, dialect));
    if dialect == Dialect::Anthropic {
        request = request.header("anthropic-version", "2023-06-01");
    }
    let secret = credential.and_then(Secret::expose_str);
    request = match (auth, secret) {
        (Auth::None, _) => request,
        (Auth::Bearer, Some(secret)) => request.bearer_auth(secret),
        (Auth::ApiKey, Some(secret)) => request.header("api-key", secret),
        (Auth::XApiKey, Some(secret)) => request.header("x-api-key", secret),
        (Auth::GoogleApiKey, Some(secret)) => request.header("x-goog-api-key", secret),
        (Auth::AwsSigv4 | Auth::GoogleServiceAccount | Auth::IbmIam, Some(_)) => {
            return Err(Unhelpful(
                "Only gateways sign requests and fetch tokens. Make a call of one of its models to \
                 see whether the credential works."
                    .into(),
            ));
        }
        (_, None) => {
            return Err(Unhelpful(
                "No credential is stored, and this kind of auth needs one.".into(),
            ));
        }
    };
    let mut answer = request.send().await.map_err(|error| unreachable(&error))?;
    if let Some(why) = refusal(answer.status(), dialect) {
        return Err(Unhelpful(why));
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| unreachable(&error))? {
        if body.len() + chunk.len() > BODY_BYTES_MAX {
            return Err(Unhelpful("The list of models is longer than 4 MiB.".into()));
        }
        body.extend_from_slice(&chunk);
    }
    let listed = read(&body).map_err(|error| {
        Unhelpful(format!(
            "It answered, but not with a list of models ({error}). {}",
            usual_address(dialect)
        ))
    })?;
    let names = listed.into_iter().filter_map(|model| model.id.or(model.name));
    Ok(names.map(bare).take(MODELS_MAX).collect())
}

/// Together sends its list without anything around it.
fn read(body: &[u8]) -> serde_json::Result<Vec<Listed>> {
    if body.trim_ascii_start().starts_with(b"[") {
        return serde_json::from_slice(body);
    }
    let listing: Listing = serde_json::from_slice(body)?;
    listing.data.or(listing.models).ok_or_else(|| de::Error::missing_field("data"))
}

/// Gemini lists its models as paths.
fn bare(name: String) -> String {
    name.strip_prefix("models/").map(str::to_owned).unwrap_or(name)
}

fn client() -> Result<&'static Client, Unhelpful> {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    if let Some(client) = CLIENT.get() {
        return Ok(client);
    }
    // A redirect would carry the credential to a host nobody named.
    let made = Client::builder()
        .timeout(TIMEOUT)
        .connect_timeout(Duration::from_secs(5))
        .redirect(Policy::none())
        .user_agent("tollgate")
        .build()
        .map_err(|error| Unhelpful(format!("No HTTP client can be made: {error}.")))?;
    Ok(CLIENT.get_or_init(|| made))
}

fn unreachable(error: &reqwest::Error) -> Unhelpful {
    let mut cause = String::new();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        cause = inner.to_string();
        source = inner.source();
    }
    Unhelpful(if error.is_timeout() {
        "No answer within 10 seconds. Is the address reachable from here?".into()
    } else if error.is_connect() {
        format!("No connection: {cause}. Check host, port and TLS.")
    } else {
        format!("The connection broke: {cause}.")
    })
}

const fn usual_address(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Cohere => "The address usually ends in /v2.",
        Dialect::Gemini => "The address usually ends in /v1beta.",
        Dialect::Ollama => "The address usually ends with the host, without /v1 or /api.",
        Dialect::Oip | Dialect::Predict => {
            "Servers of this dialect need not have one: call one of its models instead."
        }
        _ => "The address usually ends in /v1, before /models.",
    }
}

fn refusal(status: StatusCode, dialect: Dialect) -> Option<String> {
    let why = match status.as_u16() {
        200 => return None,
        401 | 403 => "It refused our credential. Store a new one.",
        404 => {
            let usual = usual_address(dialect);
            return Some(format!(
                "HTTP 404: There is no list of models under the address. {usual}"
            ));
        }
        429 => "It is limiting requests. The credential may be good; try again later.",
        300..=399 => "It redirects elsewhere. Enter the address it redirects to.",
        500..=599 => "It failed on its side. Try again later.",
        _ => "That is not an answer to a request for its models.",
    };
    Some(format!("HTTP {}: {why}", status.as_u16()))
}
