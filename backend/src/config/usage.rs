//! How long what calls used is kept, call by call.

#[derive(Debug, Clone, clap::Args)]
pub struct Usage {
    /// Months of single calls that are kept, besides the one in progress. Their sums and their money
    /// stay for ever. At least 14: a gateway cut off for so long may still deliver.
    #[arg(
        id = "usage_kept_months",
        long = "usage-kept-months",
        env = "TOLLGATE_USAGE_KEPT_MONTHS",
        default_value = "15",
        value_parser = clap::value_parser!(u32).range(14..=1_200)
    )]
    pub kept_months: u32,
}
