//! What a target cannot tell, and what becomes of it: the one table of refusals and drops. A
//! writer that meets something its dialect has no words for asks [`Losses::meet`] and does as it
//! is told; nothing is left out without it.

use crate::{Invalid, Wire};

/// Something a caller may ask for that not every target can express.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Feature {
    Temperature,
    TopK,
    Penalties,
    Seed,
    Candidates,
    LogitBias,
    Logprobs,
    StopSequences,
    ParallelToolCalls,
    ForcedTool,
    ToolSubset,
    CustomTool,
    NativeTool,
    StrictTool,
    JsonFormat,
    SchemaFormat,
    Reasoning,
    Thinking,
    HiddenThinking,
    ForeignSignature,
    ImageInline,
    ImageUrl,
    ImageDetail,
    Audio,
    Video,
    File,
    FileUrl,
    UploadedFile,
    ToolResultImage,
    ToolResultFile,
    ToolResultError,
    Citations,
    Refusal,
    CacheMark,
    CacheKey,
    ServiceTier,
    EndUser,
    Metadata,
    SpeakerName,
    LateInstructions,
    AssistantFirst,
    InstructionMedia,
    NativePart,
    /// A top-level field that belongs to the caller's dialect alone.
    Extra,
}

/// What becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The target can say it. A writer that asks anyway has found a case it cannot: dropped.
    Keep,
    /// Said in other words that mean the same or nearly so; the header tells.
    Adapt,
    /// Left out, and the header tells: the answer is still an answer to what was asked.
    Drop,
    /// The call is refused: an answer without it would be an answer to something else.
    Refuse,
}

impl Feature {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Temperature => "temperature and top_p",
            Self::TopK => "top_k",
            Self::Penalties => "penalties",
            Self::Seed => "seed",
            Self::Candidates => "several candidates",
            Self::LogitBias => "logit bias",
            Self::Logprobs => "log-probabilities",
            Self::StopSequences => "stop sequences",
            Self::ParallelToolCalls => "parallel tool calls",
            Self::ForcedTool => "a forced tool",
            Self::ToolSubset => "a choice among some tools",
            Self::CustomTool => "a custom tool",
            Self::NativeTool => "a tool run by the vendor",
            Self::StrictTool => "strict tool arguments",
            Self::JsonFormat => "JSON output",
            Self::SchemaFormat => "output by a schema",
            Self::Reasoning => "reasoning settings",
            Self::Thinking => "reasoning in the history",
            Self::HiddenThinking => "hidden reasoning in the history",
            Self::ForeignSignature => "a signature of another provider",
            Self::ImageInline => "an inline image",
            Self::ImageUrl => "an image by URL",
            Self::ImageDetail => "image detail",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::File => "a file",
            Self::FileUrl => "a file by URL",
            Self::UploadedFile => "an uploaded file",
            Self::ToolResultImage => "an image in a tool's result",
            Self::ToolResultFile => "a file in a tool's result",
            Self::ToolResultError => "a tool's error mark",
            Self::Citations => "citations in the history",
            Self::Refusal => "a refusal in the history",
            Self::CacheMark => "cache marks",
            Self::CacheKey => "a cache key",
            Self::ServiceTier => "a service tier",
            Self::EndUser => "the end user",
            Self::Metadata => "metadata",
            Self::SpeakerName => "a speaker's name",
            Self::LateInstructions => "instructions within the conversation",
            Self::AssistantFirst => "a conversation that the assistant opens",
            Self::InstructionMedia => "media in instructions",
            Self::NativePart => "a vendor's own content",
            Self::Extra => "a vendor's own field",
        }
    }

    pub const ALL: [Self; 44] = [
        Self::Temperature,
        Self::TopK,
        Self::Penalties,
        Self::Seed,
        Self::Candidates,
        Self::LogitBias,
        Self::Logprobs,
        Self::StopSequences,
        Self::ParallelToolCalls,
        Self::ForcedTool,
        Self::ToolSubset,
        Self::CustomTool,
        Self::NativeTool,
        Self::StrictTool,
        Self::JsonFormat,
        Self::SchemaFormat,
        Self::Reasoning,
        Self::Thinking,
        Self::HiddenThinking,
        Self::ForeignSignature,
        Self::ImageInline,
        Self::ImageUrl,
        Self::ImageDetail,
        Self::Audio,
        Self::Video,
        Self::File,
        Self::FileUrl,
        Self::UploadedFile,
        Self::ToolResultImage,
        Self::ToolResultFile,
        Self::ToolResultError,
        Self::Citations,
        Self::Refusal,
        Self::CacheMark,
        Self::CacheKey,
        Self::ServiceTier,
        Self::EndUser,
        Self::Metadata,
        Self::SpeakerName,
        Self::LateInstructions,
        Self::AssistantFirst,
        Self::InstructionMedia,
        Self::NativePart,
        Self::Extra,
    ];
}

/// What `to` makes of a feature.
#[must_use]
pub const fn rule(feature: Feature, to: Wire) -> Rule {
    use Feature as F;
    use Rule::{Adapt, Drop, Keep, Refuse};
    use Wire as W;
    match (feature, to) {
        // Content that the answer would rest on: never left out.
        (F::Candidates, W::Messages | W::Converse | W::Cohere | W::Responses | W::Ollama)
        | (
            F::CustomTool,
            W::Messages | W::Gemini | W::Converse | W::Cohere | W::Watsonx | W::Ollama,
        )
        | (F::ForcedTool, W::Ollama)
        | (F::Logprobs, W::Messages | W::Converse)
        | (F::StopSequences, W::Responses)
        | (F::Audio, W::Responses | W::Messages | W::Cohere | W::Watsonx | W::Ollama)
        | (F::Video, W::Chat | W::Responses | W::Messages | W::Cohere | W::Watsonx | W::Ollama)
        | (F::File, W::Cohere | W::Watsonx | W::Ollama)
        | (F::FileUrl, W::Chat | W::Converse | W::Cohere | W::Watsonx | W::Ollama)
        | (F::ImageUrl, W::Converse | W::Ollama)
        | (F::InstructionMedia, _)
        | (F::NativeTool | F::NativePart | F::UploadedFile, _) => Refuse,

        // Said in other words.
        (F::SchemaFormat, W::Messages | W::Converse)
        | (F::JsonFormat, W::Messages | W::Converse)
        | (F::ForcedTool, W::Cohere)
        | (F::ToolSubset, W::Messages | W::Converse | W::Cohere | W::Watsonx | W::Ollama)
        | (F::ToolResultImage | F::ToolResultFile, W::Chat | W::Cohere | W::Watsonx | W::Ollama)
        | (F::ToolResultError, W::Chat | W::Responses | W::Cohere | W::Watsonx | W::Ollama)
        | (F::LateInstructions, W::Messages | W::Gemini | W::Converse)
        | (F::AssistantFirst, W::Messages | W::Converse)
        | (
            F::Refusal,
            W::Messages | W::Gemini | W::Converse | W::Cohere | W::Watsonx | W::Ollama,
        ) => Adapt,

        // An answer without it is still one.
        (F::TopK, W::Chat | W::Responses | W::Watsonx)
        | (F::TopK | F::Penalties | F::Seed | F::LogitBias, W::Converse)
        | (F::Penalties | F::Seed | F::LogitBias, W::Messages)
        | (F::Penalties | F::Seed | F::LogitBias, W::Responses)
        | (F::LogitBias, W::Gemini | W::Cohere | W::Ollama)
        | (F::ParallelToolCalls, W::Gemini | W::Converse | W::Cohere | W::Watsonx | W::Ollama)
        | (F::StrictTool, W::Gemini | W::Converse | W::Watsonx | W::Ollama)
        | (F::ImageDetail, W::Messages | W::Gemini | W::Converse | W::Ollama)
        | (F::Thinking, W::Watsonx)
        | (F::HiddenThinking, W::Watsonx | W::Cohere | W::Ollama)
        | (F::ForeignSignature | F::Citations, _)
        | (F::CacheMark, W::Chat | W::Responses | W::Gemini | W::Cohere | W::Watsonx | W::Ollama)
        | (
            F::CacheKey,
            W::Messages | W::Gemini | W::Converse | W::Cohere | W::Watsonx | W::Ollama,
        )
        | (F::ServiceTier, W::Cohere | W::Watsonx | W::Ollama)
        | (F::EndUser, W::Gemini | W::Converse | W::Cohere | W::Watsonx | W::Ollama)
        | (F::Metadata, W::Messages | W::Gemini | W::Cohere | W::Watsonx | W::Ollama)
        | (
            F::SpeakerName,
            W::Responses | W::Messages | W::Gemini | W::Converse | W::Cohere | W::Ollama,
        )
        | (F::Extra, _) => Drop,

        _ => Keep,
    }
}

/// What becomes of a feature that the target's dialect has and one provider who speaks it has not.
#[must_use]
pub const fn rule_lacking(feature: Feature) -> Rule {
    use Feature as F;
    match feature {
        F::Candidates
        | F::Logprobs
        | F::StopSequences
        | F::ForcedTool
        | F::CustomTool
        | F::NativeTool
        | F::NativePart
        | F::ImageInline
        | F::ImageUrl
        | F::Audio
        | F::Video
        | F::File
        | F::FileUrl
        | F::UploadedFile
        | F::InstructionMedia => Rule::Refuse,
        F::ToolSubset
        | F::JsonFormat
        | F::SchemaFormat
        | F::ToolResultImage
        | F::ToolResultFile
        | F::ToolResultError
        | F::LateInstructions
        | F::Refusal => Rule::Adapt,
        _ => Rule::Drop,
    }
}

/// What was lost on the way to one target, for `x-tollgate-dropped`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Losses {
    to: Wire,
    fields: Vec<String>,
}

/// What a writer does with what it met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meet {
    /// Write it in other words.
    Adapt,
    /// Leave it out.
    Drop,
}

/// Names that the header may hold; a caller with more has been told enough.
const FIELDS_MAX: usize = 32;

impl Losses {
    #[must_use]
    pub const fn new(to: Wire) -> Self {
        Self { to, fields: Vec::new() }
    }

    /// Meets something the target cannot say as it is. `field` names it for the caller, as a path
    /// in the neutral form: `turns[2].parts[0]`, `sampling.top_k`.
    ///
    /// # Errors
    /// [`Invalid`] naming the field, where the rule is to refuse.
    pub fn meet(&mut self, feature: Feature, field: &str) -> Result<Meet, Invalid> {
        self.decide(rule(feature, self.to), feature, field)
    }

    /// Meets something that this provider cannot say, though others who speak the same dialect
    /// may: as the table has it for the dialect, else as [`rule_lacking`].
    ///
    /// # Errors
    /// [`Invalid`] naming the field, where the rule is to refuse.
    pub fn lack(&mut self, feature: Feature, field: &str) -> Result<Meet, Invalid> {
        let rule = match rule(feature, self.to) {
            Rule::Keep => rule_lacking(feature),
            known => known,
        };
        self.decide(rule, feature, field)
    }

    /// Tells that something is said in other words which mean nearly the same.
    pub fn adapt(&mut self, field: &str) {
        self.note(field);
    }

    /// The target.
    #[must_use]
    pub const fn to(&self) -> Wire {
        self.to
    }

    fn decide(&mut self, rule: Rule, feature: Feature, field: &str) -> Result<Meet, Invalid> {
        let meet = match rule {
            Rule::Refuse => {
                return Err(Invalid::at(
                    field.to_owned(),
                    format!(
                        "The model is served in the dialect {} by a provider that cannot take {} \
                         (`{field}`). Leave it out, or call a model that takes it.",
                        self.to,
                        feature.as_str()
                    ),
                ));
            }
            Rule::Adapt => Meet::Adapt,
            Rule::Drop | Rule::Keep => Meet::Drop,
        };
        self.note(field);
        Ok(meet)
    }

    fn note(&mut self, field: &str) {
        if self.fields.len() < FIELDS_MAX && !self.fields.iter().any(|known| known == field) {
            self.fields.push(field.to_owned());
        }
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The header's value: fields separated by commas. Only visible ASCII, whatever a caller named
    /// its fields.
    #[must_use]
    pub fn header(&self) -> String {
        let plain = |c: char| if c.is_ascii_graphic() && c != ',' { c } else { '?' };
        let fields: Vec<String> =
            self.fields.iter().map(|field| field.chars().take(80).map(plain).collect()).collect();
        fields.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_names_the_field_and_what_is_dropped_is_told() {
        let mut losses = Losses::new(Wire::Messages);
        assert_eq!(losses.meet(Feature::Seed, "seed"), Ok(Meet::Drop));
        assert_eq!(losses.meet(Feature::Seed, "seed"), Ok(Meet::Drop));
        assert_eq!(losses.meet(Feature::Extra, "na,me\u{e9}\n"), Ok(Meet::Drop));
        assert_eq!(losses.header(), "seed, na?me??");
        let refused = losses.meet(Feature::Candidates, "n").unwrap_err();
        assert_eq!(refused.param.as_deref(), Some("n"));
        assert!(refused.detail.contains("anthropic"), "{}", refused.detail);
    }

    #[test]
    fn the_table_as_it_is_documented() {
        let mut table = String::from("| |");
        for wire in Wire::ALL {
            table += &format!(" {wire} |");
        }
        table += "\n|---|";
        table += &"---|".repeat(Wire::ALL.len());
        for feature in Feature::ALL {
            table += &format!("\n| {} |", feature.as_str());
            for wire in Wire::ALL {
                table += match rule(feature, wire) {
                    Rule::Keep => " · |",
                    Rule::Adapt => " in other words |",
                    Rule::Drop => " dropped |",
                    Rule::Refuse => " refused |",
                };
            }
        }
        let readme = include_str!("../../README.md").replace("\r\n", "\n");
        assert!(readme.contains(&table), "gateway/README.md lacks this table:\n{table}");
    }
}
