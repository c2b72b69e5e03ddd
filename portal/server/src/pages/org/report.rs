//! What every report has on top: its span of time, its filters, how fresh it is.

use crate::address;
use crate::range::{Preset, Range};
use crate::visit::OrgVisit;
use contract::Timestamp;
use leptos::prelude::*;
use portal_app::components::{
    Button, Details, Field, Hidden, Icon, Look, Notice, SearchForm, Sign, Tab, Tabs, Tone,
};
use portal_app::format;
use portal_app::text::range as text;

const fn label(preset: Preset) -> &'static str {
    match preset {
        Preset::Hours24 => text::HOURS_24,
        Preset::Days7 => text::DAYS_7,
        Preset::Days30 => text::DAYS_30,
        Preset::Days90 => text::DAYS_90,
        Preset::ThisMonth => text::THIS_MONTH,
        Preset::LastMonth => text::LAST_MONTH,
    }
}

/// Presets as tabs, and a form for two dates. `keep` names the other parameters of the address.
pub fn span(visit: &OrgVisit, range: &Range, keep: &[&'static str]) -> AnyView {
    let here = visit.arrival().here();
    let tabs = Preset::ALL
        .into_iter()
        .map(|preset| Tab {
            label: label(preset).to_owned(),
            href: address::with(
                here,
                &[("range", Some(preset.as_str())), ("from", None), ("to", None)],
            ),
            here: range.preset == Some(preset),
        })
        .collect();
    let kept = keep
        .iter()
        .filter_map(|name| visit.query(name).map(|value| (*name, value)))
        .map(|(name, value)| view! { <Hidden name=name value=value /> })
        .collect_view();
    let refused = range.refused.then(|| view! { <Notice tone=Tone::Bad>{text::BAD}</Notice> });
    let open = range.preset.is_none() || range.refused;
    let day = |at: Timestamp| at.format("%F").to_string();
    let (from, to) = (day(range.from), day(range.to));
    let here = visit.arrival().path().to_owned();
    view! {
        <div class="span">
            <Tabs label=text::LABEL tabs=tabs />
            {refused}
            <Details summary=text::CUSTOM open=open>
                <SearchForm action=here>
                    {kept}
                    <Field name="from" label=text::FROM kind="date" value=from />
                    <Field name="to" label=text::TO hint=text::TO_HINT kind="date" value=to />
                    <Button label=text::SHOW look=Look::Quiet />
                </SearchForm>
            </Details>
        </div>
    }
    .into_any()
}

/// What the figures cover and how fresh they are, in words.
pub fn coverage(
    from: Timestamp,
    to: Timestamp,
    newest: Option<Timestamp>,
    now: Timestamp,
) -> AnyView {
    let covers = text::covers(&format::instant(from), &format::instant(to));
    let fresh =
        newest.map_or(text::NO_CALLS_YET.to_owned(), |at| text::newest(&format::ago(at, now)));
    view! { <p class="coverage">{covers} " " {fresh}</p> }.into_any()
}

/// The filters in force, each with a way to take it away: parameter and name of its value.
pub fn filters(visit: &OrgVisit, active: Vec<(&'static str, String)>) -> Option<AnyView> {
    let here = visit.arrival().here();
    let chips = active
        .iter()
        .map(|(parameter, name)| {
            let href = address::with(here, &[(*parameter, None)]);
            let remove = text::without(name);
            view! {
                <li>
                    <a class="chip" href=href>
                        {name.clone()} <Icon sign=Sign::Cross />
                        <span class="sr-only">{remove}</span>
                    </a>
                </li>
            }
        })
        .collect_view();
    (!active.is_empty())
        .then(|| view! { <ul class="chips" aria-label=text::FILTERS>{chips}</ul> }.into_any())
}
