//! Requests signed with an AWS key.

use super::Unusable;
use bytes::Bytes;
use contract::seal::Secret;
use dialect::sigv4::{self, Credential, Scope};
use http::{HeaderName, HeaderValue, Request, header};
use http_body_util::Full;

/// What a signature is for. It names the service and not the host: Bedrock's runtime is the only one
/// of AWS that serves models to us, under whatever address it is reached.
const SERVICE: &str = "bedrock";
const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// A key, and the region that signatures are made for.
pub struct AwsKeys {
    access_key_id: String,
    secret: String,
    session_token: Option<String>,
    region: String,
}

impl std::fmt::Debug for AwsKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AwsKeys").field("region", &self.region).finish_non_exhaustive()
    }
}

impl AwsKeys {
    /// Reads `<access key id>:<secret access key>[:<session token>]`.
    pub(super) fn read(secret: &Secret, region: Option<&str>) -> Result<Self, Unusable> {
        let region = region.ok_or(Unusable::Region)?.to_owned();
        let text = secret.expose_str().ok_or(Unusable::AwsKeys)?;
        let mut parts = text.splitn(3, ':').map(str::to_owned);
        match (parts.next(), parts.next(), parts.next()) {
            (Some(access_key_id), Some(secret), session_token)
                if !access_key_id.is_empty() && !secret.is_empty() =>
            {
                Ok(Self { access_key_id, secret, session_token, region })
            }
            _ => Err(Unusable::AwsKeys),
        }
    }

    /// Signs a request as it is going to be sent. `now`: seconds since 1970.
    pub fn sign(&self, request: &mut Request<Full<Bytes>>, body: &[u8], now: i64) {
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
        let by = Credential {
            access_key_id: &self.access_key_id,
            secret_access_key: &self.secret,
            session_token: self.session_token.as_deref(),
        };
        let what = sigv4::Request {
            method: request.method().as_str(),
            path: request.uri().path(),
            query: request.uri().query().unwrap_or_default(),
            headers: &[("host", host.unwrap_or_default())],
            body_sha256: &sigv4::hash(body),
        };
        let scope = Scope { region: &self.region, service: SERVICE };
        let signed = sigv4::sign(&what, &by, &scope, now);
        let headers = request.headers_mut();
        let mut insert = |name, text: &str| {
            // What cannot be a header is a credential that AWS refuses without it too.
            if let Ok(mut value) = HeaderValue::from_str(text) {
                value.set_sensitive(true);
                headers.insert(name, value);
            }
        };
        insert(DATE, &signed.date);
        insert(header::AUTHORIZATION, &signed.authorization);
        if let Some(token) = &signed.token {
            insert(TOKEN, token);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_two_parts_or_three_and_a_region() {
        let read = |text: &str, region| {
            AwsKeys::read(&Secret::new(text.as_bytes().to_vec()), region).map(|keys| {
                (keys.access_key_id, keys.secret, keys.session_token.unwrap_or_default())
            })
        };
        let parts = |a: &str, b: &str, c: &str| Ok((a.to_owned(), b.to_owned(), c.to_owned()));
        assert_eq!(read("id:s/e+c", Some("eu-west-1")), parts("id", "s/e+c", ""));
        assert_eq!(read("id:sec:tok:en", Some("eu-west-1")), parts("id", "sec", "tok:en"));
        assert_eq!(read("id:sec", None), Err(Unusable::Region));
        assert_eq!(read("id", Some("eu-west-1")), Err(Unusable::AwsKeys));
        assert_eq!(read(":sec", Some("eu-west-1")), Err(Unusable::AwsKeys));
    }

    #[test]
    fn a_signed_request_carries_date_signature_and_session_token() {
        let secret = Secret::new(b"AKID:secret:token".to_vec());
        let keys = AwsKeys::read(&secret, Some("eu-central-1")).unwrap();
        let mut request = Request::post("/model/m/converse").body(Full::default()).unwrap();
        request.headers_mut().insert(header::HOST, HeaderValue::from_static("h.example"));
        keys.sign(&mut request, b"{}", 1_700_000_000);
        let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("x-amz-date"), "20231114T221320Z");
        assert_eq!(header("x-amz-security-token"), "token");
        let authorization = header("authorization");
        assert!(
            authorization.starts_with(
                "AWS4-HMAC-SHA256 Credential=AKID/20231114/eu-central-1/bedrock/aws4_request, \
                 SignedHeaders=host;x-amz-date;x-amz-security-token, Signature="
            ),
            "{authorization}"
        );
    }
}
