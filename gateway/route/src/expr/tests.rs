use super::*;
use proptest::prelude::*;

/// A request of the tests.
struct Request;

impl Facts for Request {
    fn text(&self, name: TextName) -> &str {
        match name {
            TextName::Org => "acme",
            TextName::Model => "large",
            _ => "",
        }
    }

    fn entry(&self, map: MapName, key: &str) -> &str {
        match (map, key) {
            (MapName::Header, "x-tier") => "gold",
            (MapName::Metadata, "team \"one\"") => "yes",
            _ => "",
        }
    }

    fn number(&self, name: NumberName) -> i64 {
        match name {
            NumberName::Tools => 2,
            NumberName::InputTokens => 3_999,
            _ => 0,
        }
    }

    fn flag(&self, name: FlagName) -> bool {
        name == FlagName::Stream
    }
}

fn holds(text: &str) -> bool {
    Expr::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).holds(&Request)
}

fn error(text: &str) -> String {
    Expr::parse(text).expect_err(text).to_string()
}

#[test]
fn conditions_say_what_they_say_in_cel() {
    for yes in [
        "true",
        "stream",
        "!structured",
        "org == \"acme\"",
        "org != 'other'",
        "tools > 0 && input_tokens < 4_000",
        "tools >= 2 && tools <= 2 && tools == 2",
        "header[\"x-tier\"] in [\"gold\", \"silver\"]",
        "tools in [1, 2, -3]",
        "metadata['team \"one\"'] == 'yes'",
        "model.startsWith(\"la\") && model.endsWith('ge') && model.contains('arg')",
        "stream == true && (structured != true)",
        "false || (true && !(tools == 3))",
        "tag['none'] == ''",
        "user == \"\"",
    ] {
        assert!(holds(yes), "{yes}");
    }
    for no in [
        "false",
        "structured",
        "!stream",
        "org == 'ACME'",
        "tools != 2",
        "org in ['other']",
        "false && true || false",
        "model.contains('org')",
    ] {
        assert!(!holds(no), "{no}");
    }
}

#[test]
fn and_binds_closer_than_or() {
    assert!(holds("true || false && false"));
    assert!(!holds("(true || false) && false"));
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (text, told) in [
        ("", "line 1, column 1: a name, a number or a text is missing before the end"),
        ("org", "line 1, column 1: this is a text, where true or false is needed"),
        ("stream &&\n  tools", "line 2, column 3: this is a number, where true or false is needed"),
        ("org == 3", "line 1, column 5: a text cannot equal a number"),
        ("org < 'b'", "line 1, column 5: only numbers have an order: here are a text and a text"),
        ("tools in ['a']", "line 1, column 7: the list's type is not that of a number"),
        ("tools in []", "line 1, column 11: a list has texts or numbers, not `]`"),
        ("(stream", "line 1, column 8: `)` is missing before the end"),
        (
            "stream stream",
            "line 1, column 8: `stream` was not expected here: write && or || between conditions",
        ),
        ("org == 'ä", "line 1, column 8: this text does not end: its closing quote is missing"),
        (
            "tools == 99999999999999999999",
            "line 1, column 10: `99999999999999999999` is no whole number of 64 bits",
        ),
        ("tools == 1.5", "line 1, column 10: numbers are whole and end before a letter"),
        ("tools == -", "line 1, column 10: `-` is no whole number of 64 bits"),
        ("header['X-Tier'] == ''", "line 1, column 8: a header's name is written in lower case"),
        ("header['cookie'] == ''", "line 1, column 8: routes do not look at credentials"),
        ("header['x y'] == ''", "line 1, column 8: no header has this name"),
        ("header == ''", "line 1, column 8: `[` is missing before `==`"),
        ("tools.contains('a')", "line 1, column 7: only texts have this, and here is a number"),
        (
            "org.matches('a')",
            "line 1, column 5: `matches` is not known; texts have startsWith, endsWith and contains",
        ),
        ("ä", "line 1, column 1: `ä` has no meaning here"),
        ("org = 'a'", "line 1, column 5: `=` has no meaning here"),
    ] {
        assert_eq!(error(text), told, "{text}");
    }
    assert!(
        error("nobody == 'a'")
            .starts_with("line 1, column 1: `nobody` is not known; there are org")
    );
}

#[test]
fn conditions_within_conditions_are_judged_in_no_time() {
    let deep = (0..EXPR_DEPTH_MAX - 1).fold("stream".to_owned(), |inner, nth| {
        let sign = if nth % 2 == 0 { "||" } else { "&&" };
        format!("(tools > {nth} {sign} {inner})")
    });
    assert_eq!(Expr::parse(&deep).unwrap().sure(), None);
}

#[test]
fn depth_and_size_are_bounded() {
    let deep = |n: usize| format!("{}stream{}", "(".repeat(n), ")".repeat(n));
    assert!(Expr::parse(&deep(EXPR_DEPTH_MAX - 1)).is_ok());
    assert!(error(&deep(EXPR_DEPTH_MAX)).contains("at most 32 brackets"));
    assert!(error(&"!".repeat(3_000)).contains("at most 32 brackets"));
    assert!(error(&format!("org == '{}'", "a".repeat(EXPR_BYTES_MAX))).contains("4096 bytes"));
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_fail_otherwise_than_by_its_error(text in "\\PC{0,200}") {
        if let Err(error) = Expr::parse(&text) {
            prop_assert!(error.line >= 1 && error.column >= 1 && !error.detail.is_empty());
        }
    }

    #[test]
    fn tokens_in_any_order_are_read_or_refused(
        words in prop::collection::vec(prop::sample::select(vec![
            "org", "tools", "stream", "header", "[", "]", "'a'", "3", "-1", "&&", "||", "!", "(", ")",
            "==", "<", "in", ".", "contains", ",", "true",
        ]), 0..40),
    ) {
        if let Ok(expr) = Expr::parse(&words.join(" ")) {
            let _either: bool = expr.holds(&Request);
        }
    }
}

#[test]
fn what_holds_never_or_always_is_found_where_it_is_plain() {
    let sure = |text: &str| Expr::parse(text).unwrap().sure();
    for never in [
        "false",
        "!true",
        "tools > 5 && tools < 3",
        "3 > tools && 5 < tools",
        "tools < 0",
        "hour > 23",
        "complexity == 101",
        "org == 'a' && stream && 'b' == org",
        "metadata['a'] == 'x' && metadata['a'] == 'y'",
        "stream && 1 > 2",
        "false || tools == -1",
    ] {
        assert_eq!(sure(never), Some(false), "{never}");
    }
    for always in ["true", "1 < 2", "stream || !false", "'ab'.startsWith('a') && true"] {
        assert_eq!(sure(always), Some(true), "{always}");
    }
    for depends in [
        "stream",
        "tools > 3 && tools < 5",
        "tools > 3 && messages < 3",
        "org == 'a' && team == 'b'",
        "metadata['a'] == 'x' && metadata['b'] == 'y'",
        "org == 'a' || org == 'b'",
        "tools != 3 && tools >= 3",
        "hour in [3]",
    ] {
        assert_eq!(sure(depends), None, "{depends}");
    }
}
