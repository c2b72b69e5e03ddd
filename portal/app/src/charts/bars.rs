//! Stacked bars: how much, and what it is made of.

use super::frame::{colour, frame};
use super::{ChartData, scale};
use leptos::prelude::*;

#[component]
pub fn BarChart(data: ChartData) -> impl IntoView {
    let count = data.labels.len();
    let sum =
        |index| data.series.iter().map(|s| ChartData::at(s, index)).fold(0, u64::saturating_add);
    let top = scale::top((0..count).map(sum).max().unwrap_or_default());
    let marks = (0..count).map(|index| bar(&data, index, top)).collect_view();
    frame(data, top, marks)
}

fn bar(data: &ChartData, index: usize, top: u64) -> impl IntoView + use<> {
    let count = data.labels.len();
    let (left, right) = (scale::left(index, count), scale::left(index + 1, count));
    let gap = ((right - left) / 6).max(1);
    let label = data.labels.get(index).cloned().unwrap_or_default();
    let mut below = 0_u64;
    data.series
        .iter()
        .enumerate()
        .map(|(number, series)| {
            let value = ChartData::at(series, index);
            let foot = scale::height(below, top);
            below = below.saturating_add(value);
            let head = scale::height(below, top);
            // A value that is not nothing is never invisible.
            let tall = if value > 0 { (head - foot).max(1) } else { 0 };
            let title = format!("{label}, {}: {}", series.name, (data.show)(value));
            view! {
                <rect
                    class=format!("chart-bar series-{}", colour(number))
                    x=left + gap / 2
                    y=scale::HEIGHT.saturating_sub(foot + tall)
                    width=(right - left).saturating_sub(gap).max(1)
                    height=tall
                >
                    <title>{title}</title>
                </rect>
            }
        })
        .collect_view()
}
