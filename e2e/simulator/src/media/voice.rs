//! A small WAV with one tone, and how long a WAV lasts.

const RATE: u32 = 24_000;
/// Samples of one character, and at least and at most.
const SAMPLES: usize = 1_200;
const SAMPLES_MIN: usize = 4_800;
const SAMPLES_MAX: usize = 240_000;
/// Bytes of a millisecond of what is no WAV.
const BYTES_PER_MS: u64 = 4;

/// A tone as long as a text of so many characters takes to say.
pub(super) fn wav(characters: usize) -> Vec<u8> {
    let samples = (characters * SAMPLES).clamp(SAMPLES_MIN, SAMPLES_MAX);
    let mut sound = Vec::with_capacity(samples * 2);
    for nth in 0..samples {
        // A triangle of 400 Hz.
        let phase = i16::try_from(nth % 60).unwrap_or(0);
        let height = if phase < 30 { phase - 15 } else { 45 - phase };
        sound.extend((height * 200).to_le_bytes());
    }
    let mut file = b"RIFF".to_vec();
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
    file.extend(number(36 + sound.len()));
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend(RATE.to_le_bytes());
    file.extend((RATE * 2).to_le_bytes());
    file.extend([2, 0, 16, 0]);
    file.extend(b"data");
    file.extend(number(sound.len()));
    file.extend(sound);
    file
}

/// Milliseconds of a WAV as [`wav`] and common programs write it; of anything else by its bytes.
pub(super) fn length_ms(file: &[u8]) -> u64 {
    let number = |at: usize| {
        let field = file.get(at..at + 4)?;
        Some(field.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    };
    let bytes = u64::try_from(file.len()).unwrap_or(0);
    let told = || {
        let data = file.windows(4).take(4_096).position(|window| window == b"data")?;
        file.starts_with(b"RIFF").then_some(())?;
        (number(data + 4)?.min(bytes) * 1_000).checked_div(number(28)?)
    };
    told().unwrap_or(bytes / BYTES_PER_MS).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voice_lasts_as_long_as_its_text() {
        assert_eq!(length_ms(&wav(40)), 2_000);
        assert_eq!(length_ms(&wav(1)), 200);
        assert_eq!(length_ms(&[1; 400]), 100);
    }
}
