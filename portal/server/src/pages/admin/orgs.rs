//! `GET /admin/orgs` and `GET /admin/orgs/{org}`: who pays how, their wallets and ledgers.

use crate::address;
use crate::fault::Fault;
use crate::pages::org::billing;
use crate::visit::OperatorVisit;
use axum::extract::Path;
use axum::response::Response;
use contract::api::billing::{Account, Billing, CreditKind, LedgerKind, LedgerTransaction};
use contract::money::Usd;
use leptos::prelude::*;
use portal_app::components::{
    Button, Cell, CellKind, Choice, Crumb, DataTable, Day, Details, Field, Form, Hidden, Money,
    NextPage, PageHead, Section, Select,
};
use portal_app::form::FormState;
use portal_app::nav::Place;
use portal_app::text::billing as text;

/// # Errors
/// When the control API does not answer.
pub async fn list(visit: OperatorVisit) -> Result<Response, Fault> {
    let found = visit.backend().accounts(visit.query("cursor")).await?;
    Ok(visit.page(Place::AdminOrgs, text::ORGS, || {
        let next = address::next(&visit, found.next);
        let columns = vec![
            (text::ORG, CellKind::Head),
            (text::PAYS, CellKind::Text),
            (text::SINCE, CellKind::Text),
            (text::BALANCE, CellKind::Number),
            (text::OWED, CellKind::Number),
            (text::OVERRUN, CellKind::Number),
        ];
        let rows = found.items.into_iter().map(row).collect();
        view! {
            <PageHead title=text::ORGS lead=text::ORGS_LEAD />
            <DataTable caption=text::ORGS columns=columns rows=rows />
            <NextPage href=next />
        }
    }))
}

fn row(account: Account) -> Vec<Cell> {
    let href = format!("/admin/orgs/{}", account.slug);
    vec![
        Cell::head(view! { <a href=href>{account.name}</a> }),
        Cell::text(text::billing(account.billing)),
        Cell::text(view! { <Day at=account.created_at /> }),
        Cell::number(view! { <Money amount=account.balance_usd /> }),
        Cell::number(view! { <Money amount=account.owed_usd /> }),
        Cell::number(view! { <Money amount=account.overrun_usd /> }),
    ]
}

/// # Errors
/// When there is no such org, or the control API does not answer.
pub async fn page(visit: OperatorVisit, Path(org): Path<String>) -> Result<Response, Fault> {
    let account = visit.backend().account(&org).await?;
    let wallet = visit.backend().account_wallet(&org).await?;
    let kind = visit.query("kind");
    let filter: Vec<_> = kind.iter().map(|kind| ("kind", kind.clone())).collect();
    let found = visit.backend().account_ledger(&org, &filter, visit.query("cursor")).await?;
    let here = format!("/admin/orgs/{}", account.slug);
    let pays = visit.form(&format!("{here}/billing"));
    let credit = visit.form(&format!("{here}/credits")).marked("credit");
    let title = account.name.clone();
    Ok(visit.page(Place::AdminOrgs, &title, || {
        let next = address::next(&visit, found.next);
        let ledger = ledger(&visit, &here, found.items);
        view! {
            <PageHead title=account.name.clone() crumbs=vec![Crumb::new(text::ORGS, "/admin/orgs")] />
            {billing::summary(&wallet)}
            {change(pays, &account)}
            {add_credit(credit)}
            {billing::credits(&wallet)}
            <Section title=text::LEDGER>
                {billing::kinds(here.clone(), kind.unwrap_or_default())}
                {ledger}
            </Section>
            <NextPage href=next />
        }
    }))
}

fn change(form: FormState, account: &Account) -> impl IntoView + use<> {
    let open = form.is_refused();
    let choices = Billing::ALL.iter().map(|way| Choice::new(way.as_str(), text::billing(*way)));
    let (choices, way) = (choices.collect::<Vec<_>>(), account.billing.as_str());
    let (floor, version) = (plain(account.floor_usd), account.version.to_string());
    view! {
        <Details summary=text::CHANGE open=open>
            <Form state=form>
                <Hidden name="version" value=version />
                <Select name="billing" label=text::PAYS value=way choices=choices />
                <Field
                    name="floor_usd"
                    label=text::FLOOR
                    hint=text::FLOOR_NOTE
                    value=floor
                    inputmode="decimal"
                    autocomplete="off"
                />
                <Button label=text::SAVE />
            </Form>
        </Details>
    }
}

fn add_credit(form: FormState) -> impl IntoView {
    let open = form.is_refused();
    let kinds = [CreditKind::Purchase, CreditKind::Grant]
        .map(|kind| Choice::new(kind.as_str(), text::credit(kind)));
    view! {
        <Details summary=text::ADD_CREDIT open=open>
            <Form state=form>
                <Select name="kind" label=text::KIND choices=kinds.to_vec() />
                <Field
                    name="amount_usd"
                    label=text::DOLLARS
                    inputmode="decimal"
                    autocomplete="off"
                />
                <Field
                    name="priority"
                    label=text::PRIORITY
                    hint=text::PRIORITY_HINT
                    value="50"
                    inputmode="numeric"
                />
                <Field
                    name="expires_at"
                    label=text::EXPIRES
                    hint=text::EXPIRES_HINT
                    kind="datetime-local"
                    optional=true
                />
                <Field name="note" label=text::NOTE hint=text::NOTE_HINT />
                <Button label=text::ADD_CREDIT />
            </Form>
        </Details>
    }
}

/// The ledger, with a form to correct what bills something.
fn ledger(visit: &OperatorVisit, here: &str, transactions: Vec<LedgerTransaction>) -> AnyView {
    billing::ledger(transactions, None, |one| {
        let may = matches!(one.kind, LedgerKind::Usage | LedgerKind::Minimum | LedgerKind::Unknown);
        let action = format!("{here}/ledger/{}/correct", one.id);
        may.then(|| correct(visit.form(&action).marked(one.id)).into_any())
    })
}

fn correct(form: FormState) -> impl IntoView {
    let open = form.is_refused();
    view! {
        <Details summary=text::CORRECT open=open>
            <Form state=form>
                <Field
                    name="amount_usd"
                    label=text::CHANGE_BY
                    hint=text::CHANGE_BY_HINT
                    autocomplete="off"
                />
                <Field name="reason" label=text::REASON />
                <Button label=text::CORRECT />
            </Form>
        </Details>
    }
}

/// Dollars as a field takes them.
fn plain(amount: Usd) -> String {
    amount.to_string()
}
