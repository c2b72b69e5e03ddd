//! Wallets, ledgers, and calls of unknown outcome.

use contract::api::billing::{AccountKind, Billing, CreditKind, LedgerKind, UnknownPolicy};

pub const TITLE: &str = "Billing";
pub const LEAD: &str = "What is paid ahead, what is owed, and every movement of it.";
pub const PREPAID_LEAD: &str = "Calls draw on this credit; none runs that it cannot pay.";
pub const POSTPAID_LEAD: &str = "Calls are paid for afterwards.";
pub const BALANCE: &str = "Balance";
pub const HELD: &str = "Held for calls that run";
pub const AVAILABLE: &str = "Available";
pub const FLOOR: &str = "Floor";
pub const FLOOR_NOTE: &str = "The balance never goes below it.";
pub const OWED: &str = "Owed";
pub const OVERRUN: &str = "Overrun";
pub const NOBODY_KNOWS: &str = "Unknown now";
pub const CREDITS: &str = "Credits";
pub const CREDITS_LEAD: &str = "Drawn from the top down.";
pub const NO_CREDITS: &str = "No credit is left.";
pub const KIND: &str = "What";
pub const AMOUNT: &str = "Amount";
pub const REMAINING: &str = "Left";
pub const PRIORITY: &str = "Priority";
pub const PRIORITY_HINT: &str = "1 to 100. Lower ones are drawn first.";
pub const PRIORITY_BAD: &str = "Enter a whole number from 1 to 100.";
pub const EXPIRES: &str = "Ends";
pub const EXPIRES_HINT: &str = "UTC. Leave it empty if it never ends.";
pub const NEVER: &str = "never";
pub const NOTE: &str = "Note";
pub const NOTE_HINT: &str = "The number of the payment, or why it is given.";
pub const LEDGER: &str = "Ledger";
pub const NO_LEDGER: &str = "Nothing has moved yet.";
pub const WHEN: &str = "When (UTC)";
pub const BOOKED: &str = "Booked (UTC)";
pub const OF: &str = "of";
pub const SINCE: &str = "Since";
pub const ABOUT: &str = "About";
pub const ENTRIES: &str = "From → to";
pub const ALL_KINDS: &str = "Every kind";
pub const SHOW: &str = "Show";

pub const ORGS: &str = "Organisations";
pub const ORGS_LEAD: &str = "Who pays how, what is left and what is owed.";
pub const ORG: &str = "Organisation";
pub const PAYS: &str = "Pays";
pub const ADD_CREDIT: &str = "Add credit";
pub const CREDIT_ADDED: &str = "The credit is there. Gateways know within a second.";
pub const DOLLARS: &str = "Dollars";
pub const DOLLARS_BAD: &str = "Enter dollars, such as 25 or 0.50.";
pub const SAVE: &str = "Save";
pub const SAVED: &str = "Saved. Gateways know within a second.";
pub const CHANGE: &str = "How it pays";
pub const CORRECT: &str = "Correct";
pub const CORRECTED: &str = "The correction is written.";
pub const CHANGE_BY: &str = "Change by (dollars)";
pub const CHANGE_BY_HINT: &str = "Below zero gives back, above zero charges more.";
pub const REASON: &str = "Reason";

pub const UNKNOWNS: &str = "Calls of unknown outcome";
pub const UNKNOWNS_LEAD: &str = "Calls whose gateway fell silent before it told what they used. A settlement that comes late counts.";
pub const UNKNOWNS_NONE: &str = "No such call";
pub const UNKNOWNS_NONE_WHY: &str = "Every call has told what it used.";
pub const CALL: &str = "Call";
pub const APP_AND_MODEL: &str = "App, model";
pub const MODEL: &str = "Model";
pub const RESERVED: &str = "Reserved";
pub const STATE: &str = "State";
pub const THEN: &str = "After a day";
pub const FORGIVE: &str = "Forgive";
pub const BY_REPORT: &str = "By what its provider reports";
pub const REPORTED: &str =
    "What its provider reports that it used. Leave empty what it does not name.";
pub const TOKENS_BAD: &str = "Enter a whole number.";
pub const NOTHING_SAID: &str = "Say what the provider reports; where it used nothing, forgive it.";
/// Classes of tokens as the API names them, in the order of their words among those of requests.
pub const TOKENS: [&str; 10] = [
    "input",
    "cached_input",
    "cache_write",
    "cache_write_1h",
    "audio_input",
    "image_input",
    "output",
    "reasoning",
    "audio_output",
    "image_output",
];
/// What is reported besides tokens, and its words.
pub const UNITS: [(&str, &str); 6] = [
    ("images", "Pictures"),
    ("characters", "Characters spoken"),
    ("audio_ms", "Milliseconds of audio"),
    ("searches", "Searches"),
    ("rows", "Rows"),
    ("compute_ms", "Milliseconds of compute"),
];
pub const BILL: &str = "Bill what was reserved";
pub const RESOLVE: &str = "End it";
pub const RESOLUTION: &str = "How";
pub const RESOLVED: &str = "It is ended.";
pub const POLICY_HINT: &str = "What becomes of a call a day after its gateway fell silent.";
pub const SEE_UNKNOWNS: &str = "See them";

/// `3 calls of unknown outcome; $1.20 is reserved for them.`
#[must_use]
pub fn waiting(calls: &str, reserved: &str) -> String {
    format!("{calls} calls of unknown outcome; {reserved} is reserved for them.")
}

#[must_use]
pub const fn billing(billing: Billing) -> &'static str {
    match billing {
        Billing::Prepaid => "Ahead",
        Billing::Postpaid => "Afterwards",
    }
}

#[must_use]
pub const fn credit(kind: CreditKind) -> &'static str {
    match kind {
        CreditKind::Purchase => "Paid for",
        CreditKind::Grant => "Given",
        CreditKind::Refund => "Given back",
    }
}

#[must_use]
pub const fn transaction(kind: LedgerKind) -> &'static str {
    match kind {
        LedgerKind::Usage => "Call",
        LedgerKind::TopUp => "Top-up",
        LedgerKind::Grant => "Grant",
        LedgerKind::Expiry => "Expiry",
        LedgerKind::Correction => "Correction",
        LedgerKind::Adjustment => "Adjustment",
        LedgerKind::Tariff => "Included and tiers",
        LedgerKind::Minimum => "Minimum",
        LedgerKind::Unknown => "Call of unknown outcome",
    }
}

#[must_use]
pub const fn account(kind: AccountKind) -> &'static str {
    match kind {
        AccountKind::Receivable => "owed",
        AccountKind::Revenue => "revenue",
        AccountKind::Wallet => "wallet",
        AccountKind::Cash => "cash",
        AccountKind::Promotion => "promotion",
        AccountKind::Breakage => "expired",
        AccountKind::Adjustment => "adjustment",
        AccountKind::Writeoff => "written off",
    }
}

#[must_use]
pub const fn policy(policy: UnknownPolicy) -> &'static str {
    match policy {
        UnknownPolicy::Forgive => "Forgiven",
        UnknownPolicy::BillReserved => "Billed as reserved",
    }
}
