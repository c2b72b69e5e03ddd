//! The rates that a price may have, by name: which of them calls of a kind are charged by, and the
//! one that a kind is known to cost by. The arithmetic is [`crate::money::Rates`].

use super::catalog::Price;
use crate::money::{Nanos, Usd};
use crate::snapshot::Modality;
use serde::{Deserialize, Serialize};

/// One rate of a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Rate {
    /// Per million tokens, as are all down to [`Rate::ImageOutput`].
    Input,
    Output,
    CachedInput,
    CacheWrite,
    #[serde(rename = "cache_write_1h")]
    CacheWrite1h,
    Reasoning,
    AudioInput,
    AudioOutput,
    ImageInput,
    ImageOutput,
    PerCall,
    /// Per picture made.
    Image,
    MillionCharacters,
    AudioMinute,
    ThousandSearches,
    ThousandRows,
    ComputeHour,
}

impl Rate {
    pub const ALL: [Self; 17] = [
        Self::Input,
        Self::Output,
        Self::CachedInput,
        Self::CacheWrite,
        Self::CacheWrite1h,
        Self::Reasoning,
        Self::AudioInput,
        Self::AudioOutput,
        Self::ImageInput,
        Self::ImageOutput,
        Self::PerCall,
        Self::Image,
        Self::MillionCharacters,
        Self::AudioMinute,
        Self::ThousandSearches,
        Self::ThousandRows,
        Self::ComputeHour,
    ];

    /// Its member in [`Price`] and in [`super::models::CreatePrice`].
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Input => "input_usd",
            Self::Output => "output_usd",
            Self::CachedInput => "cached_input_usd",
            Self::CacheWrite => "cache_write_usd",
            Self::CacheWrite1h => "cache_write_1h_usd",
            Self::Reasoning => "reasoning_usd",
            Self::AudioInput => "audio_input_usd",
            Self::AudioOutput => "audio_output_usd",
            Self::ImageInput => "image_input_usd",
            Self::ImageOutput => "image_output_usd",
            Self::PerCall => "per_call_usd",
            Self::Image => "image_usd",
            Self::MillionCharacters => "million_characters_usd",
            Self::AudioMinute => "audio_minute_usd",
            Self::ThousandSearches => "thousand_searches_usd",
            Self::ThousandRows => "thousand_rows_usd",
            Self::ComputeHour => "compute_hour_usd",
        }
    }

    /// What an ordinary call of a model of this kind is charged by, the usual rate first. A price
    /// that has none of them makes such calls free.
    #[must_use]
    pub const fn of(modality: Modality) -> &'static [Self] {
        match modality {
            Modality::Chat => &[
                Self::Input,
                Self::Output,
                Self::CachedInput,
                Self::CacheWrite,
                Self::CacheWrite1h,
                Self::Reasoning,
                Self::PerCall,
            ],
            Modality::Embedding | Modality::Moderation => &[Self::Input, Self::PerCall],
            Modality::Rerank => &[Self::ThousandSearches, Self::Input, Self::PerCall],
            Modality::Predict => &[Self::ThousandRows, Self::ComputeHour, Self::PerCall],
            Modality::Image => &[
                Self::Image,
                Self::Input,
                Self::ImageInput,
                Self::Output,
                Self::ImageOutput,
                Self::PerCall,
            ],
            Modality::Speech => &[
                Self::MillionCharacters,
                Self::Input,
                Self::Output,
                Self::AudioOutput,
                Self::PerCall,
            ],
            Modality::Transcription => {
                &[Self::AudioMinute, Self::Input, Self::AudioInput, Self::Output, Self::PerCall]
            }
        }
    }
}

/// A rate and its amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RateUsd {
    pub rate: Rate,
    pub usd: Usd,
}

impl Price {
    /// What it says of `rate`; `None` where that class is charged as its base class.
    #[must_use]
    pub const fn rate(&self, rate: Rate) -> Option<Usd> {
        match rate {
            Rate::Input => Some(self.input_usd),
            Rate::Output => Some(self.output_usd),
            Rate::CachedInput => self.cached_input_usd,
            Rate::CacheWrite => self.cache_write_usd,
            Rate::CacheWrite1h => self.cache_write_1h_usd,
            Rate::Reasoning => self.reasoning_usd,
            Rate::AudioInput => self.audio_input_usd,
            Rate::AudioOutput => self.audio_output_usd,
            Rate::ImageInput => self.image_input_usd,
            Rate::ImageOutput => self.image_output_usd,
            Rate::PerCall => Some(self.per_call_usd),
            Rate::Image => Some(self.image_usd),
            Rate::MillionCharacters => Some(self.million_characters_usd),
            Rate::AudioMinute => Some(self.audio_minute_usd),
            Rate::ThousandSearches => Some(self.thousand_searches_usd),
            Rate::ThousandRows => Some(self.thousand_rows_usd),
            Rate::ComputeHour => Some(self.compute_hour_usd),
        }
    }

    /// Whether it asks money for `rate`.
    #[must_use]
    pub fn charges(&self, rate: Rate) -> bool {
        self.rate(rate).is_some_and(|usd| usd.0 > Nanos::ZERO)
    }

    /// Whether nothing at all costs anything.
    #[must_use]
    pub fn is_free(&self) -> bool {
        !Rate::ALL.into_iter().any(|rate| self.charges(rate))
    }

    /// What a model of this kind is known to cost by: the first of [`Rate::of`] that asks money.
    #[must_use]
    pub fn headline(&self, modality: Modality) -> Option<RateUsd> {
        let rate = Rate::of(modality).iter().copied().find(|rate| self.charges(*rate))?;
        Some(RateUsd { rate, usd: self.rate(rate)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(json: &str) -> Price {
        let least = r#""input_usd": "0", "output_usd": "0", "per_call_usd": "0",
            "effective_from": "2026-03-01T00:00:00Z""#;
        serde_json::from_str(&format!("{{{least}{json}}}")).unwrap()
    }

    #[test]
    fn every_rate_is_a_member_of_a_price_under_its_name() {
        for rate in Rate::ALL {
            let field = rate.field();
            let json = serde_json::to_value(price("")).unwrap();
            assert!(json.get(field).is_some(), "{field}");
            let name = serde_json::to_value(rate).unwrap();
            assert_eq!(field.strip_suffix("_usd"), name.as_str());
            let mut json = json;
            json[field] = "7".into();
            let set: Price = serde_json::from_value(json).unwrap();
            assert_eq!(set.rate(rate).unwrap().to_string(), "7.00", "{field}");
            assert!(set.charges(rate) && !set.is_free());
        }
        assert!(price("").is_free());
    }

    #[test]
    fn every_kind_is_known_by_what_it_is_usually_sold_by() {
        for modality in Modality::ALL {
            assert_eq!(price("").headline(*modality), None);
        }
        let picture = price(r#", "image_usd": "0.04", "image_output_usd": "40""#);
        let shown = picture.headline(Modality::Image).unwrap();
        assert_eq!((shown.rate, shown.usd.to_string()), (Rate::Image, "0.04".to_owned()));
        assert_eq!(picture.headline(Modality::Chat), None, "pictures are not what a chat makes");
    }
}
