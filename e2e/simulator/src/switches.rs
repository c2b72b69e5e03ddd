//! How one call is answered, and which fault it meets. Found in three layers, later ones win: the
//! defaults set over `/_sim/control`, `[[sim key=value …]]` anywhere in the prompt, and headers
//! `x-sim-key: value`. An unknown switch is refused, never ignored.

use http::HeaderMap;
use std::time::Duration;

/// Where an answer that hangs stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hang {
    /// Nothing is answered, not even the head.
    Headers,
    /// A stream's head and its first, empty chunk are sent; no content follows.
    FirstToken,
    /// All content is sent; the end never comes.
    End,
}

/// The switches. Zero and `false` mean "off".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switches {
    /// Wait before the head of the answer.
    pub latency_ms: u64,
    /// Answer this status, with a provider-shaped error.
    pub status: u16,
    /// `code` of that error.
    pub error_code: Option<String>,
    /// Seconds in `Retry-After` of that answer.
    pub retry_after: Option<u64>,
    /// The faults hit every Nth call only; 0 and 1: each.
    pub fail_every: u64,
    /// The faults hit only the first N calls with the same request id; 0: each.
    pub fail_first: u64,
    /// Drop the connection after so many content chunks (or half-way through a plain answer).
    pub cut_after: Option<u64>,
    /// End the stream after so many content chunks with an error event, as some providers do.
    pub error_after: Option<u64>,
    /// Close the connection with a TCP reset before any answer.
    pub reset: bool,
    pub hang: Option<Hang>,
    /// Put a line of garbage into the stream after the first content chunk.
    pub malformed: bool,
    /// Answer 200 with a page of HTML.
    pub not_json: bool,
    /// Leave usage out, even where it was asked for.
    pub no_usage: bool,
    /// Where a stream tells usage, tell in each chunk what was used so far (OpenAI chat).
    pub usage_each: bool,
    /// End the stream without its end mark: `[DONE]`, or what stands for it.
    pub no_done: bool,
    /// Content chunks of a stream; absent: one for each token.
    pub chunks: Option<u64>,
    /// Wait before each content chunk but the first.
    pub chunk_delay_ms: u64,
    /// Tokens of the reply; absent: 24, or as many as `chunks`.
    pub tokens: Option<u64>,
    /// Input tokens reported as read from the prompt cache.
    pub cached_tokens: u64,
    /// Input tokens reported as written to the prompt cache, in the dialects that tell.
    pub cache_write_tokens: u64,
    /// Output tokens reported as reasoning, beside the visible ones.
    pub reasoning_tokens: u64,
    /// Tell the reasoning where a dialect only counts it.
    pub show_reasoning: bool,
    /// Call so many of the tools that the request declares.
    pub calls: u64,
    /// Send the answer in pieces of so many bytes, `drip_ms` apart.
    pub drip: usize,
    pub drip_ms: u64,
    /// A page of HTML instead of a replica's metrics.
    pub blind: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            latency_ms: 0,
            status: 0,
            error_code: None,
            retry_after: None,
            fail_every: 0,
            fail_first: 0,
            cut_after: None,
            error_after: None,
            reset: false,
            hang: None,
            malformed: false,
            not_json: false,
            no_usage: false,
            usage_each: false,
            no_done: false,
            chunks: None,
            chunk_delay_ms: 0,
            tokens: None,
            cached_tokens: 0,
            cache_write_tokens: 0,
            reasoning_tokens: 0,
            show_reasoning: false,
            calls: 0,
            drip: 0,
            drip_ms: 1,
            blind: false,
        }
    }
}

/// The longest wait a switch may ask for.
const WAIT_MAX_MS: u64 = 600_000;
/// The most calls of tools in one answer.
const CALLS_MAX: u64 = 64;
/// The largest reply, in tokens or chunks.
pub const TOKENS_MAX: u64 = 200_000;

impl Switches {
    /// Sets one switch.
    ///
    /// # Errors
    /// A sentence that names the unknown switch, or the value that does not fit.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let number = |max: u64| match value.parse::<u64>() {
            Ok(n) if n <= max => Ok(n),
            _ => Err(format!("{key}={value}: expected a whole number up to {max}")),
        };
        let on = || match value {
            "1" | "true" => Ok(true),
            "0" | "false" => Ok(false),
            _ => Err(format!("{key}={value}: expected 1 or 0")),
        };
        match key {
            "latency_ms" => self.latency_ms = number(WAIT_MAX_MS)?,
            "status" => self.status = status(value)?,
            "error_code" => self.error_code = Some(value.to_owned()),
            "retry_after" => self.retry_after = Some(number(86_400)?),
            "fail_every" => self.fail_every = number(u64::MAX)?,
            "fail_first" => self.fail_first = number(u64::MAX)?,
            "cut_after" => self.cut_after = Some(number(TOKENS_MAX)?),
            "error_after" => self.error_after = Some(number(TOKENS_MAX)?),
            "reset" => self.reset = on()?,
            "hang" => self.hang = hang(value)?,
            "malformed" => self.malformed = on()?,
            "not_json" => self.not_json = on()?,
            "no_usage" => self.no_usage = on()?,
            "usage_each" => self.usage_each = on()?,
            "no_done" => self.no_done = on()?,
            "chunks" => self.chunks = Some(number(TOKENS_MAX)?),
            "chunk_delay_ms" => self.chunk_delay_ms = number(WAIT_MAX_MS)?,
            "tokens" => self.tokens = Some(number(TOKENS_MAX)?),
            "cached_tokens" => self.cached_tokens = number(TOKENS_MAX)?,
            "cache_write_tokens" => self.cache_write_tokens = number(TOKENS_MAX)?,
            "show_reasoning" => self.show_reasoning = on()?,
            "calls" => self.calls = number(CALLS_MAX)?,
            "reasoning_tokens" => self.reasoning_tokens = number(TOKENS_MAX)?,
            "drip" => self.drip = usize::try_from(number(65_536)?).unwrap_or(0),
            "drip_ms" => self.drip_ms = number(WAIT_MAX_MS)?,
            "blind" => self.blind = on()?,
            _ => return Err(format!("there is no switch `{key}`")),
        }
        Ok(())
    }

    /// Applies `key=value` pairs separated by white space or `&`.
    ///
    /// # Errors
    /// As [`Switches::set`], or a pair without `=`.
    pub fn apply_text(&mut self, text: &str) -> Result<(), String> {
        for pair in text.split(|c: char| c.is_whitespace() || c == '&').filter(|p| !p.is_empty()) {
            let (key, value) =
                pair.split_once('=').ok_or_else(|| format!("`{pair}`: expected key=value"))?;
            self.set(key, value)?;
        }
        Ok(())
    }

    /// Applies the first `[[sim …]]` of a request's body. The directive has no character that
    /// JSON escapes, so the raw bytes are searched.
    ///
    /// # Errors
    /// As [`Switches::apply_text`].
    pub fn apply_directive(&mut self, body: &[u8]) -> Result<(), String> {
        const OPEN: &[u8] = b"[[sim ";
        let Some(start) = find(body, OPEN) else { return Ok(()) };
        let rest = body.get(start + OPEN.len()..).unwrap_or_default();
        let end = find(rest, b"]]").ok_or("`[[sim` is not closed with `]]`")?;
        let text = std::str::from_utf8(rest.get(..end).unwrap_or_default())
            .map_err(|_| "the text of `[[sim …]]` is not UTF-8")?;
        self.apply_text(text)
    }

    /// Applies headers `x-sim-<switch>`, with `-` for `_`. `x-sim-key` is not a switch.
    ///
    /// # Errors
    /// As [`Switches::set`].
    pub fn apply_headers(&mut self, headers: &HeaderMap) -> Result<(), String> {
        for (name, value) in headers {
            let Some(key) = name.as_str().strip_prefix("x-sim-").filter(|key| *key != "key") else {
                continue;
            };
            let value = value.to_str().map_err(|_| format!("x-sim-{key}: not plain text"))?;
            self.set(&key.replace('-', "_"), value.trim())?;
        }
        Ok(())
    }

    /// The same answer without its faults: what a call gets that `fail_every` or `fail_first`
    /// leaves alone.
    #[must_use]
    pub fn without_faults(self) -> Self {
        Self {
            status: 0,
            cut_after: None,
            error_after: None,
            reset: false,
            hang: None,
            malformed: false,
            not_json: false,
            no_done: false,
            ..self
        }
    }

    pub(crate) fn latency(&self) -> Duration {
        Duration::from_millis(self.latency_ms)
    }
}

fn status(value: &str) -> Result<u16, String> {
    match value.parse::<u16>() {
        Ok(n) if n == 0 || (400..600).contains(&n) => Ok(n),
        _ => Err(format!("status={value}: expected 400 to 599, or 0 for none")),
    }
}

fn hang(value: &str) -> Result<Option<Hang>, String> {
    match value {
        "headers" | "1" => Ok(Some(Hang::Headers)),
        "first_token" => Ok(Some(Hang::FirstToken)),
        "end" => Ok(Some(Hang::End)),
        "0" => Ok(None),
        _ => Err(format!("hang={value}: expected headers, first_token, end or 0")),
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directive_is_found_anywhere_in_a_body() {
        let mut switches = Switches::default();
        switches
            .apply_directive(br#"{"messages":[{"content":"hi [[sim status=429 retry_after=2]]"}]}"#)
            .unwrap();
        assert_eq!((switches.status, switches.retry_after), (429, Some(2)));
    }

    #[test]
    fn headers_win_over_what_was_set_before() {
        let mut switches = Switches::default();
        switches.apply_text("chunks=3&latency_ms=5").unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("x-sim-latency-ms", "7".parse().unwrap());
        headers.insert("x-sim-key", "a key, not a switch".parse().unwrap());
        switches.apply_headers(&headers).unwrap();
        assert_eq!((switches.chunks, switches.latency_ms), (Some(3), 7));
    }

    #[test]
    fn an_unknown_switch_and_a_value_that_does_not_fit_are_named() {
        for (text, says) in [
            ("colour=red", "no switch `colour`"),
            ("status=200", "400 to 599"),
            ("chunks=many", "whole number"),
            ("malformed=maybe", "1 or 0"),
            ("hang=forever", "first_token"),
            ("chunks", "key=value"),
        ] {
            let error = Switches::default().apply_text(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
        assert!(Switches::default().apply_directive(b"[[sim status=500").is_err());
    }
}
