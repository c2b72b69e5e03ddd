//! Money, counts and instants inside text and tables.

use crate::format;
use chrono::{DateTime, SecondsFormat, Utc};
use leptos::prelude::*;

/// Dollars, exact.
#[component]
pub fn Money(amount: contract::money::Usd) -> impl IntoView {
    view! { <span class="money">{format::money(amount)}</span> }
}

#[component]
pub fn Count(value: u64) -> impl IntoView {
    view! { <span class="money">{format::count(value)}</span> }
}

/// A UTC instant, machine-readable too; an absent one is a dash with a word for it.
#[component]
pub fn Instant(
    #[prop(into)] at: Option<DateTime<Utc>>,
    #[prop(default = "never")] absent: &'static str,
) -> impl IntoView {
    match at {
        Some(at) => view! {
            <time datetime=at.to_rfc3339_opts(SecondsFormat::Secs, true)>{format::instant(at)}</time>
        }
        .into_any(),
        None => view! { <span class="absent">{absent}</span> }.into_any(),
    }
}

/// The day of a UTC instant, for lists; pointing at it shows the instant.
#[component]
pub fn Day(
    #[prop(into)] at: Option<DateTime<Utc>>,
    #[prop(default = "never")] absent: &'static str,
) -> impl IntoView {
    match at {
        Some(at) => view! {
            <time
                datetime=at.to_rfc3339_opts(SecondsFormat::Secs, true)
                title=format::instant(at)
            >
                {format::day(at)}
            </time>
        }
        .into_any(),
        None => view! { <span class="absent">{absent}</span> }.into_any(),
    }
}

/// A UTC instant to the second, for tables whose heading names the zone.
#[component]
pub fn Second(at: DateTime<Utc>) -> impl IntoView {
    let machine = at.to_rfc3339_opts(SecondsFormat::Millis, true);
    view! { <time datetime=machine>{format::second(at)}</time> }
}

/// How long ago an instant was; pointing at it shows the instant.
#[component]
pub fn Ago(
    #[prop(into)] at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    #[prop(default = "never")] absent: &'static str,
) -> impl IntoView {
    match at {
        Some(at) => view! {
            <time
                datetime=at.to_rfc3339_opts(SecondsFormat::Secs, true)
                title=format::instant(at)
            >
                {format::ago(at, now)}
            </time>
        }
        .into_any(),
        None => view! { <span class="absent">{absent}</span> }.into_any(),
    }
}
