//! Conditions over a request, in the spelling of CEL: `org == "acme" && tools > 0`. They are
//! checked when they are saved, so that none can fail while a call waits: every name is known,
//! both sides of a comparison have one type, and nothing loops.

mod lex;
mod names;
mod parse;
mod sure;

pub use names::{FlagName, MapName, NumberName, TextName};

/// Bytes of one condition at most.
pub const EXPR_BYTES_MAX: usize = 4_096;
/// Brackets and negations within one another at most.
pub const EXPR_DEPTH_MAX: usize = 32;

/// Headers that tell who is calling: no route looks at them.
const SECRET_HEADERS: [&str; 6] =
    ["authorization", "proxy-authorization", "cookie", "x-api-key", "api-key", "x-goog-api-key"];

/// What is wrong with the name of a header that a route looks at.
#[must_use]
pub fn header_fault(name: &str) -> Option<&'static str> {
    let is_token = |b: u8| b.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(&b);
    if name.bytes().any(|b| b.is_ascii_uppercase()) {
        return Some("a header's name is written in lower case");
    }
    if name.is_empty() || name.len() > 100 || !name.bytes().all(is_token) {
        return Some("no header has this name");
    }
    SECRET_HEADERS.contains(&name).then_some("routes do not look at credentials")
}

/// What conditions may ask of a request.
pub trait Facts {
    /// Empty where there is none.
    fn text(&self, name: TextName) -> &str;
    /// The value under `key`; empty where there is none.
    fn entry(&self, map: MapName, key: &str) -> &str;
    fn number(&self, name: NumberName) -> i64;
    fn flag(&self, name: FlagName) -> bool;
}

/// Where a condition is wrong and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {detail}")]
pub struct ExprError {
    /// Both from 1; columns count characters.
    pub line: usize,
    pub column: usize,
    pub detail: String,
}

/// A checked condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expr(Test);

impl Expr {
    /// Reads and checks a condition.
    ///
    /// # Errors
    /// The first place that is wrong.
    pub fn parse(text: &str) -> Result<Self, ExprError> {
        parse::parse(text).map(Self)
    }

    /// The headers that it asks for.
    #[must_use]
    pub fn headers(&self) -> Vec<&str> {
        let mut found = Vec::new();
        self.0.headers(&mut found);
        found
    }

    /// `Some` where it is plainly the same for every request.
    #[must_use]
    pub fn sure(&self) -> Option<bool> {
        self.0.sure()
    }

    /// Whether the request meets it.
    #[must_use]
    pub fn holds(&self, facts: &impl Facts) -> bool {
        self.0.holds(facts)
    }
}

/// Something true or false.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Constant(bool),
    Flag(FlagName),
    Not(Box<Test>),
    All(Vec<Test>),
    Any(Vec<Test>),
    Same(Box<Test>, Box<Test>),
    Numbers(Number, Order, Number),
    Texts(Text, Relation, Text),
    NumberIn(Number, Vec<i64>),
    TextIn(Text, Vec<Box<str>>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Number {
    Constant(i64),
    Name(NumberName),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Text {
    Constant(Box<str>),
    Name(TextName),
    Entry(MapName, Box<str>),
}

/// How numbers compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// How texts compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Equal,
    Unequal,
    StartsWith,
    EndsWith,
    Contains,
}

impl Test {
    fn holds(&self, facts: &impl Facts) -> bool {
        match self {
            Self::Constant(value) => *value,
            Self::Flag(name) => facts.flag(*name),
            Self::Not(test) => !test.holds(facts),
            Self::All(tests) => tests.iter().all(|test| test.holds(facts)),
            Self::Any(tests) => tests.iter().any(|test| test.holds(facts)),
            Self::Same(left, right) => left.holds(facts) == right.holds(facts),
            Self::Numbers(left, order, right) => order.holds(left.value(facts), right.value(facts)),
            Self::Texts(left, relation, right) => {
                relation.holds(left.value(facts), right.value(facts))
            }
            Self::NumberIn(number, list) => list.contains(&number.value(facts)),
            Self::TextIn(text, list) => {
                let text = text.value(facts);
                list.iter().any(|one| **one == *text)
            }
        }
    }
}

impl Test {
    fn headers<'a>(&'a self, found: &mut Vec<&'a str>) {
        let mut note = |text: &'a Text| {
            if let Text::Entry(MapName::Header, name) = text {
                found.push(name);
            }
        };
        match self {
            Self::Texts(left, _, right) => {
                note(left);
                note(right);
            }
            Self::TextIn(text, _) => note(text),
            Self::Not(test) => test.headers(found),
            Self::All(tests) | Self::Any(tests) => {
                tests.iter().for_each(|test| test.headers(found));
            }
            Self::Same(left, right) => {
                left.headers(found);
                right.headers(found);
            }
            Self::Constant(_) | Self::Flag(_) | Self::Numbers(..) | Self::NumberIn(..) => {}
        }
    }
}

impl Number {
    fn value(&self, facts: &impl Facts) -> i64 {
        match self {
            Self::Constant(value) => *value,
            Self::Name(name) => facts.number(*name),
        }
    }
}

impl Text {
    fn value<'a>(&'a self, facts: &'a impl Facts) -> &'a str {
        match self {
            Self::Constant(value) => value,
            Self::Name(name) => facts.text(*name),
            Self::Entry(map, key) => facts.entry(*map, key),
        }
    }
}

impl Order {
    const fn holds(self, left: i64, right: i64) -> bool {
        match self {
            Self::Equal => left == right,
            Self::Unequal => left != right,
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::More => left > right,
            Self::AtLeast => left >= right,
        }
    }
}

impl Relation {
    fn holds(self, left: &str, right: &str) -> bool {
        match self {
            Self::Equal => left == right,
            Self::Unequal => left != right,
            Self::StartsWith => left.starts_with(right),
            Self::EndsWith => left.ends_with(right),
            Self::Contains => left.contains(right),
        }
    }
}

#[cfg(test)]
mod tests;
