//! The most that a call is expected to use, and the most that a report of its use is believed.

use crate::meter::FIRST_PART;
use crate::read::Call;
use crate::snapshot::ModelView;
use contract::snapshot::PlanRecord;
use contract::usage::Operation;

/// Output assumed of a chat model that states neither its longest answer nor its context.
const OUTPUT_TOKENS_ASSUMED: u64 = 4_096;
/// A report of so many times what a model can take or give is a mistake. A provider's own tools may
/// have it read its context several times.
const PLAUSIBLE: u64 = 10;
/// The same for a model that states neither.
const PLAUSIBLE_ASSUMED: u64 = 10_000_000;

/// Tokens of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// By the text that it sends.
    pub input: u64,
    /// By what caller, plan and model allow.
    pub output: u64,
    /// So much of the output is held at first: all of it, but for a stream that its caller sets no
    /// bound to.
    pub output_held: u64,
    /// More than these cannot be true.
    pub input_plausible: u64,
    pub output_plausible: u64,
}

impl Bound {
    pub(super) fn of(call: &Call, model: &ModelView, plan: &PlanRecord) -> Self {
        let record = &model.record;
        let known = |tokens: u32| (tokens > 0).then(|| u64::from(tokens));
        let of_model = known(record.output_tokens_max).or_else(|| known(record.context_tokens_max));
        let plausible = |tokens: Option<u64>, times: u64| {
            let most = tokens.map_or(PLAUSIBLE_ASSUMED, |most| most.saturating_mul(PLAUSIBLE));
            most.saturating_mul(times)
        };
        let (input, output) = match (&call.media, call.operation) {
            (Some(media), _) => {
                let (input, output, _) = media.sizes.most();
                (input, output)
            }
            (None, Operation::Chat | Operation::Native) => {
                let of_model = of_model.unwrap_or(OUTPUT_TOKENS_ASSUMED);
                let output = [call.ask.output_tokens_max, plan.output_tokens_max.map(u64::from)]
                    .into_iter()
                    .flatten()
                    .fold(of_model, u64::min)
                    .saturating_mul(call.ask.choices);
                (call.tokens_read(), output)
            }
            _ => (call.tokens_read(), 0),
        };
        let context = known(record.context_tokens_max);
        let unbounded = call.ask.stream && call.ask.output_tokens_max.is_none();
        let first = FIRST_PART.saturating_mul(call.ask.choices.max(1));
        Self {
            input,
            output,
            output_held: if unbounded && call.media.is_none() { output.min(first) } else { output },
            input_plausible: plausible(context, 1).max(input),
            output_plausible: plausible(of_model, call.ask.choices.max(1)).max(output),
        }
    }
}
