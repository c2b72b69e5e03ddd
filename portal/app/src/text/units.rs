//! What calls use besides tokens.

use crate::format;
use contract::usage::Units;

/// One kind of unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Images,
    Characters,
    Audio,
    Searches,
    Rows,
    Compute,
}

impl Unit {
    pub const ALL: [Self; 6] =
        [Self::Images, Self::Characters, Self::Audio, Self::Searches, Self::Rows, Self::Compute];

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Images => "Pictures",
            Self::Characters => "Characters",
            Self::Audio => "Audio",
            Self::Searches => "Searches",
            Self::Rows => "Rows",
            Self::Compute => "Compute",
        }
    }

    #[must_use]
    pub const fn count(self, units: &Units) -> u64 {
        match self {
            Self::Images => units.images,
            Self::Characters => units.characters,
            Self::Audio => units.audio_ms,
            Self::Searches => units.searches,
            Self::Rows => units.rows,
            Self::Compute => units.compute_ms,
        }
    }

    /// How much of it, as people read it: a number, or a length of time.
    #[must_use]
    pub fn show(self, count: u64) -> String {
        match self {
            Self::Audio | Self::Compute => format::duration(count),
            Self::Images | Self::Characters | Self::Searches | Self::Rows => format::count(count),
        }
    }

    /// Those of which there are any.
    pub fn used(units: &Units) -> impl Iterator<Item = Self> + use<> {
        let units = *units;
        Self::ALL.into_iter().filter(move |unit| unit.count(&units) > 0)
    }
}

/// Heading of a column of [`line`]s.
pub const ALSO: &str = "Also used";

/// All of several.
pub fn sum<'a>(all: impl IntoIterator<Item = &'a Units>) -> Units {
    all.into_iter().fold(Units::NONE, |sum, one| Units {
        images: sum.images.saturating_add(one.images),
        characters: sum.characters.saturating_add(one.characters),
        audio_ms: sum.audio_ms.saturating_add(one.audio_ms),
        searches: sum.searches.saturating_add(one.searches),
        rows: sum.rows.saturating_add(one.rows),
        compute_ms: sum.compute_ms.saturating_add(one.compute_ms),
    })
}

/// All that is not zero, in a line: `Pictures: 2, searches: 1`.
#[must_use]
pub fn line(units: &Units) -> String {
    let parts = Unit::used(units).enumerate().map(|(n, unit)| {
        let label = if n == 0 { unit.label().to_owned() } else { unit.label().to_lowercase() };
        format!("{label}: {}", unit.show(unit.count(units)))
    });
    parts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_used_is_told() {
        let units = Units { images: 1_200, audio_ms: 61_000, ..Units::NONE };
        assert_eq!(line(&units), "Pictures: 1,200, audio: 1 min 1 s");
        assert_eq!(line(&Units::NONE), "");
        let other = Units { images: 1, rows: 1, ..Units::NONE };
        assert_eq!(sum([&units, &other]), Units { images: 1_201, rows: 1, ..units });
    }
}
