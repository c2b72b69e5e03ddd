//! Tables that scroll inside a labelled region, and the way to the next page.

use leptos::prelude::*;

/// How a column is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CellKind {
    #[default]
    Text,
    /// Right-aligned, figures of equal width.
    Number,
    /// The row's name: a header cell.
    Head,
}

/// One cell.
#[derive(Debug)]
pub struct Cell {
    kind: CellKind,
    content: AnyView,
}

impl Cell {
    #[must_use]
    pub fn text<V: IntoView + 'static>(content: V) -> Self {
        Self { kind: CellKind::Text, content: content.into_any() }
    }

    #[must_use]
    pub fn number<V: IntoView + 'static>(content: V) -> Self {
        Self { kind: CellKind::Number, content: content.into_any() }
    }

    #[must_use]
    pub fn head<V: IntoView + 'static>(content: V) -> Self {
        Self { kind: CellKind::Head, content: content.into_any() }
    }
}

/// A table. `caption` names it; `columns` are the headings with how each is set.
#[component]
pub fn DataTable(
    #[prop(into)] caption: String,
    columns: Vec<(impl Into<String> + Send + 'static, CellKind)>,
    rows: Vec<Vec<Cell>>,
) -> impl IntoView {
    let head = columns
        .into_iter()
        .map(|(label, kind)| view! { <th scope="col" class=class(kind)>{label.into()}</th> })
        .collect_view();
    let body = rows
        .into_iter()
        .map(|cells| view! { <tr>{cells.into_iter().map(draw).collect_view()}</tr> })
        .collect_view();
    view! {
        <div class="table-region" role="region" aria-label=caption tabindex="0">
            <table>
                <caption class="sr-only">{caption.clone()}</caption>
                <thead><tr>{head}</tr></thead>
                <tbody>{body}</tbody>
            </table>
        </div>
    }
}

fn draw(cell: Cell) -> AnyView {
    match cell.kind {
        CellKind::Head => view! { <th scope="row">{cell.content}</th> }.into_any(),
        kind => view! { <td class=class(kind)>{cell.content}</td> }.into_any(),
    }
}

const fn class(kind: CellKind) -> Option<&'static str> {
    match kind {
        CellKind::Number => Some("number"),
        CellKind::Text | CellKind::Head => None,
    }
}

/// A link to the next page of a list; nothing when this is the last. `href` has the cursor in it.
#[component]
pub fn NextPage(href: Option<String>) -> impl IntoView {
    href.map(|href| {
        view! {
            <nav class="pages" aria-label="Pages">
                <a class="button quiet" rel="next" href=href>"Next page"</a>
            </nav>
        }
    })
}
