//! Routes.

use contract::snapshot::Skip;

pub const TITLE: &str = "Routes";
pub const LEAD_ORG: &str =
    "Where your calls of a model go. A route of yours counts instead of the platform's.";
pub const LEAD_PLATFORM: &str =
    "Where the calls of a model go, of every organisation that has no route of its own.";
pub const NEW: &str = "New route";
pub const NONE: &str = "No routes yet";
pub const NONE_WHY: &str = "Without one, calls go to the model's deployments by weight.";
pub const MODEL: &str = "Model";
pub const COUNTS: &str = "Counts";
pub const NEWEST: &str = "Newest";
pub const SINCE: &str = "Since";
pub const NO_VERSION: &str = "none";
pub const POLICY: &str = "Policy";
pub const POLICY_HINT: &str =
    "JSON. The first rule whose condition holds decides; the last has no condition.";
pub const NOTE: &str = "Note";
pub const NOTE_HINT: &str = "What it is for, or what changes.";
pub const ACTIVATE: &str = "It counts at once";
pub const CHOOSE: &str = "Choose one of the list.";
pub const CREATE: &str = "Make route";
pub const CREATED: &str = "The route is made.";
pub const SAVE: &str = "Save as a new version";
pub const SAVED: &str = "The new version is saved.";
pub const EDIT: &str = "Edit";
pub const EDIT_TITLE: &str = "Route";
pub const VERSIONS: &str = "Versions";
pub const VERSION: &str = "Version";
pub const BY: &str = "By";
pub const AT: &str = "Written";
pub const STATE: &str = "State";
pub const MAKE_COUNT: &str = "Make it count";
pub const STOP: &str = "Let none count";
pub const STOP_WHY: &str = "Calls then go as if there were no route. Its versions stay.";
pub const ACTIVATED: &str = "Which version counts is changed.";
pub const DELETE: &str = "Remove route";
pub const DELETE_WHY: &str = "Its versions go, too. To stop it for a while, let none count.";
pub const DELETED: &str = "The route is removed.";
pub const NOT_JSON: &str = "This is not the JSON of a policy.";
pub const PLACES: &str = "Deployments that a route may name";
pub const NO_PLACES: &str = "There are none: subscribe an app to a product first.";
pub const DEPLOYMENT: &str = "Deployment";
pub const REGION: &str = "Region";
pub const WEIGHT: &str = "Weight";
pub const HELP: &str = "What a policy may say";
pub const SAMPLE_WHAT: &str = "a policy";
/// One of everything.
pub const SAMPLE: &str = r#"{
  "rules": [
    {
      "name": "gold",
      "when": "header[\"x-tier\"] == \"gold\" && input_tokens < 4000",
      "among": ["dep_…", "dep_…"],
      "pick": "latency",
      "hedge_ms": 800
    },
    {
      "name": "easy",
      "when": "complexity < 30 && !structured",
      "among": ["dep_… of a small model"],
      "pick": "weighted"
    },
    {
      "name": "talk",
      "when": "operation == \"chat\" && stream",
      "pick": "weighted",
      "tiers": [
        { "complexity_max": 30, "among": ["dep_… of a small model"] },
        { "complexity_max": 100, "among": ["dep_… of a large one"] }
      ]
    },
    {
      "name": "all",
      "pick": "weighted",
      "shadow": { "deployment_id": "dep_…", "basis_points": 100 },
      "sticky": { "by": "user" },
      "split": {
        "name": "canary",
        "parts": [{ "name": "new", "basis_points": 500, "deployment_id": "dep_…" }]
      }
    }
  ],
  "fallbacks": { "general": ["mdl_…"], "context": ["mdl_…"], "content": ["mdl_…"] },
  "bounds": { "deadline_ms": 60000, "attempts_max": 3, "first_content_ms": 10000 },
  "regions": ["eu-central-1"]
}"#;
pub const PICKS: &str = "pick: ordered, weighted, least_busy, latency or cheapest. sticky.by: org, app, key, user, or header or metadata with a name. basis_points are hundredths of a percent. hedge_ms: another deployment is asked, too, when the first has shown nothing for so long. tiers, instead of among: the harder a call looks, the later the tier that it goes to first; the others follow. shadow: so many of the calls are made a second time there, unseen by their callers; what that costs is the route's owner's. fallbacks: models that answer where none of the deployments does, where the call is too long, or where a provider refuses what it is about. bounds hold for all attempts of a call. regions bind everything.";
pub const NAMES: &str = "Conditions know org, team, app, key, plan, model, operation, dialect, user, header[\"…\"], metadata[\"…\"], tag[\"…\"], input_tokens, output_tokens_max, messages, tools, images, complexity, hour, stream, structured and reasoning.";

pub const OUTCOMES: &str = "What became of its calls in 30 days";
pub const NO_OUTCOMES: &str = "No calls went by this route yet.";
pub const SIDE: &str = "Side";
pub const REST: &str = "in no part";
pub const COPIES: &str = "copies, for the shadow";
pub const CALLS: &str = "Calls";
pub const FAILED: &str = "Failed";
pub const RETRIED: &str = "Tried again";
pub const HALF_WITHIN: &str = "Half within";
pub const MOST_WITHIN: &str = "95 % within";
pub const FIRST_CONTENT: &str = "First content, half within";
pub const TOKENS: &str = "Tokens";
pub const MEAN_COST: &str = "Cost of a call";
pub const ALL_COST: &str = "Cost";
pub const COMPARED: &str = "Differences";
pub const BESIDE: &str = "Beside";
pub const MORE_FAILURES: &str = "More failures";
pub const MORE_COST: &str = "A call costs more";
pub const SURE: &str = "differs";
pub const NOT_SURE: &str = "may be chance";

/// `2.00 % (0.50 to 3.50)`, of millionths.
#[must_use]
pub fn range_of_failures(value: i64, low: i64, high: i64) -> String {
    let percent = |millionths: i64| {
        let hundredths = millionths / 100;
        let sign = if hundredths < 0 { "-" } else { "" };
        let hundredths = hundredths.unsigned_abs();
        format!("{sign}{}.{:02}", hundredths / 100, hundredths % 100)
    };
    format!("{} % ({} to {})", percent(value), percent(low), percent(high))
}

/// `$1 ($0 to $2)`.
#[must_use]
pub fn range(value: &str, low: &str, high: &str) -> String {
    format!("{value} ({low} to {high})")
}

pub const EXPLAIN: &str = "Explain a call";
pub const EXPLAIN_LEAD: &str = "Where a call would go and why. Nothing is sent. How deployments do is what the gateways last said.";
pub const ORG: &str = "Organisation";
pub const ORG_HINT: &str = "Slug or id. Empty: one without a route of its own.";
pub const MODEL_HINT: &str = "As callers name it.";
pub const CALL: &str = "The call";
pub const CALL_HINT: &str =
    "JSON: what it has of the names that conditions know. What is left out is empty, zero or no.";
pub const DRAFT: &str = "Draft of a policy";
pub const DRAFT_HINT: &str = "JSON. Empty: what counts now.";
pub const REQUEST: &str = "A call that was made";
pub const REQUEST_HINT: &str = "Its id, req_…: says whether a brown-out of now refuses it.";
pub const NO_REQUEST: &str = "This is not the id of a call, req_…";
pub const BROWNED_OUT: &str = "It refuses this call.";
pub const NOT_BROWNED_OUT: &str = "It does not refuse this call.";
pub const CALL_NOT_JSON: &str = "This is not the JSON of a call.";
pub const RESULT: &str = "What would happen";
pub const RULES: &str = "Rules";
pub const RULE: &str = "Rule";
pub const CONDITION: &str = "Condition";
pub const ALWAYS: &str = "every call";
pub const MATCHED: &str = "decides";
pub const PASSED_BY: &str = "does not hold";
pub const ORDER: &str = "Deployments, in the order of trying";
pub const FIRST: &str = "First, of 1,000 calls";
pub const COST: &str = "List price";
pub const HEALTH: &str = "How it does";
pub const GATEWAYS: &str = "Gateways heard";
pub const UNHEARD: &str = "none: all deployments are taken for well and idle";
pub const WHY_NOT: &str = "Why not";
pub const DECIDED_BY: &str = "Decided by";
pub const BY_DRAFT: &str = "the draft, or no route at all";
pub const PART: &str = "Part of the split";
pub const COMPLEXITY: &str = "Complexity";
pub const REFUSED: &str = "The call would be refused";

/// Why a deployment is not used.
#[must_use]
pub const fn skip(why: Skip) -> &'static str {
    match why {
        Skip::NotNamed => "the rule does not name it",
        Skip::Closed => "it or its provider is disabled",
        Skip::Operation => "its provider has no such calls",
        Skip::Version => "it runs another version of the model",
        Skip::Region => "in a region where the call may not be answered",
        Skip::Context => "the call is longer than its context",
        Skip::Feature => "it lacks something that the call asks for",
        Skip::Weight => "its weight is 0",
    }
}

#[must_use]
pub fn browned_out(percent: u8) -> String {
    format!("The model goes away: {percent} % of its calls are refused until")
}

#[must_use]
pub fn version(number: u32) -> String {
    format!("Version {number}")
}

/// So many gateways said how deployments do.
#[must_use]
pub fn heard(gateways: u32) -> String {
    gateways.to_string()
}

/// `takes 180 ms`, lately and at worst.
#[must_use]
pub fn takes(duration: &str) -> String {
    format!("takes {duration}")
}

/// `3 calls now`.
#[must_use]
pub fn works_on(calls: &str) -> String {
    format!("{calls} calls now")
}
