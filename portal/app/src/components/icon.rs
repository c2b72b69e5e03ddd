//! Our own line icons, 20 × 20, drawn in the text's colour, and the logo.

use leptos::prelude::*;

/// What an icon stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    Home,
    Catalog,
    App,
    Key,
    Usage,
    Requests,
    Costs,
    Budget,
    Webhook,
    Route,
    Limits,
    Members,
    Team,
    Audit,
    Settings,
    Provider,
    Model,
    Product,
    Check,
    Cross,
    Warning,
    Info,
    Clock,
    Menu,
    Down,
    Out,
    Plus,
    External,
}

impl Sign {
    const fn path(self) -> &'static str {
        match self {
            Self::Home => "M3 9.5 10 4l7 5.5M5 8.5V16h3.5v-4h3v4H15V8.5",
            Self::Catalog => "M4 4h5v5H4zM11 4h5v5h-5zM4 11h5v5H4zM13.5 11v5M11 13.5h5",
            Self::App => "M3 5h14v10H3zM3 8h14M5.5 6.5h.01M8 6.5h.01",
            Self::Key => "M12.5 3.5a4 4 0 1 1-3.3 6.3L4 15v2h3v-2h2v-2l1.6-1.6M13.5 6.5h.01",
            Self::Usage => "M3 16h14M5 13v-3M8.5 13V5M12 13V8M15.5 13V6",
            Self::Requests => "M4 6h12M4 10h12M4 14h7",
            Self::Costs => {
                "M10 3v14M13.5 6.2C12.8 5.4 11.5 5 10 5 8 5 6.5 6 6.5 7.5c0 3.5 7 1.5 7 5C13.5 14 12 15 10 15c-1.700 0-3-.5-3.700-1.400"
            }
            Self::Budget => "M3 15.500a7.500 7.500 0 1 1 14 0M10 14l3.500-5M8.500 15.500h3",
            Self::Webhook => {
                "M7 8.500a3 3 0 1 1 5.500-1.500M8.500 7.500l-3.500 6M5 16.500a3 3 0 0 0 3-3h6M15 10.500a3 3 0 1 1-1.500 5.500M11 7.500l3 5"
            }
            Self::Route => "M4 10h4l4-5h4M8 10l4 5h4M14 3l2 2-2 2M14 13l2 2-2 2",
            Self::Limits => "M3 10h8.500M8.500 7l3 3-3 3M15.500 4v12",
            Self::Members => {
                "M7.500 9.500a2.750 2.750 0 1 0 0-5.500 2.750 2.750 0 0 0 0 5.500M2.500 16c.5-3 2.500-4.250 5-4.250s4.500 1.250 5 4.250M13 4.200a2.750 2.750 0 0 1 0 5.100M14.500 12c1.700.5 2.700 1.800 3 4"
            }
            Self::Team => {
                "M8 3.500h4v3.500H8zM3.500 13h4v3.500h-4zM12.500 13h4v3.500h-4zM10 7v3M5.500 13v-3h9v3"
            }
            Self::Audit => "M5 3h10v14H5zM7.500 7h5M7.500 10h5M7.500 13h3",
            Self::Settings => "M3 6h7M14 6h3M3 14h3M10 14h7M12 4v4M8 12v4",
            Self::Provider => {
                "M4 4h12v4.500H4zM4 11.500h12V16H4zM6.500 6.250h.01M6.500 13.750h.01M10 6.250h3.500M10 13.750h3.500"
            }
            Self::Model => {
                "M10 3l6 3.500v7L10 17l-6-3.500v-7zM4.200 6.600 10 10l5.800-3.400M10 10v6.800"
            }
            Self::Product => "M4 7l6-3 6 3v7l-6 3-6-3zM4 7l6 3 6-3M10 10v7M7 5.500l6 3",
            Self::Check => "M4.500 10.500 8.500 14.500 15.500 6",
            Self::Cross => "M5.500 5.500l9 9M14.500 5.500l-9 9",
            Self::Warning => "M10 3.500 17.500 16h-15zM10 8v4M10 14h.01",
            Self::Info => "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14M10 9.500V13M10 7h.01",
            Self::Clock => "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14M10 6v4l2.500 2",
            Self::Menu => "M3 5.500h14M3 10h14M3 14.500h14",
            Self::Down => "M5.500 8 10 12.500 14.500 8",
            Self::Out => "M8 4H4v12h4M12.500 6.500 16 10l-3.500 3.500M16 10H8",
            Self::Plus => "M10 4v12M4 10h12",
            Self::External => "M8 5H4.500v10.500H15V12M11 4h5v5M16 4l-7 7",
        }
    }
}

/// Decoration beside a word, never instead of one.
#[component]
pub fn Icon(sign: Sign) -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
            <path d=sign.path() />
        </svg>
    }
}

/// The mark: a gate's barrier, raised, on its post.
#[component]
pub fn Logo() -> impl IntoView {
    view! {
        <svg class="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
            <path class="logo-post" d="M5 29V16h7v13zM2 27h13v3H2z" />
            <g transform="rotate(-30 8.5 16)">
                <path class="logo-bar" d="M4 12.800h25a1 1 0 0 1 1 1v4.400a1 1 0 0 1-1 1H4z" />
                <path class="logo-stripe" d="M14.500 12.800h4.500l-3 6.400h-4.500zM23 12.800h4.500l-3 6.400H20z" />
            </g>
            <circle class="logo-pin" cx="8.500" cy="16" r="2" />
        </svg>
    }
}
