//! What a model of this dialect takes, as far as its name tells: the vendor changed what requests
//! may hold from one generation to the next, and refuses what a generation does not take.
//!
//! Names are the vendor's, whoever hosts the model (`claude-sonnet-4-5@20250929`,
//! `us.anthropic.claude-3-7-sonnet-20250219-v1:0`). One of the vendor's without a version is taken
//! for the newest; one of another vendor that speaks this dialect for what imitations speak.

use super::Host;

/// The version of a model whose name tells none.
const NEWEST: (u8, u8) = (u8::MAX, 0);

/// What a model takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Traits {
    pub thinking: Thinking,
    /// `output_config.effort`.
    pub effort: bool,
    /// `output_config.format` and strict tools.
    pub structured: bool,
    /// Temperature, `top_p` and `top_k`.
    pub sampling: Sampling,
    /// Instructions within the conversation.
    pub late_instructions: bool,
}

/// How a model is told to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Thinking {
    /// It cannot.
    Never,
    /// By a number of tokens.
    Budget,
    /// By a number of tokens or by effort.
    Either,
    /// By effort; without a word it does not think.
    Adaptive,
    /// By effort; told so, it does not think.
    AdaptiveByDefault,
    /// By effort, and it thinks whatever it is told.
    Always,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sampling {
    Free,
    /// Temperature or `top_p`, not both.
    OneOf,
    /// None of it.
    Fixed,
}

impl Traits {
    /// Of a model by the provider's name for it.
    pub(crate) fn of(model: &str, host: Host) -> Self {
        let model = model.to_ascii_lowercase();
        match model.rsplit_once("claude") {
            Some((_, name)) => Self::since(version(name).unwrap_or(NEWEST), name),
            None if host == Host::Direct => Self::IMITATION,
            // An inference profile, whose name is its owner's.
            None => Self::since(NEWEST, ""),
        }
    }

    const IMITATION: Self = Self {
        thinking: Thinking::Budget,
        effort: false,
        structured: false,
        sampling: Sampling::Free,
        late_instructions: false,
    };

    fn since(version: (u8, u8), name: &str) -> Self {
        let always = name.contains("mythos") || name.contains("fable");
        Self {
            thinking: match version {
                _ if always => Thinking::Always,
                (0..3, _) | (3, 0..7) => Thinking::Never,
                (3, _) | (4, 0..6) => Thinking::Budget,
                (4, 6) => Thinking::Either,
                (4, _) => Thinking::Adaptive,
                _ => Thinking::AdaptiveByDefault,
            },
            effort: version >= (4, 6) || (version == (4, 5) && name.contains("opus")),
            structured: version >= (4, 5),
            sampling: match version {
                (0..4, _) | (4, 0) => Sampling::Free,
                (4, 1..7) => Sampling::OneOf,
                _ => Sampling::Fixed,
            },
            late_instructions: version >= (4, 8),
        }
    }
}

/// The first number of a name and, where one of at most two digits follows, that: dates are longer.
fn version(name: &str) -> Option<(u8, u8)> {
    let mut words = name.split(|c: char| !c.is_ascii_alphanumeric()).skip_while(|word| {
        word.len() > 2 || word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_digit())
    });
    let major = words.next()?.parse().ok()?;
    let minor = words.next().filter(|word| word.len() <= 2).and_then(|word| word.parse().ok());
    Some((major, minor.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_every_form_of_name() {
        for (name, expected) in [
            ("-3-5-sonnet-20241022", Some((3, 5))),
            ("-3-opus-20240229", Some((3, 0))),
            ("-3-7-sonnet-20250219-v1:0", Some((3, 7))),
            ("-opus-4-20250514", Some((4, 0))),
            ("-opus-4-1@20250805", Some((4, 1))),
            ("-sonnet-4-5-20250929-v1:0", Some((4, 5))),
            ("-opus-4-6-v1", Some((4, 6))),
            ("-sonnet-4.6", Some((4, 6))),
            ("-sonnet-5", Some((5, 0))),
            ("-2.1", Some((2, 1))),
            ("-latest", None),
        ] {
            assert_eq!(version(name), expected, "{name}");
        }
    }

    #[test]
    fn each_generation_is_told_to_think_in_its_own_way() {
        for (model, thinking) in [
            ("claude-3-5-haiku-latest", Thinking::Never),
            ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", Thinking::Budget),
            ("claude-haiku-4-5", Thinking::Budget),
            ("claude-sonnet-4-6", Thinking::Either),
            ("claude-opus-4-7", Thinking::Adaptive),
            ("claude-sonnet-5", Thinking::AdaptiveByDefault),
            ("claude-fable-5", Thinking::Always),
            ("kimi-k2-thinking", Thinking::Budget),
        ] {
            assert_eq!(Traits::of(model, Host::Direct).thinking, thinking, "{model}");
        }
        let direct = |model| Traits::of(model, Host::Direct);
        assert!(direct("claude-opus-4-5").effort && !direct("claude-sonnet-4-5").effort);
        assert!(!direct("deepseek-chat").structured && direct("Claude-Next").structured);
        let profile = "arn:aws:bedrock:us-east-1:1:application-inference-profile/x";
        assert!(Traits::of(profile, Host::Bedrock).structured);
    }
}
