//! Where a piece of an answer comes from: `url_citation` annotations. They count characters from
//! the start of the whole content; the neutral form counts bytes of a part.

use crate::Wire;
use crate::neutral::{Citation, Native};
use serde_json::{Value, json};

/// Reads one; `text` is what its span is in.
pub(super) fn read(value: Value, text: &str) -> Citation {
    let cited = value.get("url_citation");
    let word = |name: &str| cited.and_then(|c| c.get(name)).and_then(Value::as_str);
    let place = |name: &str| {
        let chars = cited.and_then(|c| c.get(name)).and_then(Value::as_u64)?;
        let chars = usize::try_from(chars).ok()?;
        Some(text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at))
    };
    let span = place("start_index").zip(place("end_index")).filter(|(from, to)| from < to);
    Citation {
        url: word("url").map(str::to_owned),
        title: word("title").map(str::to_owned),
        quote: word("content").map(str::to_owned),
        span,
        native: Native { wire: Wire::Chat, value },
    }
}

/// Writes one of a text that begins `before` characters into the whole content.
pub(super) fn write(citation: &Citation, text: &str, before: usize) -> Value {
    let (from, to) = citation.span.unwrap_or((0, text.len()));
    let place = |at: usize| before + text.char_indices().take_while(|(byte, _)| *byte < at).count();
    let mut cited = json!({
        "start_index": place(from),
        "end_index": place(to),
        "url": citation.url.as_deref().unwrap_or_default(),
        "title": citation.title.as_deref().unwrap_or_default(),
    });
    if let (Some(quote), Some(map)) = (&citation.quote, cited.as_object_mut()) {
        map.insert("content".to_owned(), quote.as_str().into());
    }
    json!({"type": "url_citation", "url_citation": cited})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_counted_in_characters_here_and_in_bytes_there() {
        let note = json!({"type": "url_citation", "url_citation": {
            "start_index": 3, "end_index": 8, "url": "https://w.example", "title": "W",
        }});
        let citation = read(note.clone(), "21 °C in Paris");
        assert_eq!(citation.span, Some((3, 9)));
        assert_eq!(write(&citation, "21 °C in Paris", 0), note);
        assert_eq!(write(&citation, "21 °C in Paris", 10)["url_citation"]["start_index"], 13);
    }
}
