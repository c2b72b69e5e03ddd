//! Annotations of a text: citations, whose places are counted in characters here and in bytes in
//! the neutral form.

use super::WIRE;
use crate::neutral::{Citation, Native};
use serde_json::{Value, json};

/// Reads an annotation of a text.
pub(super) fn read(value: Value, text: &str) -> Citation {
    let string = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let place = |name: &str| {
        let at = usize::try_from(value.get(name)?.as_u64()?).ok()?;
        text.char_indices().map(|(at, _)| at).chain([text.len()]).nth(at)
    };
    Citation {
        url: string("url"),
        title: string("title").or_else(|| string("filename")),
        quote: string("quote"),
        span: place("start_index").zip(place("end_index")).filter(|(start, end)| start <= end),
        native: Native { wire: WIRE, value },
    }
}

/// The annotation that a citation is here. What it cites is told beside the fields that the vendor
/// has, because those have no place for it.
pub(super) fn write(citation: &Citation, text: &str) -> Value {
    if citation.native.wire == WIRE {
        return citation.native.value.clone();
    }
    let chars = |at: usize| text.get(..at).map_or(0, |before| before.chars().count());
    let (start, end) = citation.span.unwrap_or((0, text.len()));
    let title = citation.title.as_deref().unwrap_or_default();
    let mut annotation = match &citation.url {
        Some(url) => json!({
            "type": "url_citation", "url": url, "title": title,
            "start_index": chars(start), "end_index": chars(end),
        }),
        None => json!({
            "type": "file_citation", "file_id": title, "filename": title, "index": chars(end),
        }),
    };
    if let (Some(quote), Some(map)) = (&citation.quote, annotation.as_object_mut()) {
        map.insert("quote".to_owned(), quote.as_str().into());
    }
    annotation
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Wire;

    #[test]
    fn places_are_counted_in_characters() {
        let text = "It is 21 °C in Paris.";
        let value = json!({
            "type": "url_citation", "url": "https://example.com", "title": "W",
            "start_index": 15, "end_index": 20,
        });
        let citation = read(value.clone(), text);
        let (start, end) = citation.span.unwrap();
        assert_eq!(&text[start..end], "Paris");
        assert_eq!(write(&citation, text), value);
        let foreign =
            Citation { native: Native { wire: Wire::Messages, value: json!({}) }, ..citation };
        assert_eq!(write(&foreign, text), value);
    }

    #[test]
    fn places_outside_the_text_are_none() {
        for (start, end) in [(0, 99), (3, 1), (99, 100)] {
            let value = json!({"start_index": start, "end_index": end});
            assert_eq!(read(value, "abc").span, None);
        }
    }
}
