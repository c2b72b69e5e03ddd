//! The rail: where one can go, by role. A line per entry.

use crate::components::Sign;
use crate::text::nav as words;
use contract::role::{Action, Role};

/// A place of the portal that the rail can mark as "here".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Home,
    Catalog,
    Apps,
    Keys,
    Usage,
    Requests,
    Costs,
    Billing,
    Budgets,
    Limits,
    Members,
    Teams,
    Webhooks,
    Routes,
    Audit,
    Settings,
    AdminProviders,
    AdminModels,
    AdminProducts,
    AdminRoutes,
    AdminOrgs,
    AdminUnknowns,
    AdminHealth,
    AdminDeadLetters,
}

/// One link of the rail.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    pub place: Place,
    pub label: &'static str,
    pub sign: Sign,
    /// Under `/o/{org}` or under `/admin`.
    pub path: &'static str,
    /// Hidden from roles that may not.
    needs: Option<Action>,
}

/// A heading of the rail with its links.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    pub label: &'static str,
    pub entries: &'static [Entry],
}

const fn entry(
    place: Place,
    label: &'static str,
    sign: Sign,
    path: &'static str,
    needs: Option<Action>,
) -> Entry {
    Entry { place, label, sign, path, needs }
}

/// An organisation's rail.
pub const ORG: &[Group] = &[
    Group {
        label: words::BUILD,
        entries: &[
            entry(Place::Home, words::HOME, Sign::Home, "", None),
            entry(
                Place::Catalog,
                words::CATALOG,
                Sign::Catalog,
                "/catalog",
                Some(Action::ViewCatalog),
            ),
            entry(Place::Apps, words::APPS, Sign::App, "/apps", Some(Action::ViewApps)),
            entry(Place::Keys, words::KEYS, Sign::Key, "/keys", Some(Action::ViewKeys)),
        ],
    },
    Group {
        label: words::OBSERVE,
        entries: &[
            entry(Place::Usage, words::USAGE, Sign::Usage, "/usage", Some(Action::ViewUsage)),
            entry(
                Place::Requests,
                words::REQUESTS,
                Sign::Requests,
                "/requests",
                Some(Action::ViewRequests),
            ),
        ],
    },
    Group {
        label: words::SPEND,
        entries: &[
            entry(Place::Costs, words::COSTS, Sign::Costs, "/costs", Some(Action::ViewCosts)),
            entry(
                Place::Billing,
                words::BILLING,
                Sign::Product,
                "/billing",
                Some(Action::ViewCosts),
            ),
            entry(
                Place::Budgets,
                words::BUDGETS,
                Sign::Budget,
                "/budgets",
                Some(Action::ViewBudgets),
            ),
            entry(Place::Limits, words::LIMITS, Sign::Limits, "/limits", Some(Action::ViewUsage)),
        ],
    },
    Group {
        label: words::MANAGE,
        entries: &[
            entry(
                Place::Members,
                words::MEMBERS,
                Sign::Members,
                "/members",
                Some(Action::ViewMembers),
            ),
            entry(Place::Teams, words::TEAMS, Sign::Team, "/teams", Some(Action::ViewTeams)),
            entry(
                Place::Webhooks,
                words::WEBHOOKS,
                Sign::Webhook,
                "/webhooks",
                Some(Action::ViewWebhooks),
            ),
            entry(Place::Routes, words::ROUTES, Sign::Route, "/routes", Some(Action::ViewRoutes)),
            entry(Place::Audit, words::AUDIT, Sign::Audit, "/audit", Some(Action::ViewAudit)),
            entry(Place::Settings, words::SETTINGS, Sign::Settings, "/settings", None),
        ],
    },
];

/// The operator's rail.
pub const ADMIN: &[Group] = &[Group {
    label: words::OPERATE,
    entries: &[
        entry(Place::AdminProviders, words::PROVIDERS, Sign::Provider, "/providers", None),
        entry(Place::AdminModels, words::MODELS, Sign::Model, "/models", None),
        entry(Place::AdminRoutes, words::ROUTES, Sign::Route, "/routes", None),
        entry(Place::AdminProducts, words::PRODUCTS, Sign::Product, "/products", None),
        entry(Place::AdminOrgs, words::ORGS, Sign::Members, "/orgs", None),
        entry(Place::AdminUnknowns, words::UNKNOWNS, Sign::Warning, "/unknowns", None),
        entry(Place::AdminHealth, words::HEALTH, Sign::Check, "/health", None),
        entry(Place::AdminDeadLetters, words::DEAD_LETTERS, Sign::Warning, "/dead-letters", None),
    ],
}];

impl Entry {
    /// May a member with this role see the link?
    #[must_use]
    pub fn shown_to(&self, role: Role) -> bool {
        self.needs.is_none_or(|action| role.may(action))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finance_finds_costs_but_no_keys_in_the_rail() {
        let shown: Vec<_> = ORG
            .iter()
            .flat_map(|group| group.entries)
            .filter(|entry| entry.shown_to(Role::Finance))
            .map(|entry| entry.place)
            .collect();
        assert!(shown.contains(&Place::Costs) && !shown.contains(&Place::Keys));
    }
}
