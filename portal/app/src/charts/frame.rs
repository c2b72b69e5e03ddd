//! What stands around a picture: caption, legend, labels of both axes, the table twin.

use super::{ChartData, scale};
use crate::components::{Cell, CellKind, DataTable, Details};
use crate::text::charts as text;
use leptos::prelude::*;

/// Puts `marks` (SVG) between its labels. `top` is the value at the upper edge.
pub(super) fn frame<V: IntoView + 'static>(data: ChartData, top: u64, marks: V) -> impl IntoView {
    let show = data.show;
    let (first, last) = (data.labels.first().cloned(), data.labels.last().cloned());
    let middle = (data.labels.len() > 2).then(|| data.labels.get(data.labels.len() / 2).cloned());
    // Half of an odd top is no number to write beside the middle line.
    let half = top.is_multiple_of(2).then(|| show(top / 2));
    let legend = (data.series.len() > 1).then(|| legend(&data));
    let title = data.title.clone();
    let view_box = format!("0 0 {} {}", scale::WIDTH, scale::HEIGHT);
    view! {
        <figure class="chart">
            <figcaption class="chart-title">{data.title.clone()}</figcaption>
            {legend}
            <div class="chart-plot">
                <div class="chart-y" aria-hidden="true">
                    <span>{show(top)}</span>
                    <span>{half}</span>
                    <span>{show(0)}</span>
                </div>
                <svg viewBox=view_box preserveAspectRatio="none" role="img" aria-label=title>
                    <path class="chart-grid" d="M0 0H1000M0 100H1000M0 200H1000" />
                    {marks}
                </svg>
                <div class="chart-x" aria-hidden="true">
                    <span>{first}</span>
                    <span>{middle.flatten()}</span>
                    <span>{last}</span>
                </div>
            </div>
            <Details summary=text::TABLE>{table(data)}</Details>
        </figure>
    }
}

fn legend(data: &ChartData) -> impl IntoView + use<> {
    let items = data
        .series
        .iter()
        .enumerate()
        .map(|(index, series)| {
            view! {
                <li>
                    <span class=format!("chart-swatch series-{}", colour(index))></span>
                    {series.name.clone()}
                </li>
            }
        })
        .collect_view();
    view! { <ul class="chart-legend">{items}</ul> }
}

/// The number of a series' colour, 1 to 6.
pub(super) fn colour(index: usize) -> usize {
    index % 6 + 1
}

fn table(data: ChartData) -> impl IntoView {
    let mut columns = vec![(data.axis, CellKind::Text)];
    columns.extend(data.series.iter().map(|series| (series.name.clone(), CellKind::Number)));
    let rows = data
        .labels
        .iter()
        .enumerate()
        .map(|(index, label)| {
            let mut cells = vec![Cell::head(label.clone())];
            cells.extend(
                data.series
                    .iter()
                    .map(|series| Cell::number((data.show)(ChartData::at(series, index)))),
            );
            cells
        })
        .collect();
    view! { <DataTable caption=data.title columns=columns rows=rows /> }
}
