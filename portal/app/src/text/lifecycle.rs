//! Versions of models, other names for them, cut-overs, brown-outs, and what orgs hear of them.

use contract::api::lifecycle::NoticeStep;
use contract::snapshot::BrownOutAnswer;

pub const TITLE: &str = "Lifecycle";
pub const LEAD: &str =
    "Its versions, where its name leads, how it ends, and whose apps that concerns.";
pub const SUNSET: &str = "Answers until (UTC)";
pub const SUNSET_HINT: &str =
    "Only while deprecated: it is retired at this instant. Empty: no end is announced.";
pub const SUCCESSOR: &str = "What comes after it";
pub const SUCCESSOR_HINT: &str = "The name of another model. Answers and refusals name it.";
pub const SINCE: &str = "Deprecated since";
pub const UNTIL: &str = "Answers until";
pub const LEADS_TO: &str = "Its name leads to";
pub const ITSELF: &str = "its deployments that are of no version";
pub const NEXT: &str = "To come";
pub const ALIASES: &str = "Aliases";

pub const VERSIONS: &str = "Versions";
pub const VERSIONS_LEAD: &str = "Several take calls at a time: each by its label, and all other calls of the model the one that its name leads to.";
pub const NO_VERSIONS: &str = "It has none: its deployments are the model as such.";
pub const VERSION: &str = "Version";
pub const CALLED: &str = "In calls";
pub const STATE: &str = "State";
pub const DEPLOYMENTS: &str = "Deployments";
pub const CHANGE: &str = "Change";
pub const ADD_VERSION: &str = "Add a version";
pub const LABEL: &str = "Label";
pub const LABEL_HINT: &str = "1 to 40 of a-z 0-9 . _ - and permanent.";
pub const VERSION_CREATED: &str =
    "The version is a draft. Give it deployments, then make it active.";
pub const SAVE: &str = "Save";
pub const SAVED: &str = "Saved. Gateways follow within a second.";
pub const NO_VERSION: &str = "none";

pub const NAMES: &str = "Where names lead";
pub const CUT_OVERS: &str = "Cut-overs";
pub const CUT_OVERS_LEAD: &str = "Every gateway switches at the instant. What was done can be taken back while its name still leads there.";
pub const NO_CUT_OVERS: &str = "None yet.";
pub const CUT_OVER: &str = "Let it lead elsewhere";
pub const NAME: &str = "Name";
pub const TO: &str = "Leads to";
pub const TO_HINT: &str =
    "A model, or a version of one, such as support@2026-03. An alias may lead to an alias too.";
pub const AT: &str = "From (UTC)";
pub const AT_HINT: &str = "Empty: now.";
pub const BEFORE: &str = "Before";
pub const BY: &str = "By";
pub const CANCEL: &str = "Cancel";
pub const ROLL_BACK: &str = "Take it back";
pub const CUT_OVER_DONE: &str = "The name leads there now. Gateways follow within a second.";
pub const CUT_OVER_SCHEDULED: &str =
    "It is scheduled. The people of the apps that call the model are told.";
pub const CANCELLED: &str = "It is cancelled.";
pub const ROLLED_BACK: &str = "The name leads again where it led before.";

pub const ALIASES_TITLE: &str = "Aliases and cut-overs";
pub const ALIASES_LEAD: &str =
    "Other names for models. Callers keep the name while what answers changes.";
pub const NO_ALIASES: &str = "No aliases yet";
pub const NO_ALIASES_WHY: &str = "Give a model a name that can lead to another one later.";
pub const ANSWERS: &str = "Answered by";
pub const ADD_ALIAS: &str = "Add an alias";
pub const ALIAS_NAME_HINT: &str = "a-z 0-9 . _ - / : and permanent. No model may have it.";
pub const ALIAS_CREATED: &str = "The alias can be called within a second.";
pub const DELETE: &str = "Delete";
pub const ALIAS_DELETED: &str = "The alias is gone. Calls of it are refused within a second.";

pub const BROWN_OUTS: &str = "Brown-outs";
pub const BROWN_OUTS_LEAD: &str = "For a while, a share of the calls of a deprecated model is refused, so that those who did not read that it goes away notice in time.";
pub const BROWN_OUTS_LATER: &str = "Deprecate the model first.";
pub const NO_BROWN_OUTS: &str = "None to come.";
pub const ADD_BROWN_OUT: &str = "Schedule a brown-out";
pub const FROM: &str = "From";
pub const TILL: &str = "Until";
pub const STARTS_AT: &str = "From (UTC)";
pub const ENDS_AT: &str = "Until (UTC)";
pub const PERCENT: &str = "Share of the calls, in percent";
pub const SHARE: &str = "Share";
pub const ANSWER: &str = "Answer";
pub const BROWN_OUT_CREATED: &str =
    "It is scheduled. The people of the apps that call the model are told.";
pub const BROWN_OUT_DELETED: &str = "It is taken back.";

pub const AFFECTED: &str = "Apps that called it in the last 30 days";
pub const NO_AFFECTED: &str = "None did.";
pub const ORG: &str = "Organisation";
pub const APP: &str = "App";
pub const CALLS: &str = "Calls";
pub const LAST: &str = "Last call";
pub const TOLD: &str = "Told";
pub const NOT_TOLD: &str = "nothing yet";

pub const APP_NOTICE: &str = "Models that this app calls go away";
pub const CATALOG_NOTICE: &str = "This model goes away.";

#[must_use]
pub const fn answer(answer: BrownOutAnswer) -> &'static str {
    match answer {
        BrownOutAnswer::Unavailable => "503: programs try again later",
        BrownOutAnswer::Gone => "410: programs give up",
    }
}

#[must_use]
pub const fn step(step: NoticeStep) -> &'static str {
    match step {
        NoticeStep::Deprecated => "deprecated",
        NoticeStep::BrownOut => "brown-out",
        NoticeStep::CutOver => "cut-over",
        NoticeStep::SunsetSoon => "ends soon",
        NoticeStep::Retired => "retired",
    }
}

/// What to use instead of a model.
#[must_use]
pub fn instead(name: &str) -> String {
    format!("Use {name} instead.")
}
