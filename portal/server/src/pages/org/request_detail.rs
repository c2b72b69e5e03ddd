//! What is known of one request beside its figures: attempts, limits, reservation, ledger.

use super::billing;
use crate::visit::OrgVisit;
use contract::api::own::{LimitOfRequest, RequestDetail};
use contract::money::{Nanos, Usd};
use contract::role::Action;
use contract::snapshot::Metric;
use contract::usage::AttemptUse;
use leptos::prelude::*;
use portal_app::components::{
    Badge, Cell, CellKind, Count, DataTable, Fact, Facts, Money, Notice, Section, StateBadge, Tone,
};
use portal_app::format;
use portal_app::text::{cache, limits, requests as text, states};

pub fn sections(visit: &OrgVisit, detail: RequestDetail) -> impl IntoView + use<> {
    let money = visit.may(Action::ViewCosts);
    let RequestDetail { attempts_made, limits, ledger, .. } = detail.clone();
    let ledger = ledger.filter(|_| money).map(|ledger| {
        if ledger.is_empty() {
            return view! {
                <Section title=text::LEDGER><p class="absent">{text::NOT_BOOKED}</p></Section>
            }
            .into_any();
        }
        let table = billing::ledger(ledger, None, |_| None);
        view! { <Section title=text::LEDGER>{table}</Section> }.into_any()
    });
    view! {
        {decided(&detail, money)}
        {(!attempts_made.is_empty()).then(|| attempts(attempts_made))}
        {(!limits.is_empty()).then(|| touched(limits, money))}
        {ledger}
    }
}

fn decided(detail: &RequestDetail, money: bool) -> impl IntoView + use<> {
    let odd = detail.odd_usage.then(|| view! { <Notice tone=Tone::Wait>{text::ODD}</Notice> });
    let tags: Vec<_> =
        detail.tags.iter().map(|tag| format!("{}={}", tag.name, tag.value)).collect();
    let tags = (!tags.is_empty()).then(|| view! { <Fact term=text::TAGS>{tags.join(", ")}</Fact> });
    let topped = detail.topped_up;
    let topped =
        (topped > 0).then(|| view! { <Fact term=text::TOPPED_UP>{topped.to_string()}</Fact> });
    let percent = detail.price_percent;
    let answered = detail.cached.map(|cached| {
        view! { <Fact term=cache::ANSWERED>{cache::answered(cached, percent)}</Fact> }
    });
    let (reserved, settled) = (detail.request.reserved_usd, detail.request.cost_usd);
    let sums = money.then(|| {
        view! {
            <Fact term=text::RESERVED><Money amount=reserved /></Fact>
            <Fact term=text::SETTLED><Money amount=settled /></Fact>
        }
    });
    let (price, plan) = (detail.price_id.to_string(), detail.plan_id.to_string());
    let version = format::count(detail.config_version);
    view! {
        <Section title=text::DECIDED>
            {odd}
            <Facts>
                {sums}
                {answered}
                {topped}
                {tags}
                <Fact term=text::PRICE><code class="id">{price}</code></Fact>
                <Fact term=text::PLAN><code class="id">{plan}</code></Fact>
                <Fact term=text::VERSION>{version}</Fact>
            </Facts>
        </Section>
    }
}

fn attempts(made: Vec<AttemptUse>) -> impl IntoView {
    let columns = vec![
        (text::DEPLOYMENT, CellKind::Head),
        (text::OUTCOME, CellKind::Text),
        (text::STATUS, CellKind::Number),
        (text::INPUT, CellKind::Number),
        (text::OUTPUT, CellKind::Number),
    ];
    let rows = made
        .into_iter()
        .map(|one| {
            vec![
                Cell::head(view! { <code class="id">{one.deployment_id.to_string()}</code> }),
                Cell::text(ended(&one)),
                Cell::number(one.status.to_string()),
                Cell::number(view! { <Count value=one.tokens.input_total() /> }),
                Cell::number(view! { <Count value=one.tokens.output_total() /> }),
            ]
        })
        .collect();
    view! {
        <Section title=text::FAILED_ATTEMPTS>
            <p>{text::FAILED_FREE}</p>
            <DataTable caption=text::FAILED_ATTEMPTS columns=columns rows=rows />
        </Section>
    }
}

/// How an attempt ended, or what else it was for: the gateway hangs up on one that was overtaken, not its caller.
fn ended(one: &AttemptUse) -> AnyView {
    if one.compared {
        view! { <Badge tone=Tone::Plain word=states::COMPARED /> }.into_any()
    } else if one.overtaken {
        view! { <Badge tone=Tone::Plain word=states::OVERTAKEN /> }.into_any()
    } else {
        view! { <StateBadge state=one.outcome /> }.into_any()
    }
}

/// Limits of money are shown only to who may see costs.
fn touched(touched: Vec<LimitOfRequest>, money: bool) -> impl IntoView {
    let columns = vec![
        (text::LIMIT, CellKind::Head),
        (text::HELD, CellKind::Number),
        (text::USED, CellKind::Number),
    ];
    let rows = touched
        .into_iter()
        .filter(|one| money || one.metric != Some(Metric::Money))
        .map(|one| {
            let id = one.limit_id.to_string();
            let known = one.metric.zip(one.window);
            let name = known.map_or(text::LIMIT_GONE.to_owned(), |(of, per)| limits::kind(of, per));
            let name = view! { {name} <br /> <small><code class="id">{id}</code></small> };
            let amount = |amount: i64| match one.metric {
                Some(Metric::Money) => format::money(Usd(Nanos(amount))),
                _ => format::count(amount.unsigned_abs()),
            };
            vec![Cell::head(name), Cell::number(amount(one.held)), Cell::number(amount(one.used))]
        })
        .collect();
    view! {
        <Section title=text::LIMITS>
            <DataTable caption=text::LIMITS columns=columns rows=rows />
        </Section>
    }
}
