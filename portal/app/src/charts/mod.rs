//! Charts drawn on the server as SVG. The picture scales, its labels are text beside it, colours
//! come from the stylesheet, and the same figures stand in a table below.

mod bars;
mod frame;
mod line;
mod scale;
mod share;

pub use bars::BarChart;
pub use line::LineChart;
pub use share::Share;

/// One row of marks: a name and a value per label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    pub name: String,
    pub values: Vec<u64>,
}

/// What a chart shows. Six series have a colour of their own; give further ones as "Other".
#[derive(Debug, Clone)]
pub struct ChartData {
    /// Says what is counted and over which time.
    pub title: String,
    /// Heading of the table's first column: what the labels are.
    pub axis: String,
    /// One per value, in order.
    pub labels: Vec<String>,
    pub series: Vec<Series>,
    /// How a value reads: a count, money.
    pub show: fn(u64) -> String,
}

impl ChartData {
    /// The value of `series` at `index`; missing ones count as nothing.
    fn at(series: &Series, index: usize) -> u64 {
        series.values.get(index).copied().unwrap_or_default()
    }
}
