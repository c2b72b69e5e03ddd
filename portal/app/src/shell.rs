//! The document around every page: head, header, rail, notice, main. One place sets language,
//! theme, nonce and landmarks.

use crate::components::{Form, Icon, Logo, Notice, Sign, Tone};
use crate::form::FormState;
use crate::islands::ThemeToggle;
use crate::nav::{self, Entry, Group, Place};
use crate::text::shell as words;
use contract::role::Role;
use leptos::prelude::*;

/// The names of the built assets; absent ones are left out and the page works without them.
#[derive(Debug, Clone, Default)]
pub struct AssetLinks {
    pub style: Option<String>,
    pub boot: Option<String>,
    /// Fetched early because `boot` will ask for them.
    pub glue: Option<String>,
}

/// Who is signed in, as the header shows it.
#[derive(Debug, Clone)]
pub struct Person {
    pub name: String,
    pub email: String,
    pub is_operator: bool,
    /// Slug and name of each org.
    pub orgs: Vec<(String, String)>,
}

/// Whom the header speaks to.
#[derive(Debug, Clone)]
pub enum Viewer {
    Nobody,
    /// Has a session, but nobody asked whose.
    Someone,
    Person(Person),
}

/// Which rail stands at the left.
#[derive(Debug, Clone)]
pub enum Rail {
    /// None: public and account pages.
    None,
    Org {
        slug: String,
        name: String,
        role: Role,
    },
    Admin,
}

/// Everything around a page's own content.
#[derive(Debug, Clone)]
pub struct Shell {
    pub title: String,
    /// `system`, `light` or `dark`.
    pub theme: &'static str,
    /// Of this answer's Content-Security-Policy.
    pub nonce: String,
    pub assets: AssetLinks,
    /// Path and query of this page, to come back to after changing the theme.
    pub here: String,
    pub viewer: Viewer,
    pub rail: Rail,
    pub place: Option<Place>,
    pub notice: Option<(Tone, String)>,
    /// The sign-out form.
    pub sign_out: FormState,
}

/// A page's own content. Boxed, so that the shell is compiled once and not once per page.
pub type Content<'a> = Box<dyn FnOnce() -> AnyView + 'a>;

/// The whole document as HTML.
#[must_use]
pub fn document(shell: Shell, content: Content<'_>) -> String {
    let body = crate::draw::html(move || frame(shell, content));
    format!("<!DOCTYPE html>{body}")
}

fn frame(shell: Shell, content: Content<'_>) -> impl IntoView + use<> {
    let Shell { title, theme, nonce, assets, here, viewer, rail, place, notice, sign_out } = shell;
    let railed = !matches!(rail, Rail::None);
    let notice = notice.map(|(tone, text)| view! { <Notice tone=tone>{text}</Notice> });
    let has_rail = railed.then_some("");
    view! {
        <html lang="en" data-theme=theme>
            {head(title, nonce, assets)}
            <body data-railed=has_rail>
                <a class="skip" href="#content">{words::SKIP}</a>
                {header(&rail, viewer, sign_out)}
                {railed.then(|| rail_view(&rail, place))}
                <main id="content" tabindex="-1">{notice} {content()}</main>
                {footer(theme, here)}
            </body>
        </html>
    }
}

fn head(title: String, nonce: String, assets: AssetLinks) -> impl IntoView {
    let style = assets.style.map(|href| view! { <link rel="stylesheet" href=href /> });
    let glue = assets
        .glue
        .map(|href| view! { <link rel="modulepreload" href=href nonce=nonce.clone() /> });
    let boot = assets.boot.map(|src| view! { <script type="module" src=src nonce=nonce></script> });
    view! {
        <head>
            <meta charset="utf-8" />
            <meta name="viewport" content="width=device-width, initial-scale=1" />
            <title>{format!("{title} · {}", words::PRODUCT)}</title>
            <meta name="description" content=crate::text::landing::LEAD />
            <link rel="icon" type="image/svg+xml" href="/favicon.svg" />
            {style} {glue} {boot}
        </head>
    }
}

fn header(rail: &Rail, viewer: Viewer, sign_out: FormState) -> impl IntoView + use<> {
    let menu = (!matches!(rail, Rail::None)).then(|| {
        view! {
            <button type="button" class="icon-button rail-toggle" popovertarget="rail">
                <Icon sign=Sign::Menu />
                <span class="sr-only">{words::MENU}</span>
            </button>
        }
    });
    let home = if matches!(viewer, Viewer::Nobody) { "/" } else { "/orgs" };
    let (switcher, right) = match viewer {
        Viewer::Person(person) => {
            (Some(switcher(rail, &person)), account(person, sign_out).into_any())
        }
        Viewer::Someone => (None, sign_out_button(sign_out).into_any()),
        Viewer::Nobody => (None, visitor().into_any()),
    };
    view! {
        <header class="header">
            {menu}
            <a class="brand" href=home><Logo /><span class="brand-name">{words::PRODUCT}</span></a>
            {switcher}
            <div class="header-right">{right}</div>
        </header>
    }
}

fn visitor() -> impl IntoView {
    view! {
        <a class="header-link" href="/login">{words::SIGN_IN}</a>
        <a class="button main small" href="/signup">{words::SIGN_UP}</a>
    }
}

fn switcher(rail: &Rail, person: &Person) -> impl IntoView + use<> {
    let (here, label) = match rail {
        Rail::Org { slug, name, .. } => (slug.clone(), name.clone()),
        Rail::Admin => (String::new(), words::OPERATOR.to_owned()),
        Rail::None => (String::new(), words::ALL_ORGS.to_owned()),
    };
    let orgs = person
        .orgs
        .iter()
        .map(|(slug, name)| {
            let current = (*slug == here).then_some("true");
            view! { <li><a href=format!("/o/{slug}") aria-current=current>{name.clone()}</a></li> }
        })
        .collect_view();
    let operator = person.is_operator.then(|| {
        view! { <li><a href="/admin/providers">{words::OPERATOR}</a></li> }
    });
    view! {
        <details class="menu switcher" name="header">
            <summary>
                <span class="sr-only">{words::ORGANISATION}": "</span>
                <span class="switcher-name">{label}</span>
                <Icon sign=Sign::Down />
            </summary>
            <ul class="menu-sheet menu-list">
                {orgs} {operator} <li><a href="/orgs">{words::ALL_ORGS}</a></li>
            </ul>
        </details>
    }
}

fn account(person: Person, sign_out: FormState) -> impl IntoView {
    let initial = person.name.chars().next().unwrap_or('?').to_uppercase().to_string();
    view! {
        <details class="menu" name="header">
            <summary class="avatar">
                <span aria-hidden="true">{initial}</span>
                <span class="sr-only">{words::ACCOUNT}</span>
            </summary>
            <div class="menu-sheet right">
                <p class="menu-who"><strong>{person.name}</strong><br />{person.email}</p>
                <ul class="menu-list">
                    <li><a href="/account">{words::ACCOUNT}</a></li>
                    <li><a href="/docs/quickstart">{words::QUICKSTART}</a></li>
                </ul>
            </div>
        </details>
        {sign_out_button(sign_out)}
    }
}

fn sign_out_button(state: FormState) -> impl IntoView {
    view! {
        <Form state=state inline=true>
            <button type="submit" class="button bare sign-out">
                <Icon sign=Sign::Out />
                <span>{words::SIGN_OUT}</span>
            </button>
        </Form>
    }
}

fn rail_view(rail: &Rail, place: Option<Place>) -> impl IntoView + use<> {
    let (base, groups, role) = match rail {
        Rail::Org { slug, role, .. } => (format!("/o/{slug}"), nav::ORG, Some(*role)),
        Rail::Admin | Rail::None => ("/admin".to_owned(), nav::ADMIN, None),
    };
    let groups = groups.iter().map(|group| rail_group(group, &base, role, place)).collect_view();
    view! { <nav id="rail" class="rail" popover="auto" aria-label=words::MAIN_NAV>{groups}</nav> }
}

fn rail_group(
    group: &Group,
    base: &str,
    role: Option<Role>,
    place: Option<Place>,
) -> Option<impl IntoView + use<>> {
    let shown = |entry: &&Entry| role.is_none_or(|role| entry.shown_to(role));
    let links: Vec<_> = group
        .entries
        .iter()
        .filter(shown)
        .map(|entry| {
            let here = (Some(entry.place) == place).then_some("page");
            view! {
                <li>
                    <a href=format!("{base}{}", entry.path) aria-current=here>
                        <Icon sign=entry.sign />
                        {entry.label}
                    </a>
                </li>
            }
        })
        .collect();
    (!links.is_empty()).then(|| {
        view! { <h2 class="rail-label">{group.label}</h2><ul>{links}</ul> }
    })
}

fn footer(theme: &'static str, here: String) -> impl IntoView {
    view! {
        <footer class="footer">
            <span>{words::PRODUCT}</span>
            <a href="/docs/quickstart">{words::QUICKSTART}</a>
            <a href="/docs/errors">{words::ERRORS}</a>
            <ThemeToggle theme=theme.to_owned() back=here />
        </footer>
    }
}
