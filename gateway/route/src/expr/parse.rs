//! Reads and checks a condition in one pass: each part knows its type when it is read.

use super::lex::{Placed, Token, lex, wrong};
use super::names::{self, FlagName, MapName, NumberName, TextName};
use super::{EXPR_BYTES_MAX, EXPR_DEPTH_MAX, ExprError, Number, Order, Relation, Test, Text};

/// A part whose type is known.
enum Typed {
    Test(Test),
    Number(Number),
    Text(Text),
}

impl Typed {
    const fn what(&self) -> &'static str {
        match self {
            Self::Test(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
        }
    }
}

pub(super) fn parse(text: &str) -> Result<Test, ExprError> {
    if text.len() > EXPR_BYTES_MAX {
        let detail = format!("a condition has at most {EXPR_BYTES_MAX} bytes");
        return Err(wrong(text, EXPR_BYTES_MAX.min(text.len()), detail));
    }
    let mut parser = Parser { text, tokens: lex(text)?, next: 0, depth: 0 };
    let at = parser.at();
    let whole = parser.any()?;
    let test = parser.test(whole, at)?;
    match parser.peek() {
        Token::End => Ok(test),
        other => {
            let detail = format!(
                "{} was not expected here: write && or || between conditions",
                shown(other)
            );
            Err(parser.wrong(detail))
        }
    }
}

fn shown(token: &Token) -> String {
    match token {
        Token::Word(word) => format!("`{word}`"),
        Token::Number(number) => format!("`{number}`"),
        Token::Text(text) => format!("the text {text:?}"),
        Token::Sign(sign) => format!("`{sign}`"),
        Token::End => "the end".to_owned(),
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Placed>,
    next: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        self.tokens.get(self.next).map_or(&Token::End, |placed| &placed.token)
    }

    fn at(&self) -> usize {
        self.tokens.get(self.next).map_or(self.text.len(), |placed| placed.at)
    }

    fn wrong(&self, detail: impl Into<String>) -> ExprError {
        wrong(self.text, self.at(), detail)
    }

    fn take(&mut self, sign: &str) -> bool {
        let here = matches!(self.peek(), Token::Sign(found) if *found == sign);
        self.next += usize::from(here);
        here
    }

    fn expect(&mut self, sign: &str) -> Result<(), ExprError> {
        if self.take(sign) {
            return Ok(());
        }
        let detail = format!("`{sign}` is missing before {}", shown(self.peek()));
        Err(self.wrong(detail))
    }

    fn test(&self, typed: Typed, at: usize) -> Result<Test, ExprError> {
        match typed {
            Typed::Test(test) => Ok(test),
            other => {
                let detail = format!("this is {}, where true or false is needed", other.what());
                Err(wrong(self.text, at, detail))
            }
        }
    }

    /// Conditions with `||` between them.
    fn any(&mut self) -> Result<Typed, ExprError> {
        self.chain("||", Self::all, Test::Any)
    }

    /// Conditions with `&&` between them.
    fn all(&mut self) -> Result<Typed, ExprError> {
        self.chain("&&", Self::comparison, Test::All)
    }

    fn chain(
        &mut self,
        sign: &str,
        part: fn(&mut Self) -> Result<Typed, ExprError>,
        together: fn(Vec<Test>) -> Test,
    ) -> Result<Typed, ExprError> {
        let mut at = self.at();
        let first = part(self)?;
        if !matches!(self.peek(), Token::Sign(found) if *found == sign) {
            return Ok(first);
        }
        let mut tests = vec![self.test(first, at)?];
        while self.take(sign) {
            at = self.at();
            let next = part(self)?;
            tests.push(self.test(next, at)?);
        }
        Ok(Typed::Test(together(tests)))
    }

    /// Two sides and how they compare, or one side alone.
    fn comparison(&mut self) -> Result<Typed, ExprError> {
        let left = self.unary()?;
        let at = self.at();
        if matches!(self.peek(), Token::Word(word) if word == "in") {
            self.next += 1;
            return self.membership(left, at);
        }
        let order = match self.peek() {
            Token::Sign("==") => Order::Equal,
            Token::Sign("!=") => Order::Unequal,
            Token::Sign("<") => Order::Less,
            Token::Sign("<=") => Order::AtMost,
            Token::Sign(">") => Order::More,
            Token::Sign(">=") => Order::AtLeast,
            _ => return Ok(left),
        };
        self.next += 1;
        let right = self.unary()?;
        let test = match (left, order, right) {
            (Typed::Number(left), order, Typed::Number(right)) => Test::Numbers(left, order, right),
            (Typed::Text(left), Order::Equal, Typed::Text(right)) => {
                Test::Texts(left, Relation::Equal, right)
            }
            (Typed::Text(left), Order::Unequal, Typed::Text(right)) => {
                Test::Texts(left, Relation::Unequal, right)
            }
            (Typed::Test(left), Order::Equal, Typed::Test(right)) => {
                Test::Same(Box::new(left), Box::new(right))
            }
            (Typed::Test(left), Order::Unequal, Typed::Test(right)) => {
                Test::Not(Box::new(Test::Same(Box::new(left), Box::new(right))))
            }
            (left, Order::Equal | Order::Unequal, right) => {
                let detail = format!("{} cannot equal {}", left.what(), right.what());
                return Err(wrong(self.text, at, detail));
            }
            (left, _, right) => {
                let (left, right) = (left.what(), right.what());
                let detail = format!("only numbers have an order: here are {left} and {right}");
                return Err(wrong(self.text, at, detail));
            }
        };
        Ok(Typed::Test(test))
    }

    /// What follows `in`.
    fn membership(&mut self, one: Typed, at: usize) -> Result<Typed, ExprError> {
        self.expect("[")?;
        let (mut numbers, mut texts) = (Vec::new(), Vec::new());
        loop {
            match self.peek().clone() {
                Token::Number(number) => numbers.push(number),
                Token::Text(text) => texts.push(text.into_boxed_str()),
                other => {
                    let detail = format!("a list has texts or numbers, not {}", shown(&other));
                    return Err(self.wrong(detail));
                }
            }
            self.next += 1;
            if !self.take(",") {
                break;
            }
        }
        self.expect("]")?;
        match one {
            Typed::Number(number) if texts.is_empty() => {
                Ok(Typed::Test(Test::NumberIn(number, numbers)))
            }
            Typed::Text(text) if numbers.is_empty() => Ok(Typed::Test(Test::TextIn(text, texts))),
            other => {
                let detail = format!("the list's type is not that of {}", other.what());
                Err(wrong(self.text, at, detail))
            }
        }
    }

    fn unary(&mut self) -> Result<Typed, ExprError> {
        if self.depth >= EXPR_DEPTH_MAX {
            let detail = format!("at most {EXPR_DEPTH_MAX} brackets and negations within another");
            return Err(self.wrong(detail));
        }
        self.depth += 1;
        let read = if self.take("!") {
            let at = self.at();
            let inner = self.unary()?;
            Typed::Test(Test::Not(Box::new(self.test(inner, at)?)))
        } else if self.take("(") {
            let inner = self.any()?;
            self.expect(")")?;
            inner
        } else {
            let one = self.atom()?;
            self.method(one)?
        };
        self.depth -= 1;
        Ok(read)
    }

    fn atom(&mut self) -> Result<Typed, ExprError> {
        let token = self.peek().clone();
        let typed = match &token {
            Token::Number(number) => Typed::Number(Number::Constant(*number)),
            Token::Text(text) => Typed::Text(Text::Constant(text.as_str().into())),
            Token::Word(word) => return self.name(word),
            other => {
                let detail =
                    format!("a name, a number or a text is missing before {}", shown(other));
                return Err(self.wrong(detail));
            }
        };
        self.next += 1;
        Ok(typed)
    }

    fn name(&mut self, word: &str) -> Result<Typed, ExprError> {
        let typed = if let Some(name) = TextName::parse(word) {
            Typed::Text(Text::Name(name))
        } else if let Some(name) = NumberName::parse(word) {
            Typed::Number(Number::Name(name))
        } else if let Some(name) = FlagName::parse(word) {
            Typed::Test(Test::Flag(name))
        } else if let Some(map) = MapName::parse(word) {
            self.next += 1;
            return self.entry(map);
        } else if let "true" | "false" = word {
            Typed::Test(Test::Constant(word == "true"))
        } else {
            let detail = format!("`{word}` is not known; there are {}", names::all());
            return Err(self.wrong(detail));
        };
        self.next += 1;
        Ok(typed)
    }

    /// The key of a map, in brackets.
    fn entry(&mut self, map: MapName) -> Result<Typed, ExprError> {
        self.expect("[")?;
        let Token::Text(key) = self.peek().clone() else {
            let detail = format!("the key of `{}` is a text in quotes", map.as_str());
            return Err(self.wrong(detail));
        };
        if let Some(detail) = super::header_fault(&key).filter(|_| map == MapName::Header) {
            return Err(self.wrong(detail));
        }
        self.next += 1;
        self.expect("]")?;
        Ok(Typed::Text(Text::Entry(map, key.into_boxed_str())))
    }

    /// `.startsWith("…")` and its like, where one follows.
    fn method(&mut self, one: Typed) -> Result<Typed, ExprError> {
        if !self.take(".") {
            return Ok(one);
        }
        let relation = match self.peek() {
            Token::Word(word) if word == "startsWith" => Relation::StartsWith,
            Token::Word(word) if word == "endsWith" => Relation::EndsWith,
            Token::Word(word) if word == "contains" => Relation::Contains,
            other => {
                let other = shown(other);
                let detail =
                    format!("{other} is not known; texts have startsWith, endsWith and contains");
                return Err(self.wrong(detail));
            }
        };
        let Typed::Text(left) = one else {
            let detail = format!("only texts have this, and here is {}", one.what());
            return Err(self.wrong(detail));
        };
        self.next += 1;
        self.expect("(")?;
        let at = self.at();
        let right = match self.atom()? {
            Typed::Text(right) => right,
            other => {
                let detail = format!("a text is needed here, not {}", other.what());
                return Err(wrong(self.text, at, detail));
            }
        };
        self.expect(")")?;
        Ok(Typed::Test(Test::Texts(left, relation, right)))
    }
}
