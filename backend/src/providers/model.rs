//! What a provider may be: the rules of its address, name and credential.

use contract::error::FieldError;
use contract::snapshot::{Auth, Dialect, PredictMap, ProviderSettings};
use contract::vendor::Vendor;
use url::Url;

/// Characters of a credential at most.
const CREDENTIAL_MAX: usize = 8_192;

/// Brings an address to its stored form, without a trailing slash.
///
/// # Errors
/// What is wrong with it and how to write it.
pub fn base_url(text: &str) -> Result<String, FieldError> {
    let refuse = |why: &str| Err(FieldError::new("/base_url", why));
    let text = text.trim();
    let Ok(url) = Url::parse(text) else {
        return refuse("write a whole address, like https://api.example.com/v1");
    };
    if !matches!(url.scheme(), "http" | "https") {
        return refuse("the address must start with http:// or https://");
    }
    if url.host_str().is_none_or(str::is_empty) {
        return refuse("the address names no host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("put the credential into `credential`, not into the address");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("leave out everything from `?` or `#` on: the operation's path is appended");
    }
    if text.len() > 500 {
        return refuse("the address is longer than 500 characters");
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Checks that a credential can be sent, or signed with; its stored form.
///
/// # Errors
/// Never repeats the credential.
pub fn credential(text: &str, auth: Auth) -> Result<String, FieldError> {
    let refuse = |why: &str| Err(FieldError::new("/credential", why));
    let text = text.trim();
    if text.is_empty() {
        return refuse("the credential is empty");
    }
    if text.len() > CREDENTIAL_MAX {
        return refuse("the credential is longer than 8192 characters");
    }
    if auth == Auth::GoogleServiceAccount {
        return service_account(text);
    }
    if !text.bytes().all(|b| b.is_ascii_graphic()) {
        return refuse(
            "the credential holds a space, a line break or a character that no header can carry",
        );
    }
    let parts = text.split(':').filter(|part| !part.is_empty()).count();
    if auth == Auth::AwsSigv4 && !(2..=3).contains(&parts) {
        return refuse(
            "write the access key's id and its secret with a colon between them, and a session \
             token after another colon where there is one",
        );
    }
    Ok(text.to_owned())
}

/// The key file of a service account, without its spaces.
fn service_account(text: &str) -> Result<String, FieldError> {
    let refuse = |why: &str| Err(FieldError::new("/credential", why));
    let Ok(key) = serde_json::from_str::<serde_json::Value>(text) else {
        return refuse("paste the whole key file of the service account; it is not JSON");
    };
    for field in ["client_email", "private_key"] {
        if key.get(field).and_then(serde_json::Value::as_str).is_none_or(str::is_empty) {
            return refuse(
                "this is no key file of a service account: it lacks client_email or private_key",
            );
        }
    }
    Ok(key.to_string())
}

/// The other dialects of a provider, each once and not its first one again.
///
/// # Errors
/// Where the first one is among them.
pub fn also(first: Dialect, others: &[Dialect]) -> Result<Vec<Dialect>, FieldError> {
    if others.contains(&first) {
        return Err(FieldError::new("/also", "name only dialects other than `dialect` here"));
    }
    let mut once = Vec::new();
    for other in others {
        if !once.contains(other) {
            once.push(*other);
        }
    }
    Ok(once)
}

fn vendor(slug: Option<&str>) -> Result<Option<String>, FieldError> {
    match slug.map(str::trim).filter(|slug| !slug.is_empty()) {
        None => Ok(None),
        Some(slug) if Vendor::find(slug).is_some() => Ok(Some(slug.to_owned())),
        Some(_) => Err(FieldError::new(
            "/settings/vendor",
            "there is no vendor of this name here; use `compatible`, or leave it out",
        )),
    }
}

/// The layout of a dialect whose layout is data.
fn predict(given: Option<&PredictMap>, dialect: Dialect) -> Result<Option<PredictMap>, FieldError> {
    let at = |place: &str, why: &str| {
        let why = if place.is_empty() { why.to_owned() } else { format!("`{place}`: {why}") };
        FieldError::new(format!("/settings/predict{place}"), why)
    };
    match given {
        None if dialect == Dialect::Predict => {
            Err(at("", "say how the endpoint is called: path, input, layout and outputs"))
        }
        None => Ok(None),
        Some(map) => match map.check() {
            Ok(()) => Ok(Some(map.clone())),
            Err((place, why)) => Err(at(&place, why)),
        },
    }
}

/// Settings with nothing empty in them.
///
/// # Errors
/// What the dialect or the kind of auth needs and is not there, or what cannot be sent.
pub fn settings(
    given: &ProviderSettings,
    dialect: Dialect,
    auth: Auth,
) -> Result<ProviderSettings, FieldError> {
    let word = |name: &str, value: &Option<String>| {
        let value = value.as_deref().map(str::trim).filter(|value| !value.is_empty());
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        match value {
            Some(value) if value.len() > 100 || !value.bytes().all(plain) => Err(FieldError::new(
                format!("/settings/{name}"),
                "at most 100 letters, digits, `-`, `_` and `.`",
            )),
            value => Ok(value.map(str::to_owned)),
        }
    };
    let token_url = given.token_url.as_deref().map(str::trim).filter(|url| !url.is_empty());
    let token_url = token_url
        .map(|url| base_url(url).map_err(|e| FieldError::new("/settings/token_url", e.detail)));
    let settings = ProviderSettings {
        region: word("region", &given.region)?,
        project: word("project", &given.project)?,
        api_version: word("api_version", &given.api_version)?,
        token_url: token_url.transpose()?,
        vendor: vendor(given.vendor.as_deref())?,
        predict: predict(given.predict.as_ref(), dialect)?,
    };
    let missing = if auth == Auth::AwsSigv4 && settings.region.is_none() {
        Some(("/settings/region", "AWS signatures are made for a region: name it"))
    } else if dialect == Dialect::Watsonx && settings.project.is_none() {
        Some(("/settings/project", "watsonx.ai books calls on a project: give its id"))
    } else if dialect == Dialect::Watsonx && settings.api_version.is_none() {
        Some(("/settings/api_version", "watsonx.ai wants a version, a date such as 2024-10-08"))
    } else {
        None
    };
    missing.map_or(Ok(settings), |(field, why)| Err(FieldError::new(field, why)))
}

/// Whether two addresses lead to the same scheme, host and port.
#[must_use]
pub fn same_host(one: &str, other: &str) -> bool {
    match (Url::parse(one), Url::parse(other)) {
        (Ok(one), Ok(other)) => one.origin() == other.origin(),
        _ => false,
    }
}

/// Whether `auth` can work with what is stored and what was sent.
///
/// # Errors
/// Names the missing or the needless credential.
pub fn auth_fits(auth: Auth, stored: bool, sent: bool) -> Result<(), FieldError> {
    match auth {
        Auth::None if sent => {
            Err(FieldError::new("/credential", "auth `none` sends no credential: leave it out"))
        }
        Auth::None => Ok(()),
        _ if !stored && !sent => Err(FieldError::new(
            "/credential",
            "send a credential: this kind of auth needs one, and a stored one is only used \
                 for the host it was given for",
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_kept_without_its_trailing_slash() {
        assert_eq!(
            base_url(" https://api.example.com/v1/ ").unwrap(),
            "https://api.example.com/v1"
        );
        assert_eq!(base_url("http://127.0.0.1:7103/v1").unwrap(), "http://127.0.0.1:7103/v1");
        assert_eq!(base_url("HTTPS://Api.Example.com").unwrap(), "https://api.example.com");
    }

    #[test]
    fn an_address_that_could_not_be_called_is_refused_with_what_to_change() {
        for (bad, word) in [
            ("", "whole address"),
            ("api.example.com/v1", "whole address"),
            ("ftp://example.com", "http"),
            ("file:///etc/passwd", "http"),
            ("https://me:secret@example.com", "credential"),
            ("https://example.com/v1?key=1", "?"),
            ("https://example.com/v1#a", "#"),
        ] {
            let error = base_url(bad).unwrap_err();
            assert_eq!(error.pointer, "/base_url");
            assert!(error.detail.contains(word), "{bad}: {}", error.detail);
            assert!(!error.detail.contains("secret"));
        }
    }

    #[test]
    fn a_credential_that_no_header_carries_is_refused_without_repeating_it() {
        assert_eq!(credential(" sk-abc\n", Auth::Bearer).unwrap(), "sk-abc");
        for bad in ["", "   ", "sk abc", "sk\nabc", "schlüssel"] {
            let error = credential(bad, Auth::XApiKey).unwrap_err();
            assert!(bad.trim().is_empty() || !error.detail.contains(bad));
        }
    }

    #[test]
    fn a_credential_that_is_signed_with_has_the_parts_that_signing_needs() {
        assert_eq!(credential("AKIA:s/e+c", Auth::AwsSigv4).unwrap(), "AKIA:s/e+c");
        assert_eq!(credential("AKIA:sec:tok", Auth::AwsSigv4).unwrap(), "AKIA:sec:tok");
        for bad in ["AKIA", "AKIA:", ":sec", "a:b:c:d"] {
            assert!(credential(bad, Auth::AwsSigv4).is_err(), "{bad}");
        }
        let key = "{\n \"client_email\": \"a@b\", \"private_key\": \"-----BEGIN\" }";
        let kept = credential(key, Auth::GoogleServiceAccount).unwrap();
        assert_eq!(kept, r#"{"client_email":"a@b","private_key":"-----BEGIN"}"#);
        for bad in ["sk-abc", "{}", r#"{"client_email":"a@b"}"#] {
            let error = credential(bad, Auth::GoogleServiceAccount).unwrap_err();
            assert_eq!(error.pointer, "/credential");
        }
    }

    #[test]
    fn what_a_kind_of_provider_needs_besides_its_address_must_be_there() {
        let given = |region: &str, project: &str, version: &str| ProviderSettings {
            region: Some(region.to_owned()),
            project: Some(project.to_owned()),
            api_version: Some(version.to_owned()),
            ..ProviderSettings::default()
        };
        let pointer = |settings: &ProviderSettings, dialect, auth| {
            super::settings(settings, dialect, auth).unwrap_err().pointer
        };
        let none = given("", " ", "");
        assert!(super::settings(&none, Dialect::Openai, Auth::Bearer).unwrap().is_default());
        assert_eq!(pointer(&none, Dialect::Bedrock, Auth::AwsSigv4), "/settings/region");
        assert_eq!(pointer(&none, Dialect::Watsonx, Auth::IbmIam), "/settings/project");
        let half = given("", "p-1", "");
        assert_eq!(pointer(&half, Dialect::Watsonx, Auth::IbmIam), "/settings/api_version");
        let bad = given("eu west", "", "");
        assert_eq!(pointer(&bad, Dialect::Bedrock, Auth::AwsSigv4), "/settings/region");
        let whole = given("eu-de", "p-1", "2024-10-08");
        assert_eq!(super::settings(&whole, Dialect::Watsonx, Auth::IbmIam).unwrap(), whole);
        let nobody = ProviderSettings { vendor: Some("nobody".into()), ..none };
        assert_eq!(pointer(&nobody, Dialect::Openai, Auth::Bearer), "/settings/vendor");
        let away = ProviderSettings { token_url: Some("iam".into()), ..whole };
        assert_eq!(pointer(&away, Dialect::Watsonx, Auth::IbmIam), "/settings/token_url");
    }

    #[test]
    fn a_dialect_is_named_once() {
        let others = [Dialect::Responses, Dialect::Anthropic, Dialect::Responses];
        assert_eq!(
            also(Dialect::Openai, &others).unwrap(),
            [Dialect::Responses, Dialect::Anthropic]
        );
        assert_eq!(also(Dialect::Responses, &others).unwrap_err().pointer, "/also");
    }

    #[test]
    fn a_credential_does_not_follow_to_another_host() {
        assert!(same_host("https://a.example/v1", "https://a.example/v2"));
        assert!(!same_host("https://a.example/v1", "https://b.example/v1"));
        assert!(!same_host("https://a.example/v1", "http://a.example/v1"));
        assert!(!same_host("https://a.example/v1", "https://a.example:444/v1"));
    }

    #[test]
    fn a_kind_of_auth_that_needs_a_credential_does_not_go_without() {
        assert!(auth_fits(Auth::Bearer, false, false).is_err());
        assert!(auth_fits(Auth::ApiKey, true, false).is_ok());
        assert!(auth_fits(Auth::None, false, true).is_err());
        assert!(auth_fits(Auth::None, true, false).is_ok());
    }
}
