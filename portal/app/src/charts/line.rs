//! Lines: how something moves over time.

use super::frame::{colour, frame};
use super::{ChartData, Series, scale};
use leptos::prelude::*;
use std::fmt::Write as _;

#[component]
pub fn LineChart(data: ChartData) -> impl IntoView {
    let values = data.series.iter().flat_map(|series| series.values.iter().copied());
    let top = scale::top(values.max().unwrap_or_default());
    let count = data.labels.len();
    let marks = data
        .series
        .iter()
        .enumerate()
        .map(|(number, series)| {
            let class = format!("chart-line series-{}", colour(number));
            view! { <path class=class d=path(series, count, top)></path> }
        })
        .collect_view();
    frame(data, top, marks)
}

/// Through the middle of each slot.
fn path(series: &Series, count: usize, top: u64) -> String {
    let mut path = String::new();
    for index in 0..count {
        let x = scale::left(2 * index + 1, 2 * count);
        let y = scale::HEIGHT - scale::height(ChartData::at(series, index), top);
        // Writing to a String cannot fail.
        let _ = write!(path, "{}{x} {y}", if index == 0 { 'M' } else { 'L' });
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_passes_the_middle_of_every_slot() {
        let series = Series { name: String::new(), values: vec![0, 10] };
        assert_eq!(path(&series, 2, 10), "M250 200L750 0");
    }
}
