//! Fetching a token: what is sent in exchange for it, and one HTTP call to where it is given.

use super::credential::Unusable;
use super::token::TokenError;
use super::{Address, connect};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use bytes::Bytes;
use contract::Timestamp;
use contract::seal::Secret;
use http::{HeaderValue, Method, Request, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use rustls::SignatureScheme;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::sign::SigningKey;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use url::form_urlencoded;

const GOOGLE_URL: &str = "https://oauth2.googleapis.com/token";
const GOOGLE_SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
const IBM_URL: &str = "https://iam.cloud.ibm.com/identity/token";
const FETCH_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// How long an assertion is good for, in seconds.
const ASSERTION_LIVES: i64 = 600;
/// Assumed where an answer does not say how long its token lives, in seconds.
const LIFE_ASSUMED: u64 = 600;

/// What is given in exchange for a token, and where.
pub struct Grant {
    url: Uri,
    kind: Kind,
}

enum Kind {
    /// A service account's own signature.
    Google {
        email: String,
        key_id: Option<String>,
        key: Arc<dyn SigningKey>,
    },
    IbmApiKey(String),
}

impl std::fmt::Debug for Grant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Grant").field("url", &self.url).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct KeyFile {
    client_email: String,
    private_key: String,
    private_key_id: Option<String>,
    token_uri: Option<String>,
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    typ: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: &'static str,
    aud: String,
    iat: i64,
    exp: i64,
}

impl Grant {
    pub(super) fn google(key_file: &Secret, url: Option<&str>) -> Result<Self, Unusable> {
        let file: KeyFile =
            serde_json::from_slice(key_file.expose()).map_err(|_| Unusable::ServiceAccount)?;
        let der = PrivateKeyDer::from_pem_slice(file.private_key.as_bytes())
            .map_err(|_| Unusable::ServiceAccount)?;
        let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&der)
            .map_err(|_| Unusable::ServiceAccount)?;
        let url = url.or(file.token_uri.as_deref()).unwrap_or(GOOGLE_URL);
        let kind = Kind::Google { email: file.client_email, key_id: file.private_key_id, key };
        Ok(Self { url: token_url(url)?, kind })
    }

    pub(super) fn ibm(api_key: &Secret, url: Option<&str>) -> Result<Self, Unusable> {
        let key = api_key.expose_str().ok_or(Unusable::Header)?.to_owned();
        Ok(Self { url: token_url(url.unwrap_or(IBM_URL))?, kind: Kind::IbmApiKey(key) })
    }

    /// The form that is posted.
    fn form(&self, now: Timestamp) -> Result<String, TokenError> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        match &self.kind {
            Kind::Google { email, key_id, key } => {
                let issued = now.timestamp();
                let claims = Claims {
                    iss: email,
                    scope: GOOGLE_SCOPE,
                    aud: self.url.to_string(),
                    iat: issued,
                    exp: issued + ASSERTION_LIVES,
                };
                let header = Header { alg: "RS256", typ: "JWT", kid: key_id.as_deref() };
                form.append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
                form.append_pair("assertion", &signed(&header, &claims, key.as_ref())?);
            }
            Kind::IbmApiKey(key) => {
                form.append_pair("grant_type", "urn:ibm:params:oauth:grant-type:apikey");
                form.append_pair("apikey", key);
            }
        }
        Ok(form.finish())
    }
}

fn token_url(text: &str) -> Result<Uri, Unusable> {
    let url: Uri = text.parse().map_err(|_| Unusable::TokenUrl)?;
    let absolute = matches!(url.scheme_str(), Some("http" | "https"));
    if absolute && Address::of(&url).is_some() { Ok(url) } else { Err(Unusable::TokenUrl) }
}

/// A JWT signed with RS256.
fn signed(
    header: &Header<'_>,
    claims: &Claims<'_>,
    key: &dyn SigningKey,
) -> Result<String, TokenError> {
    let failed = || TokenError("the service account's key does not sign".to_owned());
    let part = |json: Result<Vec<u8>, serde_json::Error>| {
        json.map(|json| BASE64.encode(json)).map_err(|_| failed())
    };
    let mut text = part(serde_json::to_vec(header))?;
    text.push('.');
    text.push_str(&part(serde_json::to_vec(claims))?);
    let signer = key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]).ok_or_else(failed)?;
    let signature = signer.sign(text.as_bytes()).map_err(|_| failed())?;
    text.push('.');
    text.push_str(&BASE64.encode(signature));
    Ok(text)
}

/// A token that was given.
pub struct Fresh {
    pub token: String,
    pub lives: Duration,
}

#[derive(Deserialize)]
struct Given {
    access_token: String,
    expires_in: Option<u64>,
}

/// Fetches a token.
///
/// # Errors
/// What went wrong; nothing of the credential, and nothing that the other side said of it.
pub async fn fetch(
    grant: &Grant,
    tls: &Arc<rustls::ClientConfig>,
    now: Timestamp,
) -> Result<Fresh, TokenError> {
    let fetched = tokio::time::timeout(FETCH_TIMEOUT, exchange(grant, tls, now)).await;
    fetched.map_err(|_| TokenError("no answer in time".to_owned()))?
}

async fn exchange(
    grant: &Grant,
    tls: &Arc<rustls::ClientConfig>,
    now: Timestamp,
) -> Result<Fresh, TokenError> {
    let failed = |error: &dyn std::fmt::Display| TokenError(error.to_string());
    let address = Address::of(&grant.url).ok_or_else(|| failed(&Unusable::TokenUrl))?;
    let wire = connect::connect(&address, tls).await.map_err(|error| failed(&error))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(wire))
        .await
        .map_err(|error| failed(&error))?;
    let connection = tokio::spawn(connection);
    let request = request(&grant.url, grant.form(now)?)?;
    let response = sender.send_request(request).await.map_err(|error| failed(&error))?;
    let (head, body) = response.into_parts();
    let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
    connection.abort();
    if !head.status.is_success() {
        return Err(TokenError(format!("status {}", head.status)));
    }
    let body = body.map_err(|error| failed(&error))?.to_bytes();
    let given: Given = serde_json::from_slice(&body)
        .map_err(|_| TokenError("the answer holds no access_token".to_owned()))?;
    let lives = Duration::from_secs(given.expires_in.unwrap_or(LIFE_ASSUMED));
    Ok(Fresh { token: given.access_token, lives })
}

fn request(url: &Uri, form: String) -> Result<Request<Full<Bytes>>, TokenError> {
    let wrong = || TokenError(Unusable::TokenUrl.to_string());
    let path = url.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let host = url.authority().ok_or_else(wrong)?.as_str();
    let mut request = Request::new(Full::new(Bytes::from(form)));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = path.parse().map_err(|_| wrong())?;
    let headers = request.headers_mut();
    headers.insert(header::HOST, HeaderValue::from_str(host).map_err(|_| wrong())?);
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/x-www-form-urlencoded"),
    );
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    Ok(request)
}
