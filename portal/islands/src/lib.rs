//! The bundle the browser loads. Linking `portal_app` exports one function per island; the page's
//! boot script calls them.

use portal_app as _;

/// Prepares the runtime; called once, before any island.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
