//! The browser calls the islands share. Every failure is "nothing happened": the page underneath
//! works without any of this.

use std::time::Duration;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;

/// Puts `text` on the clipboard; true when the browser did.
pub async fn copy(text: &str) -> bool {
    let Some(window) = web_sys::window() else { return false };
    JsFuture::from(window.navigator().clipboard().write_text(text)).await.is_ok()
}

/// The body of a same-origin GET, or None when it failed for any reason.
pub async fn fetch_text(url: &str) -> Option<String> {
    let window = web_sys::window()?;
    let response = JsFuture::from(window.fetch_with_str(url)).await.ok()?;
    let response: web_sys::Response = response.dyn_into().ok()?;
    if !response.ok() {
        return None;
    }
    JsFuture::from(response.text().ok()?).await.ok()?.as_string()
}

/// Runs `then` once, after `wait`.
pub fn after(wait: Duration, then: impl FnOnce() + 'static) {
    leptos::prelude::set_timeout(then, wait);
}

/// Sets an attribute of the nearest ancestor of `inner` that matches `selector`.
pub fn mark_ancestor(inner: &web_sys::Element, selector: &str, name: &str, value: &str) {
    if let Ok(Some(outer)) = inner.closest(selector) {
        let _ = outer.set_attribute(name, value);
    }
}

/// The root element of the page.
pub fn root() -> Option<web_sys::Element> {
    web_sys::window()?.document()?.document_element()
}

/// Writes a cookie as `document.cookie` takes it.
pub fn set_cookie(text: &str) {
    let document = web_sys::window().and_then(|window| window.document());
    if let Some(document) = document.and_then(|d| d.dyn_into::<web_sys::HtmlDocument>().ok()) {
        let _ = document.set_cookie(text);
    }
}
