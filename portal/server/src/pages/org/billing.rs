//! `GET /o/{org}/billing`: the wallet and the ledger. Parts of it are the operator's too.

use crate::address;
use crate::fault::Fault;
use crate::visit::OrgVisit;
use axum::response::Response;
use contract::api::billing::{Billing, Credit, LedgerKind, LedgerTransaction, Wallet};
use contract::money::Usd;
use contract::role::Action;
use leptos::prelude::*;
use portal_app::components::{
    Button, Cell, CellKind, Choice, DataTable, Day, Look, Money, NextPage, PageHead, SearchForm,
    Second, Section, Select, StatTile, Stats,
};
use portal_app::format;
use portal_app::nav::Place;
use portal_app::text::billing as text;

/// # Errors
/// When the role may not, or the control API does not answer.
pub async fn page(visit: OrgVisit) -> Result<Response, Fault> {
    visit.require(Action::ViewCosts)?;
    let org = &visit.org.slug;
    let kind = visit.query("kind");
    let filter: Vec<_> = kind.iter().map(|kind| ("kind", kind.clone())).collect();
    let wallet = visit.backend().wallet(org).await?;
    let found = visit.backend().ledger(org, &filter, visit.query("cursor")).await?;
    let requests = visit.may(Action::ViewRequests).then(|| visit.at("/requests"));
    Ok(visit.page(Place::Billing, text::TITLE, || {
        let next = address::next(&visit, found.next);
        let here = visit.at("/billing");
        view! {
            <PageHead title=text::TITLE lead=text::LEAD />
            {summary(&wallet)}
            {credits(wallet.credits)}
            <Section title=text::LEDGER>
                {kinds(here, kind.unwrap_or_default())}
                {ledger(found.items, requests)}
            </Section>
            <NextPage href=next />
        }
    }))
}

/// What there is, at a glance.
pub(crate) fn summary(wallet: &Wallet) -> impl IntoView + use<> {
    let shown =
        |amount: Option<Usd>| amount.map_or_else(|| text::NOBODY_KNOWS.to_owned(), format::money);
    let (balance, owed) = (format::money(wallet.balance_usd), format::money(wallet.owed_usd));
    let ahead = (wallet.billing == Billing::Prepaid).then(|| {
        let floor = format::money(wallet.floor_usd);
        view! {
            <StatTile label=text::HELD value=shown(wallet.held_usd) />
            <StatTile label=text::AVAILABLE value=shown(wallet.available_usd) />
            <StatTile label=text::FLOOR value=floor note=text::FLOOR_NOTE />
        }
    });
    let lead = match wallet.billing {
        Billing::Prepaid => text::PREPAID_LEAD,
        Billing::Postpaid => text::POSTPAID_LEAD,
    };
    view! {
        <p>{lead}</p>
        <Stats>
            <StatTile label=text::BALANCE value=balance />
            {ahead}
            <StatTile label=text::OWED value=owed />
        </Stats>
    }
}

/// Credits in the order in which they are drawn.
pub(crate) fn credits(credits: Vec<Credit>) -> impl IntoView {
    if credits.is_empty() {
        return view! {
            <Section title=text::CREDITS><p class="absent">{text::NO_CREDITS}</p></Section>
        }
        .into_any();
    }
    let columns = vec![
        (text::KIND, CellKind::Head),
        (text::NOTE, CellKind::Text),
        (text::PRIORITY, CellKind::Number),
        (text::EXPIRES, CellKind::Text),
        (text::AMOUNT, CellKind::Number),
        (text::REMAINING, CellKind::Number),
    ];
    let rows = credits
        .into_iter()
        .map(|credit| {
            vec![
                Cell::head(text::credit(credit.kind)),
                Cell::text(credit.note),
                Cell::number(credit.priority.to_string()),
                Cell::text(view! { <Day at=credit.expires_at absent=text::NEVER /> }),
                Cell::number(view! { <Money amount=credit.amount_usd /> }),
                Cell::number(view! { <Money amount=credit.remaining_usd /> }),
            ]
        })
        .collect();
    view! {
        <Section title=text::CREDITS>
            <p>{text::CREDITS_LEAD}</p>
            <DataTable caption=text::CREDITS columns=columns rows=rows />
        </Section>
    }
    .into_any()
}

/// Chooses one kind of transaction.
pub(crate) fn kinds(action: String, chosen: String) -> impl IntoView {
    let mut choices = vec![Choice::new("", text::ALL_KINDS)];
    let each = LedgerKind::ALL.iter();
    choices.extend(each.map(|kind| Choice::new(kind.as_str(), text::transaction(*kind))));
    view! {
        <SearchForm action=action>
            <Select name="kind" label=text::KIND value=chosen choices=choices />
            <Button label=text::SHOW look=Look::Quiet />
        </SearchForm>
    }
}

/// Transactions, each with its entries. `requests` is where calls are shown, if they may be.
pub(crate) fn ledger(
    transactions: Vec<LedgerTransaction>,
    requests: Option<String>,
) -> impl IntoView {
    if transactions.is_empty() {
        return view! { <p class="absent">{text::NO_LEDGER}</p> }.into_any();
    }
    let columns = vec![
        (text::WHEN, CellKind::Head),
        (text::KIND, CellKind::Text),
        (text::ABOUT, CellKind::Text),
        (text::ENTRIES, CellKind::Text),
        (text::AMOUNT, CellKind::Number),
    ];
    let rows = transactions
        .into_iter()
        .map(|one| {
            vec![
                Cell::head(view! { <Second at=one.at /> }),
                Cell::text(text::transaction(one.kind)),
                Cell::text(about(&one, requests.as_deref())),
                Cell::text(entries(&one)),
                Cell::number(view! { <Money amount=one.amount_usd /> }),
            ]
        })
        .collect();
    view! { <DataTable caption=text::LEDGER columns=columns rows=rows /> }.into_any()
}

/// The call, what is corrected and why.
fn about(one: &LedgerTransaction, requests: Option<&str>) -> impl IntoView + use<> {
    let call = one.request_id.map(|id| match requests {
        Some(requests) => {
            let href = format!("{requests}/{id}");
            view! { <a href=href><code class="id">{id.to_string()}</code></a> }.into_any()
        }
        None => view! { <code class="id">{id.to_string()}</code> }.into_any(),
    });
    let corrects = one.corrects.map(|id| view! { <code class="id">{id.to_string()}</code> " " });
    let reason = one.reason.clone();
    let actor = one.actor_name.clone().map(|name| format!(" ({name})"));
    view! { {call} {corrects} {reason} {actor} }
}

/// `wallet $1.00, revenue -$1.00`.
pub(crate) fn entries(one: &LedgerTransaction) -> String {
    let each = one.entries.iter();
    let each =
        each.map(|e| format!("{} {}", text::account(e.account), format::money(e.amount_usd)));
    each.collect::<Vec<_>>().join(", ")
}
