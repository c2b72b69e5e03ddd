//! One call that its provider takes in several requests. What a deployment has answered is kept: a
//! further attempt there asks only for the rest, so that nothing is paid for twice.

use contract::id::DeploymentId;
use contract::usage::Tokens;
use dialect::embed::Answer;
use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub struct Batches {
    of: Option<DeploymentId>,
    finished: BTreeMap<usize, Answer>,
    /// What providers reported for all that is finished.
    spent: Tokens,
}

impl Batches {
    /// Begins an attempt at a deployment. What another has answered is of no use to it: what that
    /// was reported to use.
    pub fn begin(&mut self, at: DeploymentId) -> Tokens {
        if self.of.replace(at) == Some(at) {
            return Tokens::NONE;
        }
        self.finished.clear();
        std::mem::take(&mut self.spent)
    }

    #[must_use]
    pub fn has(&self, nth: usize) -> bool {
        self.finished.contains_key(&nth)
    }

    pub fn finish(&mut self, nth: usize, answer: Answer) {
        let told = answer.tokens.unwrap_or_default();
        self.spent.input = self.spent.input.saturating_add(told.input);
        self.spent.image_input = self.spent.image_input.saturating_add(told.image_input);
        self.finished.insert(nth, answer);
    }

    /// The answers, in order.
    pub fn take(&mut self) -> Vec<Answer> {
        std::mem::take(&mut self.finished).into_values().collect()
    }

    /// What the provider reported for what it has answered.
    #[must_use]
    pub const fn spent(&self) -> Tokens {
        self.spent
    }
}
