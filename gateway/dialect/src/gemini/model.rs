//! What the generations of the model family take, by the model's name. A name that tells no
//! generation is taken for one of the newest.

use crate::neutral::Effort;

#[derive(Debug, Clone, Copy)]
pub(super) struct Model<'a> {
    name: &'a str,
    /// Major and minor.
    version: (u32, u32),
}

impl<'a> Model<'a> {
    pub(super) fn of(name: &'a str) -> Self {
        Self { name, version: version(name).unwrap_or((u32::MAX, 0)) }
    }

    /// Takes JSON Schema as it is; older ones take only their own subset of OpenAPI's.
    pub(super) const fn takes_json_schema(self) -> bool {
        self.version.0 >= 2
    }

    /// Is told how hard to think in steps; older ones only in tokens.
    pub(super) const fn thinks_in_levels(self) -> bool {
        self.version.0 >= 3
    }

    /// Refuses a tool call in the history that lacks its signature.
    pub(super) const fn demands_signatures(self) -> bool {
        self.version.0 >= 3
    }

    /// Takes images and files inside a tool's result; older ones take them only beside it.
    pub(super) const fn takes_media_in_results(self) -> bool {
        self.version.0 >= 3
    }

    fn is_pro(self) -> bool {
        self.name.contains("-pro")
    }

    /// The step that is nearest to `effort`. No model that thinks in steps can be told not to.
    pub(super) fn level(self, effort: Effort) -> &'static str {
        match effort {
            Effort::None | Effort::Minimal if self.is_pro() => "LOW",
            Effort::None | Effort::Minimal => "MINIMAL",
            Effort::Low => "LOW",
            // Gemini 3 Pro knows two steps.
            Effort::Medium if self.is_pro() && self.version == (3, 0) => "HIGH",
            Effort::Medium => "MEDIUM",
            Effort::High | Effort::Highest => "HIGH",
        }
    }

    /// The number of tokens nearest to `tokens` that a model which thinks in tokens takes.
    pub(super) fn budget(self, tokens: u64) -> u64 {
        match (self.version, self.is_pro()) {
            ((2, 5), true) => tokens.clamp(128, 32_768),
            ((2, 5), false) if self.name.contains("lite") && tokens > 0 => {
                tokens.clamp(512, 24_576)
            }
            ((2, 5), false) => tokens.min(24_576),
            _ => tokens,
        }
    }
}

/// `gemini-2.5-flash` → (2, 5); of any path that ends so, too.
fn version(name: &str) -> Option<(u32, u32)> {
    let (_, rest) = name.rsplit_once("gemini-")?;
    let word = rest.split('-').next()?;
    let (major, minor) = word.split_once('.').unwrap_or((word, "0"));
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_models_generation_is_read_from_its_name() {
        assert_eq!(version("gemini-2.5-flash-lite"), Some((2, 5)));
        assert_eq!(version("publishers/google/models/gemini-3-pro-preview"), Some((3, 0)));
        assert_eq!(version("gemini-flash-latest"), None);
        assert!(Model::of("gemini-flash-latest").thinks_in_levels());
        assert!(!Model::of("gemini-1.5-pro").takes_json_schema());
    }

    #[test]
    fn effort_takes_the_nearest_step_or_budget_that_the_model_has() {
        assert_eq!(Model::of("gemini-3-pro-preview").level(Effort::Medium), "HIGH");
        assert_eq!(Model::of("gemini-3-flash-preview").level(Effort::None), "MINIMAL");
        assert_eq!(Model::of("gemini-2.5-pro").budget(0), 128);
        assert_eq!(Model::of("gemini-2.5-flash").budget(0), 0);
        assert_eq!(Model::of("gemini-2.5-flash").budget(60_000), 24_576);
    }
}
