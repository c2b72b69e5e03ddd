//! Light, dark or the system's choice. Without JavaScript the form posts and the page reloads.

use super::browser;
use leptos::prelude::*;

/// The cookie the server reads before the first byte, so that no page flashes the wrong theme.
pub const THEME_COOKIE: &str = "tollgate_theme";

/// Three buttons of one form. `theme` is the one in force; `back` the page to return to.
#[island]
pub fn ThemeToggle(theme: String, back: String) -> impl IntoView {
    let (current, set_current) = signal(theme);
    let choices = [("system", "System"), ("light", "Light"), ("dark", "Dark")];
    let buttons = choices.map(|(value, label)| {
        let choose = move |event: leptos::ev::MouseEvent| {
            event.prevent_default();
            browser::set_cookie(&format!(
                "{THEME_COOKIE}={value}; Path=/; Max-Age=31536000; SameSite=Lax"
            ));
            if let Some(root) = browser::root() {
                let _ = root.set_attribute("data-theme", value);
            }
            set_current.set(value.to_owned());
        };
        view! {
            <button
                type="submit"
                name="theme"
                value=value
                class="segment"
                aria-pressed=move || if current.get() == value { "true" } else { "false" }
                on:click=choose
            >
                {label}
            </button>
        }
    });
    view! {
        <form method="post" action="/theme" class="segments" aria-label="Theme">
            <input type="hidden" name="back" value=back />
            {buttons.into_iter().collect_view()}
        </form>
    }
}
