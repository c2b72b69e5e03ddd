//! Keys as a table: on their own page and on their app's.

use contract::Timestamp;
use contract::api::keys::Key;
use contract::key::KeyEnv;
use leptos::prelude::*;
use portal_app::components::{Ago, Cell, CellKind, DataTable, Day, StateBadge};
use portal_app::text::keys as text;

/// `base` is the address of the list of keys. On an app's page every key is the app's.
pub fn table(keys: Vec<Key>, base: &str, now: Timestamp, with_app: bool) -> impl IntoView + use<> {
    let mut columns = vec![
        (text::NAME, CellKind::Head),
        (text::STATE, CellKind::Text),
        (text::KEY, CellKind::Text),
        (text::LAST_USED, CellKind::Text),
        (text::EXPIRES, CellKind::Text),
        (text::CREATED, CellKind::Text),
    ];
    if with_app {
        columns.insert(3, (text::APP, CellKind::Text));
    }
    let rows = keys
        .into_iter()
        .map(|key| {
            let href = format!("{base}/{}", key.id);
            let mut cells = vec![
                Cell::head(view! { <a href=href>{key.name}</a> }),
                Cell::text(view! { <StateBadge state=key.state /> }),
                Cell::text(view! { <code>{key.masked}</code> }),
                Cell::text(view! { <Ago at=key.last_used_at now=now /> }),
                Cell::text(view! { <Day at=key.expires_at /> }),
                Cell::text(view! { <Day at=key.created_at /> }),
            ];
            if with_app {
                cells.insert(3, Cell::text(key.app_name));
            }
            cells
        })
        .collect();
    view! { <DataTable caption=text::TITLE columns=columns rows=rows /> }
}

/// The environment in a word.
pub const fn environment(env: KeyEnv) -> &'static str {
    match env {
        KeyEnv::Live => text::LIVE,
        KeyEnv::Test => text::TEST,
    }
}
