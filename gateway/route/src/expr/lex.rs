//! Words, numbers, texts and signs, each with where it begins.

use super::ExprError;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Word(String),
    Number(i64),
    Text(String),
    /// One of [`SIGNS`].
    Sign(&'static str),
    End,
}

/// Longer ones first.
const SIGNS: [&str; 15] =
    ["&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "(", ")", "[", "]", ",", "."];

/// Where a token begins: bytes from the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed {
    pub token: Token,
    pub at: usize,
}

/// An error at a byte of the text.
pub(super) fn wrong(text: &str, at: usize, detail: impl Into<String>) -> ExprError {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    ExprError {
        line: before.matches('\n').count() + 1,
        column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        detail: detail.into(),
    }
}

/// Splits a text into tokens; the last is [`Token::End`].
pub(super) fn lex(text: &str) -> Result<Vec<Placed>, ExprError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = text.get(at..).unwrap_or_default();
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let (token, len) = match first {
            '"' | '\'' => quoted(text, at, first)?,
            '0'..='9' | '-' => number(text, at, rest)?,
            'a'..='z' | 'A'..='Z' | '_' => {
                let len = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_');
                let len = len.count();
                (Token::Word(rest.get(..len).unwrap_or_default().to_owned()), len)
            }
            _ => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
                Some(sign) => (Token::Sign(sign), sign.len()),
                None => return Err(wrong(text, at, format!("`{first}` has no meaning here"))),
            },
        };
        tokens.push(Placed { token, at });
        at += len;
    }
    tokens.push(Placed { token: Token::End, at: text.len() });
    Ok(tokens)
}

fn number(text: &str, at: usize, rest: &str) -> Result<(Token, usize), ExprError> {
    let sign = usize::from(rest.starts_with('-'));
    let digits = rest.bytes().skip(sign).take_while(|b| b.is_ascii_digit() || *b == b'_').count();
    let len = sign + digits;
    let written: String = rest.chars().take(len).filter(|c| *c != '_').collect();
    let followed = rest.get(len..).and_then(|rest| rest.chars().next());
    if followed.is_some_and(|c| c == '.' || c.is_alphanumeric()) {
        return Err(wrong(text, at, "numbers are whole and end before a letter"));
    }
    let value = written
        .parse()
        .map_err(|_| wrong(text, at, format!("`{written}` is no whole number of 64 bits")))?;
    Ok((Token::Number(value), len))
}

/// A text between equal quotes; `\\`, `\"`, `\'`, `\n` and `\t` stand for what they say.
fn quoted(text: &str, at: usize, quote: char) -> Result<(Token, usize), ExprError> {
    let mut value = String::new();
    let mut chars = text.get(at + 1..).unwrap_or_default().char_indices();
    while let Some((place, c)) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some((_, c @ ('\\' | '"' | '\''))) => value.push(c),
                Some((_, 'n')) => value.push('\n'),
                Some((_, 't')) => value.push('\t'),
                _ => return Err(wrong(text, at + 1 + place, "after `\\` comes \\, \", ', n or t")),
            },
            c if c == quote => return Ok((Token::Text(value), place + 2)),
            c => value.push(c),
        }
    }
    Err(wrong(text, at, "this text does not end: its closing quote is missing"))
}
