//! Gemini's words for why an answer ended, how hard to think, and which tier serves.

use crate::neutral::{Effort, Stop};

/// Every reason that Gemini knows for an end, of an answer or of a prompt.
const FINISH: [&str; 25] = [
    "FINISH_REASON_UNSPECIFIED",
    "STOP",
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "LANGUAGE",
    "OTHER",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MALFORMED_FUNCTION_CALL",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_OTHER",
    "IMAGE_RECITATION",
    "NO_IMAGE",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
    "MISSING_THOUGHT_SIGNATURE",
    "MALFORMED_RESPONSE",
    "ESCALATION",
    "PUP_LIMITED_DISABLED",
    "CONTINUATION",
    "MODEL_ARMOR",
    "JAILBREAK",
];

/// What a finish reason means. Gemini says STOP for tool calls too.
pub(super) fn stop(word: &str, calls_tools: bool) -> Stop {
    match word {
        "STOP" if calls_tools => Stop::ToolUse,
        "STOP" => Stop::End,
        "MAX_TOKENS" => Stop::MaxTokens,
        "SAFETY"
        | "RECITATION"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION"
        | "ESCALATION"
        | "MODEL_ARMOR"
        | "JAILBREAK" => Stop::Filtered,
        word => Stop::Other(word.to_owned()),
    }
}

/// The finish reason for a stop.
pub(super) fn finish(stop: &Stop) -> &str {
    match stop {
        Stop::End | Stop::Sequence(_) | Stop::ToolUse => "STOP",
        Stop::MaxTokens | Stop::ContextFull => "MAX_TOKENS",
        Stop::Filtered | Stop::Refusal => "SAFETY",
        Stop::Other(word) if FINISH.contains(&word.as_str()) => word,
        Stop::Paused | Stop::Other(_) => "OTHER",
    }
}

/// The reason for a prompt that was blocked, in a word that Gemini knows.
pub(super) fn block(reason: &str) -> &str {
    if FINISH.contains(&reason) { reason } else { "OTHER" }
}

pub(super) fn effort(level: &str) -> Option<Effort> {
    match level.to_ascii_uppercase().as_str() {
        "MINIMAL" => Some(Effort::Minimal),
        "LOW" => Some(Effort::Low),
        "MEDIUM" => Some(Effort::Medium),
        "HIGH" => Some(Effort::High),
        "XHIGH" => Some(Effort::Highest),
        _ => None,
    }
}

/// A tier in the words that the other dialects share.
pub(super) fn tier(word: String) -> String {
    match word.to_ascii_lowercase().as_str() {
        "standard" => "default".to_owned(),
        lower @ ("flex" | "priority") => lower.to_owned(),
        _ => word,
    }
}

/// Gemini's word for a tier; `None` for one that it does not know.
pub(super) fn tier_word(tier: &str) -> Option<&'static str> {
    match tier {
        "default" | "standard" => Some("standard"),
        "flex" => Some("flex"),
        "priority" => Some("priority"),
        _ => None,
    }
}
