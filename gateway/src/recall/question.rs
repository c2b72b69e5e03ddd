//! What two calls may differ in and still mean the same: the words of their last question, and nothing
//! else. What must stay true: whatever is not those words stays in the rest, which is the same or the
//! calls are not compared; and questions that name other numbers are never the same.

use dialect::neutral::{Content, Request, Role};

/// A text that is longer says more than one vector tells.
const TEXT_BYTES_MAX: usize = 8 << 10;

/// A call's last question, and the call without its words.
#[derive(Debug)]
pub struct LastQuestion {
    pub text: String,
    pub rest: Request,
}

impl LastQuestion {
    /// `None`: the call does not end with one text of its user's.
    #[must_use]
    pub fn of(request: &Request) -> Option<Self> {
        let last = request.turns.last().filter(|turn| turn.role == Role::User)?;
        let mut texts =
            last.parts.iter().enumerate().filter_map(|(at, part)| match &part.content {
                Content::Text { text, .. } => Some((at, text)),
                _ => None,
            });
        let (at, text) = texts.next()?;
        let fits = !text.trim().is_empty() && text.len() <= TEXT_BYTES_MAX;
        if !fits || texts.next().is_some() {
            return None;
        }
        let text = text.clone();
        let mut rest = request.clone();
        let part = rest.turns.last_mut()?.parts.get_mut(at)?;
        let Content::Text { text: words, .. } = &mut part.content else { return None };
        *words = numbers(&text);
        Some(Self { text, rest })
    }
}

/// The numbers that a text names, in their order: what differs in them alone is alike to any model of
/// language, and asks for something else.
fn numbers(text: &str) -> String {
    let pieces = text.split(|c: char| !c.is_numeric()).filter(|piece| !piece.is_empty());
    pieces.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use dialect::neutral::{Media, Part, ToolResult, Turn};

    fn request(turns: Vec<Turn>) -> Request {
        Request { turns, ..Request::default() }
    }

    fn user(text: &str) -> Turn {
        Turn::new(Role::User, vec![Part::text(text)])
    }

    fn rest(turns: Vec<Turn>) -> Option<String> {
        let question = LastQuestion::of(&request(turns))?;
        Some(serde_json::to_string(&question.rest).unwrap())
    }

    #[test]
    fn only_the_words_of_the_last_question_may_differ() {
        let picture = |bytes: &str| {
            let media = Media {
                source: dialect::neutral::Source::Inline(bytes.into()),
                ..Media::default()
            };
            Part::new(Content::Image(media))
        };
        let with =
            |text: &str, bytes: &str| Turn::new(Role::User, vec![picture(bytes), Part::text(text)]);
        let system = |text: &str| Turn::new(Role::System, vec![Part::text(text)]);
        let said = |text: &str| Turn::new(Role::Assistant, vec![Part::text(text)]);
        let plain = rest(vec![system("s"), user("first"), said("a"), user("how far is it")]);
        assert_eq!(plain, rest(vec![system("s"), user("first"), said("a"), user("what distance")]));
        for other in [
            vec![system("t"), user("first"), said("a"), user("how far is it")],
            vec![system("s"), user("other"), said("a"), user("how far is it")],
            vec![system("s"), user("first"), said("b"), user("how far is it")],
            vec![user("how far is it")],
        ] {
            assert_ne!(plain, rest(other.clone()), "{other:?}");
        }
        assert_eq!(rest(vec![with("what is this", "AAAA")]), rest(vec![with("name it", "AAAA")]));
        assert_ne!(rest(vec![with("what is this", "AAAA")]), rest(vec![with("name it", "BBBB")]));
    }

    #[test]
    fn questions_that_name_other_numbers_are_others() {
        let of = |text: &str| rest(vec![user(text)]).unwrap();
        assert_eq!(of("sales of 2023?"), of("2023 in sales"));
        assert_ne!(of("sales of 2023?"), of("sales of 2024?"));
        assert_ne!(of("from 1 to 2"), of("from 2 to 1"));
        assert_ne!(of("1.5 tons"), of("15 tons"));
        assert_ne!(of("two"), of("2"));
    }

    #[test]
    fn what_does_not_end_with_one_short_text_of_its_users_is_compared_with_nothing() {
        let result = Part::new(Content::ToolResult(ToolResult {
            call_id: "call".into(),
            name: String::new(),
            parts: vec![Part::text("42")],
            is_error: false,
        }));
        for turns in [
            vec![],
            vec![user("  ")],
            vec![Turn::new(Role::Assistant, vec![Part::text("said")])],
            vec![Turn::new(Role::System, vec![Part::text("be kind")])],
            vec![Turn::new(Role::User, vec![Part::text("a"), Part::text("b")])],
            vec![Turn::new(Role::User, vec![result])],
            vec![user(&"x".repeat(TEXT_BYTES_MAX + 1))],
        ] {
            assert!(LastQuestion::of(&request(turns.clone())).is_none(), "{turns:?}");
        }
    }
}
