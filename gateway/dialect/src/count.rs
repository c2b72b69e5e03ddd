//! How many tokens a text has, where nobody tells: by its script, without a vocabulary. No vendor
//! but OpenAI publishes one for all of its models, and one of theirs takes 70 MB of memory; this
//! takes none, and some milliseconds for a long text.
//!
//! The weights are near what OpenAI's `o200k` makes of such text, and rather more than less: within
//! a quarter of it for prose and code, half for what is no language. A model's family has a factor
//! over that. All of it is an approximation, and whatever it counts is marked as estimated.

/// Hundredths of a token.
type Weight = u64;

/// Text of which a long body is judged; what is beyond it is taken to be alike.
const LOOKED_AT_MAX: usize = 256 * 1024;
/// Letters and digits without a break that are no word any more, but keys, hashes, base64.
const WORD_MAX: u32 = 32;

/// A family by a part of a model's name, and its tokens for a hundred of `o200k`.
const FAMILIES: &[(&str, u64)] = &[
    ("claude", 135),
    ("gemini", 110),
    ("gemma", 110),
    ("gpt-3.5", 120),
    ("gpt-4-", 120),
    ("gpt-4o", 100),
    ("gpt-", 100),
    ("chatgpt", 100),
    ("llama-2", 135),
    ("llama", 110),
    ("mixtral", 135),
    ("mistral", 120),
    ("ministral", 120),
    ("magistral", 120),
    ("codestral", 135),
    ("qwen", 110),
    ("deepseek", 110),
    ("command", 120),
    ("grok", 110),
    ("granite", 125),
    ("phi-", 120),
    ("nova", 120),
];
/// Of models that no row names.
const UNKNOWN: u64 = 125;

/// The tokens of a model's family for a hundred of `o200k`; the first row that fits counts.
fn factor(model: &str) -> u64 {
    let model = model.to_ascii_lowercase();
    let row = FAMILIES.iter().find(|(part, _)| model.contains(part));
    row.map_or(UNKNOWN, |(_, factor)| *factor)
}

/// A model's family, for whoever counts often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family(u64);

impl Family {
    #[must_use]
    pub fn of(model: &str) -> Self {
        Self(factor(model))
    }
}

/// Counts texts of one kind of model.
#[derive(Debug, Default)]
pub struct Counter {
    sum: Weight,
    before: Before,
    /// Letters of the word so far, or digits of the number.
    length: u32,
    /// Letters and digits since anything else.
    unbroken: u32,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Before {
    #[default]
    Nothing,
    Lower,
    Upper,
    Digit,
    Space,
    Mark,
}

impl Counter {
    /// Adds a text.
    pub fn add(&mut self, text: &str) {
        text.chars().for_each(|c| self.char(c));
    }

    /// Tokens that a model makes of what was added.
    #[must_use]
    pub fn tokens(&self, model: &str) -> u64 {
        self.tokens_of(Family::of(model))
    }

    /// The same, of a model's family.
    #[must_use]
    pub fn tokens_of(&self, family: Family) -> u64 {
        self.sum.saturating_mul(family.0).div_ceil(10_000)
    }

    fn char(&mut self, c: char) {
        let (now, weight) = match c {
            'a'..='z' => (
                Before::Lower,
                self.letter(self.before == Before::Lower || self.before == Before::Upper),
            ),
            'A'..='Z' => (Before::Upper, self.letter(self.before == Before::Upper)),
            '0'..='9' => (Before::Digit, self.digit()),
            ' ' | '\t' | '\r' | '\n' => (Before::Space, self.space(c)),
            '!'..='~' => (Before::Mark, if self.before == Before::Mark { 65 } else { 90 }),
            c => (Before::Nothing, script(c)),
        };
        if !matches!(now, Before::Lower | Before::Upper | Before::Digit) {
            self.unbroken = 0;
        }
        self.before = now;
        self.sum = self.sum.saturating_add(weight);
    }

    /// A word begins a token, and every seven letters another.
    fn letter(&mut self, same: bool) -> Weight {
        self.length = if same { self.length + 1 } else { 0 };
        self.unbroken += 1;
        match self.length % 7 {
            _ if self.unbroken > WORD_MAX => 70,
            0 => 100,
            _ => 0,
        }
    }

    /// Three digits are a token.
    fn digit(&mut self) -> Weight {
        self.length = if self.before == Before::Digit { self.length + 1 } else { 0 };
        self.unbroken += 1;
        match self.length % 3 {
            _ if self.unbroken > WORD_MAX => 70,
            0 => 100,
            _ => 0,
        }
    }

    /// One space belongs to the word after it.
    fn space(&self, c: char) -> Weight {
        match c {
            _ if self.before == Before::Space => 5,
            ' ' => 0,
            _ => 50,
        }
    }
}

/// Of a character beyond ASCII.
const fn script(c: char) -> Weight {
    match c as u32 {
        // Letters of Latin script with marks.
        0x80..=0x24F => 60,
        // Greek, Cyrillic, Armenian, Hebrew, Arabic.
        0x250..=0x8FF => 50,
        // India's scripts, Thai, Lao.
        0x900..=0xEFF => 75,
        0x2000..=0x2BFF => 90,
        // Kana, Chinese characters, and what stands between them.
        0x3000..=0x30FF | 0x3400..=0x9FFF | 0xF900..=0xFAFF | 0xFF00..=0xFFEF => 80,
        // Hangul.
        0xAC00..=0xD7AF => 95,
        0xFE00..=0xFE0F => 100,
        _ => 220,
    }
}

/// Counts the texts in a JSON text: every string that is a value and no inlined file. What is no
/// JSON is counted as far as it looks like some.
#[must_use]
pub fn of_json(json: &[u8], model: &str) -> u64 {
    let seen = json.get(..LOOKED_AT_MAX).unwrap_or(json);
    let mut counter = Counter::default();
    let mut rest = seen;
    while let Some(start) = memchr::memchr(b'"', rest) {
        rest = rest.get(start + 1..).unwrap_or_default();
        let end = closing(rest);
        let (text, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
        rest = after.get(1..).unwrap_or_default();
        let name = rest.trim_ascii_start().first() == Some(&b':');
        if !name && !text.starts_with(b"data:") {
            add_escaped(&mut counter, text);
            // Texts are not one word together.
            counter.char('\n');
        }
    }
    let tokens = counter.tokens(model);
    let (all, seen) = (json.len() as u64, seen.len().max(1) as u64);
    tokens.saturating_mul(all).div_ceil(seen)
}

/// Where a string ends.
fn closing(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += found;
        if text.get(at) == Some(&b'"') {
            return at;
        }
        at += 2;
    }
    text.len()
}

/// Adds a string as it stands in JSON. Of an escaped character only the script counts.
fn add_escaped(counter: &mut Counter, mut text: &[u8]) {
    while let Some(at) = memchr::memchr(b'\\', text) {
        let (plain, escape) = text.split_at_checked(at).unwrap_or((text, &[]));
        counter.add(&String::from_utf8_lossy(plain));
        let (c, length) = match escape.get(1) {
            Some(b'u') => (unit(escape.get(2..6)), 6),
            Some(b'n' | b'r' | b't') => ('\n', 2),
            _ => ('"', 2),
        };
        if let Some(c) = Some(c).filter(|c| *c != '\0') {
            counter.char(c);
        }
        text = escape.get(length..).unwrap_or_default();
    }
    counter.add(&String::from_utf8_lossy(text));
}

/// The character of four hexadecimal digits; of a pair of surrogates the first stands for both.
fn unit(digits: Option<&[u8]>) -> char {
    let text = digits.and_then(|digits| std::str::from_utf8(digits).ok()).unwrap_or_default();
    match u32::from_str_radix(text, 16).unwrap_or(0) {
        0xD800..=0xDBFF => '\u{1F600}',
        0xDC00..=0xDFFF => '\0',
        code => char::from_u32(code).unwrap_or('\0'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Texts with the tokens that `o200k` makes of each.
    const MEASURED: &[(&str, u64)] = &[
        (
            "The quick brown fox jumps over the lazy dog. It is 21 degrees in Paris; bring a coat, said the mayor.\n",
            26,
        ),
        (
            "fn main() { let x: Vec<u64> = (0..10).map(|n| n * 2).collect(); println!(\"{x:?}\"); }\n",
            35,
        ),
        ("今天巴黎的天气是二十一度，请带上外套。人工智能正在改变世界。", 20),
        ("今日のパリの天気は二十一度です。コートを持って行ってください。", 22),
        ("오늘 파리의 날씨는 21도입니다. 코트를 챙기세요.", 19),
        ("😀🎉👩‍👩‍👧‍👦🏳️‍🌈🤷🏽‍♀️", 27),
        ("الطقس في باريس إحدى وعشرون درجة، أحضر معطفا.", 17),
        ("पेरिस में आज का मौसम इक्कीस डिग्री है, कोट ले आओ।", 21),
        ("Погода в Париже двадцать один градус, возьмите пальто. ", 18),
        ("วันนี้อากาศที่ปารีส 21 องศา", 15),
        ("ዛሬ በፓሪስ ያለው የአየር ሁኔታ 21 ዲግሪ ነው", 50),
        ("!@#$%^&*()_+{}|:<>?", 13),
    ];

    #[test]
    fn every_script_counts_as_many_tokens_as_it_has_and_hardly_ever_fewer() {
        for (text, tokens) in MEASURED {
            let mut counter = Counter::default();
            counter.add(text);
            let counted = counter.tokens("gpt-4o");
            assert!(counted * 100 >= tokens * 95, "{text}: {counted} of {tokens}");
            assert!(counted * 100 <= tokens * 160, "{text}: {counted} of {tokens}");
        }
    }

    #[test]
    fn what_is_no_language_is_no_bargain() {
        // 1.47 bytes of base64 are a token.
        let text = "q8Zr1LkPz0sVtYb3XeWmJfQhUaGnDcKi".repeat(40);
        let mut counter = Counter::default();
        counter.add(&text);
        let counted = counter.tokens("gpt-4o");
        assert!((840..=1_000).contains(&counted), "{counted} of {}", text.len());
    }

    #[test]
    fn a_family_has_its_factor_and_an_unknown_one_a_careful_one() {
        let tokens = |model| {
            let mut counter = Counter::default();
            counter.add(&"one two three four ".repeat(100));
            counter.tokens(model)
        };
        assert_eq!(tokens("gpt-4o-mini"), 400);
        assert_eq!(tokens("anthropic.claude-sonnet-4-5-v1:0"), 540);
        assert_eq!(tokens("meta-llama/Llama-3.3-70B"), 440);
        assert_eq!(tokens("somebody/something"), 500);
    }

    #[test]
    fn only_what_is_said_counts_of_a_body() {
        let said = |json: &str| of_json(json.as_bytes(), "gpt-4o");
        let plain = said(r#"{"content":"one two three"}"#);
        assert_eq!(plain, 4);
        assert_eq!(said(r#"{"a long name that is not said" : "one two three"}"#), plain);
        let file = format!(r#"["one two three","data:image/png;base64,{}"]"#, "aGk".repeat(999));
        assert_eq!(said(&file), plain);
        assert_eq!(said(r#"["\u4eca\u5929\ud83d\ude00"]"#), said(r#"["今天😀"]"#));
        assert_eq!(said("[]"), 0);
    }

    #[test]
    fn a_long_body_is_judged_by_its_beginning() {
        let text = |times: usize| format!("[\"{}\"]", "one two three four ".repeat(times));
        let (short, long) = (
            of_json(text(10_000).as_bytes(), "gpt-4o"),
            of_json(text(100_000).as_bytes(), "gpt-4o"),
        );
        assert!(long.abs_diff(short * 10) < short / 10, "{short} and {long}");
    }

    proptest! {
        #[test]
        fn nothing_breaks_the_counting(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in ".{0,80}") {
            let _ = of_json(&bytes, "m");
            let json = serde_json::to_vec(&[&text]).unwrap();
            let counted = of_json(&json, "gpt-4o");
            prop_assert!(counted <= 3 * text.chars().count() as u64 + 1);
        }
    }
}
