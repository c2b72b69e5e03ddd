//! The text of every mail.

use super::Mail;
use chrono::NaiveDateTime;
use contract::Timestamp;
use contract::api::budgets::BudgetAction;
use contract::api::lifecycle::NoticeStep;
use contract::money::Usd;
use contract::role::Role;
use contract::snapshot::Zone;

/// Proves an address.
#[must_use]
pub fn verify_email(name: &str, link: &str) -> Mail {
    mail(
        "Confirm your e-mail address",
        &format!(
            "Hello {name},\n\n\
             open this link to confirm your address and start using Tollgate:\n\n{link}\n\n\
             It works once, for 24 hours. If you did not sign up, ignore this mail:\n\
             nothing happens without the link.\n"
        ),
    )
}

/// Somebody signed up with an address that has an account.
#[must_use]
pub fn account_exists(name: &str, sign_in: &str) -> Mail {
    mail(
        "You already have an account",
        &format!(
            "Hello {name},\n\n\
             somebody, probably you, signed up for Tollgate with this address.\n\
             It has an account already. Sign in here:\n\n{sign_in}\n\n\
             If it was not you, there is nothing to do.\n"
        ),
    )
}

/// Sets a new password.
#[must_use]
pub fn reset_password(name: &str, link: &str) -> Mail {
    mail(
        "Choose a new password",
        &format!(
            "Hello {name},\n\n\
             open this link to choose a new password:\n\n{link}\n\n\
             It works once, for one hour. If you did not ask for it, ignore this\n\
             mail: your password stays as it is.\n"
        ),
    )
}

/// The password was changed: told to its owner, whoever did it.
#[must_use]
pub fn password_changed(name: &str, recover: &str) -> Mail {
    mail(
        "Your password was changed",
        &format!(
            "Hello {name},\n\n\
             your Tollgate password was changed just now, and every session was\n\
             signed out.\n\n\
             If it was not you, take the account back: {recover}\n"
        ),
    )
}

/// Asks somebody into an org.
#[must_use]
pub fn invitation(inviter: &str, org: &str, role: Role, link: &str) -> Mail {
    let role = role.as_str();
    mail(
        &format!("{inviter} invites you to {org}"),
        &format!(
            "Hello,\n\n\
             {inviter} invites you to join {org} on Tollgate as {role}.\n\n{link}\n\n\
             The link works once, for seven days, for the account of this address.\n\
             If you do not have one yet, sign up with this address first.\n"
        ),
    )
}

/// What a budget's alert is about.
#[derive(Debug)]
pub struct BudgetAlert<'a> {
    pub org: &'a str,
    pub budget: &'a str,
    pub percent: u16,
    pub spent: Usd,
    pub limit: Usd,
    pub action: BudgetAction,
    /// The cheaper model, where calls go to one.
    pub cheaper: Option<&'a str>,
    /// When the next period begins, on the clocks of `zone`.
    pub until: NaiveDateTime,
    pub zone: Zone,
    pub page: &'a str,
}

/// A budget reached one of its thresholds.
#[must_use]
pub fn budget_alert(alert: &BudgetAlert<'_>) -> Mail {
    let BudgetAlert { org, budget, percent, spent, limit, page, zone, .. } = alert;
    let until = alert.until.format("%-d %b %Y, %H:%M");
    let used_up = spent.0 >= limit.0;
    let when = if used_up { "It is used up: calls" } else { "Once it is used up, calls" };
    let then = match alert.action {
        BudgetAction::Alert => format!("{when} go on all the same."),
        BudgetAction::Throttle { percent } => {
            format!("{when} run at {percent} % of its even pace and are refused above it.")
        }
        BudgetAction::Downgrade { .. } => {
            format!("{when} run on {}.", alert.cheaper.unwrap_or("a cheaper model"))
        }
        BudgetAction::Deny => format!("{when} are refused until then or until it is raised."),
    };
    mail(
        &format!("{org}: the budget {budget} reached {percent} %"),
        &format!(
            "Hello,\n\n\
             the budget {budget} of {org} reached {percent} %: {spent} of {limit} USD\n\
             are spent. The next period begins on {until} ({zone}).\n\n\
             {then}\n\n\
             See it, raise it or change it here:\n\n{page}\n\n\
             You get this mail once a period as an owner or finance of {org}.\n"
        ),
    )
}

/// What a mail about the end of a model says.
#[derive(Debug)]
pub struct ModelNotice<'a> {
    pub org: &'a str,
    pub model: &'a str,
    pub step: NoticeStep,
    /// The instant that the step is about.
    pub about: Timestamp,
    /// Of the org, those that called it lately.
    pub apps: &'a [&'a str],
    pub sunset_at: Option<Timestamp>,
    pub successor: Option<&'a str>,
    /// Where its name is to lead.
    pub leads_to: Option<&'a str>,
    /// The share of the calls that is refused, and until when.
    pub brown_out: Option<(u8, Timestamp)>,
    pub page: &'a str,
}

/// Tells the people of apps what becomes of a model that they call.
#[must_use]
pub fn model_notice(notice: &ModelNotice<'_>) -> Mail {
    let ModelNotice { org, model, page, .. } = notice;
    let about = instant(notice.about);
    let end = notice.sunset_at.map(instant);
    let (subject, what) = match notice.step {
        NoticeStep::Deprecated => {
            let end = end.map_or_else(
                || "It goes on answering until further notice.".to_owned(),
                |end| format!("It answers until {end}, and then no more."),
            );
            (format!("{model} is deprecated"), format!("the model {model} is deprecated. {end}"))
        }
        NoticeStep::SunsetSoon => (
            format!("{model} ends soon"),
            format!("the model {model} answers until {about}, and then no more."),
        ),
        NoticeStep::BrownOut => {
            let (percent, until) = notice.brown_out.unwrap_or((100, notice.about));
            let until = instant(until);
            let what = format!(
                "the model {model} goes away. So that nobody misses it, {percent} % of its calls\n\
                 are refused from {about}\nuntil {until}."
            );
            (format!("Calls of {model} will be refused for a while"), what)
        }
        NoticeStep::CutOver => {
            let to = notice.leads_to.unwrap_or("another model");
            let what = format!("from {about} on, calls of {model}\nare answered by {to}.");
            (format!("{model} changes"), what)
        }
        NoticeStep::Retired => (
            format!("{model} was retired"),
            format!("the model {model} was retired. Its calls are refused."),
        ),
    };
    let instead =
        notice.successor.map_or_else(String::new, |name| format!("Use {name} instead.\n\n"));
    let apps: String = notice.apps.iter().map(|app| format!("  {app}\n")).collect();
    mail(
        &format!("{org}: {subject}"),
        &format!(
            "Hello,\n\n\
             {what}\n\n\
             {instead}\
             These apps of {org} called it in the last 30 days:\n\n{apps}\n\
             See them here:\n\n{page}\n\n\
             You get this mail once, as somebody who may change these apps.\n"
        ),
    )
}

fn instant(at: Timestamp) -> String {
    at.format("%-d %b %Y, %H:%M UTC").to_string()
}

/// Tells an operator of calls that are used and not billed.
#[must_use]
pub fn dead_letters(new: u64, open: u64, page: &str) -> Mail {
    mail(
        &format!("{new} usage events could not be booked"),
        &format!(
            "Hello,\n\n\
             {new} usage events came that Tollgate could not book; with those from before,\n\
             {open} are open. The calls were made and are not billed. Each is kept with its\n\
             reason: mend that, then book it again.\n\n{page}\n\n\
             Everything else is booked as ever.\n"
        ),
    )
}

fn mail(subject: &str, body: &str) -> Mail {
    Mail { subject: subject.to_owned(), body: body.to_owned() }
}
