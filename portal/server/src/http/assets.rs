//! What portal-build wrote, held in memory and served for ever: a name stands for one content.

use crate::App;
use crate::fault::Fault;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use portal_app::shell::AssetLinks;
use std::collections::{BTreeMap, HashMap};
use std::path::Path as FilePath;
use std::sync::Arc;

const FAVICON: &str = include_str!("favicon.svg");

#[derive(Debug, Default)]
pub struct Assets {
    files: HashMap<String, Bytes>,
    pub links: AssetLinks,
}

#[derive(serde::Deserialize)]
struct Manifest {
    files: BTreeMap<String, String>,
}

impl Assets {
    /// Reads the folder. Without it the portal still works: plain and without islands.
    #[must_use]
    pub fn load(folder: &FilePath) -> Self {
        let read = std::fs::read(folder.join("manifest.json"));
        let Some(manifest) =
            read.ok().and_then(|bytes| serde_json::from_slice::<Manifest>(&bytes).ok())
        else {
            tracing::warn!(folder = %folder.display(), "no assets here: run portal-build");
            return Self::default();
        };
        let mut files = HashMap::new();
        for name in manifest.files.values() {
            for name in [name.clone(), format!("{name}.br"), format!("{name}.gz")] {
                if let Ok(bytes) = std::fs::read(folder.join(&name)) {
                    files.insert(name, Bytes::from(bytes));
                }
            }
        }
        let link = |role: &str| manifest.files.get(role).map(|name| format!("/assets/{name}"));
        let links = AssetLinks { style: link("style"), boot: link("boot"), glue: link("glue") };
        Self { files, links }
    }
}

/// `GET /assets/{name}`.
///
/// # Errors
/// [`Fault::NotFound`] when this build has no such file.
pub async fn file(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let kind = match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("wasm") => "application/wasm",
        _ => return Err(Fault::NotFound),
    };
    let accepts = |coding: &str| {
        let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
        accepted.is_some_and(|all| {
            all.split(',').any(|one| one.split(';').next().is_some_and(|c| c.trim() == coding))
        })
    };
    let twin = [("br", "br"), ("gzip", "gz")]
        .into_iter()
        .filter(|(coding, _)| accepts(coding))
        .find_map(|(coding, end)| Some((coding, app.assets.files.get(&format!("{name}.{end}"))?)));
    let (coding, bytes) = match twin {
        Some((coding, bytes)) => (Some(coding), bytes),
        None => (None, app.assets.files.get(&name).ok_or(Fault::NotFound)?),
    };
    let mut response = bytes.clone().into_response();
    let out = response.headers_mut();
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    let for_ever = HeaderValue::from_static("public, max-age=31536000, immutable");
    out.insert(header::CACHE_CONTROL, for_ever);
    if let Some(coding) = coding {
        out.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    Ok(response)
}

/// `GET /favicon.svg`.
pub async fn favicon() -> Response {
    let kind = (header::CONTENT_TYPE, "image/svg+xml");
    let cache = (header::CACHE_CONTROL, "public, max-age=86400");
    ([kind, cache], FAVICON).into_response()
}
