//! Asking a provider what it offers: the cheapest call that proves address and credential.

use contract::seal::Secret;
use contract::snapshot::Auth;
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use serde::Deserialize;
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

/// `data` with ids, as OpenAI and Anthropic have it, or `models` with names, as Gemini and Cohere.
#[derive(Deserialize)]
struct Listing {
    #[serde(alias = "models")]
    data: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(alias = "name")]
    id: String,
}

/// The names of the models that `GET {base_url}/models` lists.
///
/// # Errors
/// What went wrong and where to look; never the credential.
pub async fn list_models(
    base_url: &str,
    auth: Auth,
    credential: Option<&Secret>,
) -> Result<Vec<String>, Unhelpful> {
    let mut request = client()?.get(format!("{base_url}/models"));
    let secret = credential.and_then(Secret::expose_str);
    request = match (auth, secret) {
        (Auth::None, _) => request,
        (Auth::Bearer, Some(secret)) => request.bearer_auth(secret),
        (Auth::ApiKey, Some(secret)) => request.header("api-key", secret),
        (Auth::XApiKey, Some(secret)) => {
            request.header("x-api-key", secret).header("anthropic-version", "2023-06-01")
        }
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
    if let Some(why) = refusal(answer.status()) {
        return Err(Unhelpful(why));
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| unreachable(&error))? {
        if body.len() + chunk.len() > BODY_BYTES_MAX {
            return Err(Unhelpful("The list of models is longer than 4 MiB.".into()));
        }
        body.extend_from_slice(&chunk);
    }
    let listing: Listing = serde_json::from_slice(&body).map_err(|error| {
        Unhelpful(format!(
            "It answered, but not with a list of models ({error}). Is the address the one that \
             ends before /models, often in /v1?"
        ))
    })?;
    Ok(listing.data.into_iter().map(|model| bare(model.id)).take(MODELS_MAX).collect())
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

fn refusal(status: StatusCode) -> Option<String> {
    let why = match status.as_u16() {
        200 => return None,
        401 | 403 => "It refused our credential. Store a new one.",
        404 => "There is no /models under the address. It is usually the part that ends in /v1.",
        429 => "It is limiting requests. The credential may be good; try again later.",
        300..=399 => "It redirects elsewhere. Enter the address it redirects to.",
        500..=599 => "It failed on its side. Try again later.",
        _ => "That is not an answer to a request for its models.",
    };
    Some(format!("HTTP {}: {why}", status.as_u16()))
}
