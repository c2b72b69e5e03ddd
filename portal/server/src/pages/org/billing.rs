//! `GET /o/{org}/billing`: the wallet and the ledger. Parts of it are the operator's too.

use crate::address;
use crate::fault::Fault;
use crate::visit::OrgVisit;
use axum::response::Response;
use chrono::TimeDelta;
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

/// A call is booked within that of its end.
const SAME_TIME: TimeDelta = TimeDelta::minutes(1);

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
            {credits(&wallet)}
            <Section title=text::LEDGER>
                {kinds(here, kind.unwrap_or_default())}
                {ledger(found.items, requests, |_| None)}
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
    let balance =
        has_credit(wallet).then(|| view! { <StatTile label=text::BALANCE value=balance /> });
    view! {
        <p>{lead}</p>
        <Stats>
            {balance}
            {ahead}
            <StatTile label=text::OWED value=owed />
        </Stats>
    }
}

/// Who pays afterwards has nothing to do with credit, unless some is left.
fn has_credit(wallet: &Wallet) -> bool {
    wallet.billing == Billing::Prepaid || !wallet.credits.is_empty()
}

/// Credits in the order in which they are drawn.
pub(crate) fn credits(wallet: &Wallet) -> impl IntoView + use<> {
    let credits: Vec<Credit> = wallet.credits.clone();
    if !has_credit(wallet) {
        return ().into_any();
    }
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
                Cell::text(view! { <span class="told">{credit.note}</span> }),
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

/// Transactions as they were booked, newest first, each with the accounts that it moves between.
/// `requests` is where calls are shown, if they may be; `also` is what else each has to say.
pub(crate) fn ledger(
    transactions: Vec<LedgerTransaction>,
    requests: Option<String>,
    also: impl Fn(&LedgerTransaction) -> Option<AnyView>,
) -> AnyView {
    if transactions.is_empty() {
        return view! { <p class="absent">{text::NO_LEDGER}</p> }.into_any();
    }
    let columns = vec![
        (text::BOOKED, CellKind::Head),
        (text::KIND, CellKind::Text),
        (text::ABOUT, CellKind::Text),
        (text::ENTRIES, CellKind::Text),
        (text::AMOUNT, CellKind::Number),
    ];
    let rows = transactions
        .into_iter()
        .map(|one| {
            let also = also(&one);
            // Two accounts fit on a line.
            let flow = (one.entries.len() == 2).then_some("money");
            vec![
                Cell::head(view! { <Second at=one.created_at /> }),
                Cell::text(text::transaction(one.kind)),
                Cell::text(view! { {about(&one, requests.as_deref())} {also} }),
                Cell::text(view! { <span class=flow>{entries(&one)}</span> }),
                Cell::number(view! { <Money amount=one.amount_usd /> }),
            ]
        })
        .collect();
    view! { <DataTable caption=text::LEDGER columns=columns rows=rows /> }.into_any()
}

/// The call, what is corrected and why, and when it happened if that was not when it was booked.
fn about(one: &LedgerTransaction, requests: Option<&str>) -> impl IntoView + use<> {
    let call = one.request_id.map(|id| match requests {
        Some(requests) => {
            let href = format!("{requests}/{id}");
            view! { <a href=href><code class="id">{id.to_string()}</code></a> }.into_any()
        }
        None => view! { <code class="id">{id.to_string()}</code> }.into_any(),
    });
    let corrects = one.corrects.map(|id| view! { <code class="id">{id.to_string()}</code> });
    let actor = one.actor_name.as_ref().map(|name| format!(" ({name})"));
    let reason = one.reason.clone();
    let is_told = reason.is_some() || actor.is_some();
    let told = is_told.then(|| view! { <span class="told">{reason} {actor}</span> });
    let is_late = one.created_at - one.at > SAME_TIME;
    let of = is_late.then(|| {
        let at = one.at;
        view! { <div class="aside">{text::OF} " " <Second at=at /></div> }
    });
    view! { {call} {corrects} {told} {of} }
}

/// `wallet → revenue` of two entries, from the debit to the credit, as the amount stands beside it; of
/// more, each account with its own amount.
pub(crate) fn entries(one: &LedgerTransaction) -> String {
    if let [a, b] = one.entries.as_slice() {
        let (debit, credit) = if a.amount_usd.0.0 >= 0 { (a, b) } else { (b, a) };
        return format!("{} → {}", text::account(debit.account), text::account(credit.account));
    }
    let each = one.entries.iter();
    let each =
        each.map(|e| format!("{}\u{a0}{}", text::account(e.account), format::money(e.amount_usd)));
    each.collect::<Vec<_>>().join(", ")
}
