//! The scenes: what is asked, what is answered, and where the fixtures of each dialect are. A scene
//! tells the same in every dialect, so that what must be understood is written here once.

use crate::gist::Gist;
use dialect::Wire;
use dialect::neutral::Stop;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scene {
    Plain,
    Stream,
    Tools,
    ParallelTools,
    Structured,
    Image,
    Reasoning,
    Error,
    /// A stream that is cut in the middle.
    Cut,
}

impl Scene {
    pub const ALL: [Self; 9] = [
        Self::Plain,
        Self::Stream,
        Self::Tools,
        Self::ParallelTools,
        Self::Structured,
        Self::Image,
        Self::Reasoning,
        Self::Error,
        Self::Cut,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Stream => "stream",
            Self::Tools => "tools",
            Self::ParallelTools => "parallel_tools",
            Self::Structured => "structured",
            Self::Image => "image",
            Self::Reasoning => "reasoning",
            Self::Error => "error",
            Self::Cut => "cut",
        }
    }

    /// What the caller asks for.
    pub fn request(self, from: Wire) -> Vec<u8> {
        let name = match self {
            Self::Error => "plain",
            Self::Cut => "tools",
            own => own.as_str(),
        };
        must(from, &format!("{name}.request.json"))
    }

    /// What the provider answers, where the scene is answered whole.
    pub fn answer(self, to: Wire) -> Option<Vec<u8>> {
        let whole = !matches!(self, Self::Stream | Self::Error | Self::Cut);
        whole.then(|| must(to, &format!("{}.answer.json", self.as_str())))
    }

    /// What the provider streams, where the scene is streamed.
    pub fn stream(self, to: Wire) -> Option<Vec<u8>> {
        let streamed = !matches!(self, Self::Plain | Self::Image | Self::Error);
        streamed.then(|| must(to, &format!("{}.stream", self.as_str())))
    }

    /// Words that a provider must be told, wherever its dialect puts them.
    pub fn words(self) -> &'static [&'static str] {
        const PLAIN: &[&str] = &["You are terse.", "What is the weather in Paris"];
        const TOOLS: &[&str] =
            &["You are terse.", "What is the weather in Paris", "get_weather", "city", "21"];
        match self {
            Self::Plain | Self::Stream | Self::Error => PLAIN,
            Self::Tools | Self::Cut => TOOLS,
            Self::ParallelTools => {
                &["You are terse.", "get_weather", "city", "Paris", "Oslo", "21"]
            }
            Self::Structured => &["You are terse.", "What is the weather in Paris", "temp_c"],
            Self::Image => &[
                "You are terse.",
                "What is the weather in Paris",
                "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
                "example.com/paris.jpg",
            ],
            Self::Reasoning => &["You are terse.", "What is the weather in Paris"],
        }
    }

    /// What whoever reads the answer must understand.
    pub fn must_be_understood(self, told: &Gist, whose: &str) {
        const TEXT: &str = "It is 21 °C in Paris.";
        let calls: Vec<_> = told
            .calls
            .iter()
            .map(|(name, input)| {
                let input: serde_json::Value = serde_json::from_str(input).unwrap_or_default();
                (name.as_str(), input["city"].as_str().unwrap_or_default().to_owned())
            })
            .collect();
        match self {
            Self::Plain | Self::Stream | Self::Image => assert_eq!(told.text, TEXT, "{whose}"),
            Self::Reasoning => {
                assert_eq!(told.text, TEXT, "{whose}");
                assert_eq!(told.thinking, "The user wants weather.", "{whose}");
            }
            Self::Structured => {
                let value: serde_json::Value = serde_json::from_str(&told.text).expect(whose);
                assert_eq!(
                    (&value["city"], value["temp_c"].as_f64()),
                    (&"Paris".into(), Some(21.0)),
                    "{whose}"
                );
            }
            Self::Tools => assert_eq!(calls, [("get_weather", "Paris".to_owned())], "{whose}"),
            Self::ParallelTools => assert_eq!(
                calls,
                [("get_weather", "Paris".to_owned()), ("get_weather", "Oslo".to_owned())],
                "{whose}"
            ),
            Self::Error | Self::Cut => return,
        }
        let stop = match self {
            Self::Tools | Self::ParallelTools => Stop::ToolUse,
            _ => Stop::End,
        };
        assert_eq!(told.stop, Some(stop), "{whose}");
        assert_eq!((told.input_total, told.output_total), (25, 12), "tokens, {whose}");
    }
}

/// The fixtures, from whichever package the book is read.
fn path(wire: Wire, file: &str) -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let own = package.join("tests/golden");
    let folder = if own.is_dir() { own } else { package.join("dialect/tests/golden") };
    folder.join(wire.as_str()).join(file)
}

pub fn must(wire: Wire, name: &str) -> Vec<u8> {
    let path = path(wire, name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
