//! Where providers that speak this dialect differ from the vendor who made it: a closed list, and
//! which provider has which. One more provider is one more row, and a case in the tests.
//!
//! Sources: each provider's own API reference, and the recorded complaints of those who tried.

use super::Chat;
use crate::loss::Feature;

macro_rules! quirks {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// A way in which a provider is not like OpenAI.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Quirk { $($(#[$doc])* $name,)* }

        impl Quirk {
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

quirks! {
    // How things are called.
    /// The bound of the output is called `max_tokens`.
    MaxTokens = "max_tokens",
    /// The seed is called `random_seed`.
    RandomSeed = "random_seed",
    /// `logprobs` is the number of alternatives.
    LogprobsCount = "logprobs_count",
    /// A schema is the `value` of a `json_object` format.
    SchemaValue = "schema_value",
    /// Ids of tool calls are nine letters and digits.
    ShortCallIds = "short_call_ids",
    /// `tool_choice` is a word: one tool is forced by offering no other.
    ChoiceWord = "choice_word",
    /// Of several choices its usage counts one: no more are asked for, not even where the caller
    /// speaks the same, because they would cost nothing.
    OneCounted = "one_counted",
    /// Content is a string wherever it is only text.
    StringContent = "string_content",
    /// After the instructions, user and assistant must take turns.
    TakeTurns = "take_turns",
    /// Usage comes at a stream's end unasked, and `stream_options` is refused.
    UsageUnasked = "usage_unasked",

    // How reasoning is asked for.
    /// No `reasoning_effort`.
    NoEffort = "no_effort",
    /// `reasoning_effort` knows `low`, `medium` and `high`.
    EffortThreeSteps = "effort_three_steps",
    /// `reasoning_effort` knows `low`, `medium`, `high` and `none`.
    EffortOrNone = "effort_or_none",
    /// `reasoning_effort` knows `high` and `none`.
    EffortOnOff = "effort_on_off",
    /// `reasoning: {effort, max_tokens, exclude}`.
    ReasoningObject = "reasoning_object",
    /// `thinking: {type: enabled | disabled}`.
    ThinkingSwitch = "thinking_switch",
    /// `chat_template_kwargs: {enable_thinking}`, beside the effort.
    TemplateThinking = "template_thinking",
    /// `include_reasoning` says whether it is shown.
    IncludeReasoning = "include_reasoning",

    // How reasoning of earlier turns is handed back.
    /// As `reasoning_content`.
    ReasoningContent = "reasoning_content",
    /// As `reasoning`.
    ReasoningText = "reasoning_text",
    /// As `reasoning_details`, untouched.
    ReasoningDetails = "reasoning_details",
    /// As a `thinking` part of the content.
    ThinkingParts = "thinking_parts",
    /// A tool call's signature as `extra_content.google.thought_signature`.
    GoogleSignatures = "google_signatures",

    // What it takes beyond OpenAI.
    /// `top_k`.
    TopK = "top_k",
    /// `video_url` parts.
    Video = "video",
    /// A URL for a file's data.
    FileUrl = "file_url",
    /// `document_url` parts instead of `file` ones.
    DocumentUrl = "document_url",
    /// `cache_control` on parts and tools.
    CacheMarks = "cache_marks",

    // What it does not take.
    /// Output by a schema: JSON is asked for and the schema told in words.
    NoSchema = "no_schema",
    /// `n` beyond one.
    NoCandidates = "no_candidates",
    NoSeed = "no_seed",
    NoLogitBias = "no_logit_bias",
    NoLogprobs = "no_logprobs",
    NoStop = "no_stop",
    /// `tool_choice` other than auto.
    NoForcedTool = "no_forced_tool",
    NoAllowedTools = "no_allowed_tools",
    NoCustomTools = "no_custom_tools",
    NoStrictTools = "no_strict_tools",
    NoParallelSwitch = "no_parallel_switch",
    NoImageUrl = "no_image_url",
    NoAudio = "no_audio",
    NoFiles = "no_files",
    NoRefusals = "no_refusals",
    NoSpeakerNames = "no_speaker_names",
    NoEndUser = "no_end_user",
    NoMetadata = "no_metadata",
    NoServiceTier = "no_service_tier",
    NoCacheKey = "no_cache_key",
}

impl Quirk {
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|quirk| quirk.as_str() == text)
    }
}

/// Some of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quirks(u64);

impl Quirks {
    /// OpenAI itself.
    pub const NONE: Self = Self(0);

    #[must_use]
    pub const fn with(self, quirk: Quirk) -> Self {
        Self(self.0 | 1 << quirk as u64)
    }

    /// These as well.
    #[must_use]
    pub const fn and(mut self, mut quirks: &[Quirk]) -> Self {
        while let [first, rest @ ..] = quirks {
            self = self.with(*first);
            quirks = rest;
        }
        self
    }

    #[must_use]
    pub const fn has(self, quirk: Quirk) -> bool {
        self.0 >> quirk as u64 & 1 == 1
    }

    /// Whether OpenAI takes this and the provider does not.
    #[must_use]
    pub const fn lack(self, feature: Feature) -> bool {
        let quirk = match feature {
            Feature::Candidates => Quirk::NoCandidates,
            Feature::Seed => Quirk::NoSeed,
            Feature::LogitBias => Quirk::NoLogitBias,
            Feature::Logprobs => Quirk::NoLogprobs,
            Feature::StopSequences => Quirk::NoStop,
            Feature::ForcedTool => Quirk::NoForcedTool,
            Feature::ToolSubset => Quirk::NoAllowedTools,
            Feature::CustomTool => Quirk::NoCustomTools,
            Feature::StrictTool => Quirk::NoStrictTools,
            Feature::ParallelToolCalls => Quirk::NoParallelSwitch,
            Feature::SchemaFormat => Quirk::NoSchema,
            Feature::ImageUrl => Quirk::NoImageUrl,
            Feature::Audio => Quirk::NoAudio,
            Feature::File => Quirk::NoFiles,
            Feature::Refusal => Quirk::NoRefusals,
            Feature::SpeakerName => Quirk::NoSpeakerNames,
            Feature::EndUser => Quirk::NoEndUser,
            Feature::Metadata => Quirk::NoMetadata,
            Feature::ServiceTier => Quirk::NoServiceTier,
            Feature::CacheKey => Quirk::NoCacheKey,
            _ => return false,
        };
        self.has(quirk)
    }
}

/// What nobody but OpenAI and its kin takes.
const BASE: Quirks = Quirks::NONE.and(&[
    Quirk::MaxTokens,
    Quirk::NoAllowedTools,
    Quirk::NoCustomTools,
    Quirk::NoFiles,
    Quirk::NoRefusals,
    Quirk::NoMetadata,
    Quirk::NoServiceTier,
    Quirk::NoCacheKey,
]);

/// Other people's clouds.
const PLAIN: Quirks = BASE.with(Quirk::NoAudio);

/// Servers that answer with an open model: what they do not know they leave aside.
const SERVER: Quirks = BASE.and(&[Quirk::TopK, Quirk::EffortThreeSteps, Quirk::TemplateThinking]);

/// Providers by name, each with the dialect as it speaks it.
pub static PROVIDERS: &[(&str, Chat)] = &[
    ("openai", Chat::OPENAI),
    ("azure", Chat::OPENAI),
    ("azure_deployments", Chat::OPENAI),
    // Refuses every field it does not know.
    (
        "mistral",
        like(
            PLAIN,
            &[
                Quirk::RandomSeed,
                Quirk::ShortCallIds,
                Quirk::UsageUnasked,
                Quirk::EffortOnOff,
                Quirk::ThinkingParts,
                Quirk::DocumentUrl,
                Quirk::NoLogitBias,
                Quirk::NoLogprobs,
                Quirk::NoSpeakerNames,
                Quirk::NoEndUser,
            ],
        ),
    ),
    (
        "groq",
        like(
            PLAIN,
            &[
                Quirk::EffortThreeSteps,
                Quirk::IncludeReasoning,
                Quirk::ReasoningText,
                Quirk::NoCandidates,
                Quirk::NoLogitBias,
                Quirk::NoLogprobs,
                Quirk::NoSpeakerNames,
            ],
        ),
    ),
    // Wants the reasoning of a turn back while its tools are called.
    (
        "deepseek",
        like(
            PLAIN,
            &[
                Quirk::StringContent,
                Quirk::NoEffort,
                Quirk::ThinkingSwitch,
                Quirk::ReasoningContent,
                Quirk::NoSchema,
                Quirk::NoCandidates,
                Quirk::NoSeed,
                Quirk::NoLogitBias,
                Quirk::NoParallelSwitch,
                Quirk::NoEndUser,
            ],
        ),
    ),
    ("xai", like(PLAIN, &[Quirk::EffortThreeSteps, Quirk::ReasoningContent, Quirk::NoLogitBias])),
    (
        "together",
        like(
            PLAIN,
            &[
                Quirk::TopK,
                Quirk::LogprobsCount,
                Quirk::EffortThreeSteps,
                Quirk::ReasoningText,
                Quirk::NoParallelSwitch,
                Quirk::NoEndUser,
            ],
        ),
    ),
    ("fireworks", like(PLAIN, &[Quirk::TopK, Quirk::EffortOrNone, Quirk::ReasoningContent])),
    (
        "openrouter",
        like(
            Quirks::NONE,
            &[
                Quirk::MaxTokens,
                Quirk::TopK,
                Quirk::ReasoningObject,
                Quirk::ReasoningDetails,
                Quirk::Video,
                Quirk::FileUrl,
                Quirk::CacheMarks,
                Quirk::NoAllowedTools,
                Quirk::NoCustomTools,
                Quirk::NoRefusals,
            ],
        ),
    ),
    (
        "perplexity",
        like(
            PLAIN,
            &[
                Quirk::TopK,
                Quirk::TakeTurns,
                Quirk::UsageUnasked,
                Quirk::EffortThreeSteps,
                Quirk::NoCandidates,
                Quirk::NoSeed,
                Quirk::NoLogitBias,
                Quirk::NoLogprobs,
                Quirk::NoStop,
                Quirk::NoForcedTool,
                Quirk::NoParallelSwitch,
                Quirk::NoSpeakerNames,
                Quirk::NoEndUser,
            ],
        ),
    ),
    // Gemini under an address that speaks this dialect.
    (
        "gemini_compatible",
        like(
            PLAIN,
            &[Quirk::GoogleSignatures, Quirk::NoSeed, Quirk::NoLogitBias, Quirk::NoEndUser],
        ),
    ),
    ("vllm", like(SERVER, &[Quirk::IncludeReasoning, Quirk::ReasoningText, Quirk::Video])),
    ("sglang", like(SERVER, &[Quirk::ReasoningContent, Quirk::Video])),
    // Takes a choice that is an object for `auto`, with a line in its log.
    (
        "llama_cpp",
        like(
            SERVER,
            &[Quirk::ReasoningContent, Quirk::ChoiceWord, Quirk::OneCounted, Quirk::NoCandidates],
        ),
    ),
    (
        "ollama",
        like(
            PLAIN,
            &[
                Quirk::EffortOrNone,
                Quirk::ReasoningText,
                Quirk::NoCandidates,
                Quirk::NoLogitBias,
                Quirk::NoForcedTool,
                Quirk::NoStrictTools,
                Quirk::NoParallelSwitch,
                Quirk::NoImageUrl,
                Quirk::NoSpeakerNames,
                Quirk::NoEndUser,
            ],
        ),
    ),
    // Refuses every field it does not know.
    (
        "nvidia_nim",
        like(
            PLAIN,
            &[
                Quirk::EffortThreeSteps,
                Quirk::ReasoningContent,
                Quirk::StringContent,
                Quirk::NoCandidates,
                Quirk::NoLogitBias,
                Quirk::NoParallelSwitch,
                Quirk::NoSpeakerNames,
                Quirk::NoEndUser,
            ],
        ),
    ),
    (
        "hf_tgi",
        like(
            PLAIN,
            &[
                Quirk::SchemaValue,
                Quirk::NoEffort,
                Quirk::NoCandidates,
                Quirk::NoLogitBias,
                Quirk::NoStrictTools,
                Quirk::NoParallelSwitch,
                Quirk::NoEndUser,
            ],
        ),
    ),
    (
        "cerebras",
        like(
            PLAIN,
            &[
                Quirk::EffortThreeSteps,
                Quirk::ReasoningText,
                Quirk::NoCandidates,
                Quirk::NoLogitBias,
                Quirk::NoSpeakerNames,
            ],
        ),
    ),
    // A router to many; what the least of them takes.
    (
        "huggingface",
        like(
            PLAIN,
            &[
                Quirk::EffortThreeSteps,
                Quirk::ReasoningText,
                Quirk::NoLogitBias,
                Quirk::NoParallelSwitch,
                Quirk::NoEndUser,
            ],
        ),
    ),
    // Whoever else says to be compatible: what nearly all of them take.
    (
        "compatible",
        like(
            PLAIN,
            &[
                Quirk::EffortThreeSteps,
                Quirk::ReasoningContent,
                Quirk::NoLogitBias,
                Quirk::NoParallelSwitch,
            ],
        ),
    ),
];

/// The dialect as a provider of [`PROVIDERS`] speaks it.
#[must_use]
pub fn spoken_by(provider: &str) -> Option<&'static Chat> {
    PROVIDERS.iter().find(|(name, _)| *name == provider).map(|(_, chat)| chat)
}

const fn like(base: Quirks, quirks: &[Quirk]) -> Chat {
    Chat { quirks: base.and(quirks) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_quirk_has_a_bit_a_word_and_a_provider() {
        assert!(Quirk::ALL.len() <= 64);
        for quirk in Quirk::ALL {
            assert_eq!(Quirk::parse(quirk.as_str()), Some(*quirk));
            let held = PROVIDERS.iter().any(|(_, chat)| chat.quirks.has(*quirk));
            assert!(held, "nobody has {quirk:?}");
            let only = Quirks::NONE.with(*quirk);
            assert_eq!(Quirk::ALL.iter().filter(|other| only.has(**other)).count(), 1);
        }
    }
}
