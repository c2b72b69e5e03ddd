//! The names that conditions may use: a closed list, each with one type.

macro_rules! names {
    ($($(#[$meta:meta])* $kind:ident { $($(#[$doc:meta])* $name:ident = $text:literal,)* })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $kind { $($(#[$doc])* $name,)* }

        impl $kind {
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$name),)* _ => None }
            }
        }
    )*};
}

names! {
    /// Texts.
    TextName {
        /// The organisation's slug.
        Org = "org",
        /// The team's id.
        Team = "team",
        /// The app's id.
        App = "app",
        /// The key's id.
        Key = "key",
        /// The plan's slug.
        Plan = "plan",
        /// The name that the caller asked for.
        Model = "model",
        /// `chat`, `embeddings`, …
        Operation = "operation",
        /// The caller's dialect.
        Dialect = "dialect",
        /// The end user, where the request names one.
        User = "user",
    }

    /// Texts by a key of the caller's: `header["x-tier"]`.
    MapName {
        /// A header of the request, its name in lower case.
        Header = "header",
        /// An entry of the request's `metadata`.
        Metadata = "metadata",
        /// A tag declared in `x-tollgate-tags`.
        Tag = "tag",
    }

    /// Whole numbers.
    NumberName {
        /// Tokens that the model reads, estimated.
        InputTokens = "input_tokens",
        /// The longest answer that is asked for; 0 where the request does not say.
        OutputTokensMax = "output_tokens_max",
        Messages = "messages",
        Tools = "tools",
        Images = "images",
        /// How hard the request looks, from 0 to 100.
        Complexity = "complexity",
        /// Of the day, in UTC.
        Hour = "hour",
    }

    /// Yes or no.
    FlagName {
        Stream = "stream",
        /// The answer has to fit a schema.
        Structured = "structured",
        /// The model is asked to think first.
        Reasoning = "reasoning",
    }
}

/// Every name, for those who mistype one.
pub(super) fn all() -> String {
    let texts = TextName::ALL.iter().map(|name| name.as_str().to_owned());
    let numbers = NumberName::ALL.iter().map(|name| name.as_str().to_owned());
    let flags = FlagName::ALL.iter().map(|name| name.as_str().to_owned());
    let maps = MapName::ALL.iter().map(|name| format!("{}[\"…\"]", name.as_str()));
    texts.chain(numbers).chain(flags).chain(maps).collect::<Vec<_>>().join(", ")
}
