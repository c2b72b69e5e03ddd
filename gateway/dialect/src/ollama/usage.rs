//! What was used, as the last line or the answer tells it. `prompt_eval_count` is all of the input,
//! what came from the cache included; older servers leave it out where all of it did, so without it
//! nothing is told. A count of zero is left out too: no output where there is none.

use contract::usage::Tokens;

#[derive(Debug, Clone, Copy)]
pub(super) struct Usage {
    pub(super) prompt_eval_count: Option<u64>,
    pub(super) prompt_eval_cached_count: Option<u64>,
    pub(super) eval_count: Option<u64>,
}

impl Usage {
    /// `None`: it does not tell.
    pub(super) fn tokens(self) -> Option<Tokens> {
        let input = self.prompt_eval_count?;
        let cached_input = self.prompt_eval_cached_count.unwrap_or(0).min(input);
        Some(Tokens {
            input: input - cached_input,
            cached_input,
            output: self.eval_count.unwrap_or(0),
            ..Tokens::default()
        })
    }
}
