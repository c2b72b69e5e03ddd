//! What is sure of a condition whatever the request: that it always holds, or never. Finds what
//! people write by mistake (`tools > 5 && tools < 3`), not every contradiction that there is.

use super::{Number, NumberName, Order, Relation, Test, Text};
use std::collections::HashMap;

impl Test {
    /// `Some` where it is the same for every request.
    pub(super) fn sure(&self) -> Option<bool> {
        match self {
            Self::Constant(value) => Some(*value),
            Self::Flag(_) => None,
            Self::Not(test) => test.sure().map(|sure| !sure),
            Self::All(tests) => {
                decided(tests, false).or_else(|| contradict(tests).then_some(false))
            }
            Self::Any(tests) => decided(tests, true),
            Self::Same(left, right) => Some(left.sure()? == right.sure()?),
            Self::Numbers(Number::Constant(left), order, Number::Constant(right)) => {
                Some(order.holds(*left, *right))
            }
            Self::Numbers(..) => {
                let (_, least, most) = self.span()?;
                (least > most).then_some(false)
            }
            Self::Texts(Text::Constant(left), relation, Text::Constant(right)) => {
                Some(relation.holds(left, right))
            }
            Self::Texts(..) => None,
            Self::NumberIn(Number::Constant(number), list) => Some(list.contains(number)),
            Self::TextIn(Text::Constant(text), list) => Some(list.contains(text)),
            Self::NumberIn(_, list) => list.is_empty().then_some(false),
            Self::TextIn(_, list) => list.is_empty().then_some(false),
        }
    }

    /// The numbers, from and to, that a comparison leaves to a name.
    fn span(&self) -> Option<(NumberName, i64, i64)> {
        let (name, order, bound) = match self {
            Self::Numbers(Number::Name(name), order, Number::Constant(bound)) => {
                (*name, *order, *bound)
            }
            Self::Numbers(Number::Constant(bound), order, Number::Name(name)) => {
                (*name, order.turned(), *bound)
            }
            _ => return None,
        };
        let (least, most) = name.range();
        let (from, to) = match order {
            Order::Equal => (bound, bound),
            Order::Unequal => return None,
            Order::Less => (i64::MIN, bound.saturating_sub(1)),
            Order::AtMost => (i64::MIN, bound),
            Order::More => (bound.saturating_add(1), i64::MAX),
            Order::AtLeast => (bound, i64::MAX),
        };
        Some((name, from.max(least), to.min(most)))
    }

    /// The text that an equality leaves to a name or an entry.
    fn pinned(&self) -> Option<(&Text, &str)> {
        match self {
            Self::Texts(Text::Constant(value), Relation::Equal, other)
            | Self::Texts(other, Relation::Equal, Text::Constant(value)) => Some((other, value)),
            _ => None,
        }
    }
}

/// What is sure of several, of which one that is `enough` decides. Each is asked once, or conditions
/// within conditions would take for ever.
fn decided(tests: &[Test], enough: bool) -> Option<bool> {
    let mut all = Some(!enough);
    for test in tests {
        match test.sure() {
            Some(sure) if sure == enough => return Some(enough),
            Some(_) => {}
            None => all = None,
        }
    }
    all
}

/// Whether no request meets all of `tests`, by their bounds on numbers and equalities of texts.
fn contradict(tests: &[Test]) -> bool {
    let mut spans: HashMap<NumberName, (i64, i64)> = HashMap::new();
    for (name, least, most) in tests.iter().filter_map(Test::span) {
        let span = spans.entry(name).or_insert((least, most));
        *span = (span.0.max(least), span.1.min(most));
        if span.0 > span.1 {
            return true;
        }
    }
    let pinned: Vec<_> = tests.iter().filter_map(Test::pinned).collect();
    pinned.iter().enumerate().any(|(nth, (text, value))| {
        pinned.iter().skip(nth + 1).any(|(other, wanted)| other == text && wanted != value)
    })
}

impl Order {
    /// The same with its sides exchanged.
    const fn turned(self) -> Self {
        match self {
            Self::Equal | Self::Unequal => self,
            Self::Less => Self::More,
            Self::AtMost => Self::AtLeast,
            Self::More => Self::Less,
            Self::AtLeast => Self::AtMost,
        }
    }
}

impl NumberName {
    /// The least and the most that it can be.
    const fn range(self) -> (i64, i64) {
        match self {
            Self::Complexity => (0, 100),
            Self::Hour => (0, 23),
            _ => (0, i64::MAX),
        }
    }
}
