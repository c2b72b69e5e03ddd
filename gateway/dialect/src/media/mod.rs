//! Pictures, voices and judgements, as OpenAI serves them: seven addresses whose bodies pass, as
//! JSON or as forms. What is read of them is what must be known to call and to charge: the model,
//! whether a stream is asked for, and how much.

mod answer;
mod ask;
mod audio;
mod decimal;
mod form;
mod measure;
mod size;
mod usage;
mod watch;

pub use answer::read_answer;
pub use ask::{Asked, TellsAs, read};
pub use audio::{assumed_ms, length_ms};
pub use form::Form;
pub use measure::Sizes;
pub use watch::Watcher;

use contract::usage::Operation;

/// What is to be done: each has an address of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Task {
    /// Make pictures from a description.
    Generate,
    /// Change pictures.
    Edit,
    /// Make more pictures like one.
    Vary,
    /// Speak a text.
    Speak,
    /// Write down what is said, in its own language.
    Transcribe,
    /// Write down in English what is said.
    Translate,
    /// Say what is wrong with a text or a picture.
    Moderate,
}

/// How a request comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    Json,
    /// `multipart/form-data`.
    Form,
    Either,
}

impl Task {
    pub const ALL: [Self; 7] = [
        Self::Generate,
        Self::Edit,
        Self::Vary,
        Self::Speak,
        Self::Transcribe,
        Self::Translate,
        Self::Moderate,
    ];

    /// The path under `/v1`, and under a provider's address.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Generate => "/images/generations",
            Self::Edit => "/images/edits",
            Self::Vary => "/images/variations",
            Self::Speak => "/audio/speech",
            Self::Transcribe => "/audio/transcriptions",
            Self::Translate => "/audio/translations",
            Self::Moderate => "/moderations",
        }
    }

    /// The task at a path under `/v1`.
    #[must_use]
    pub fn at(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|task| task.path() == path)
    }

    #[must_use]
    pub const fn operation(self) -> Operation {
        match self {
            Self::Generate | Self::Edit | Self::Vary => Operation::Images,
            Self::Speak => Operation::Speech,
            Self::Transcribe | Self::Translate => Operation::Transcription,
            Self::Moderate => Operation::Moderation,
        }
    }

    #[must_use]
    pub const fn takes(self) -> Takes {
        match self {
            Self::Generate | Self::Speak | Self::Moderate => Takes::Json,
            Self::Edit => Takes::Either,
            Self::Vary | Self::Transcribe | Self::Translate => Takes::Form,
        }
    }
}
