//! A vector, however it comes: as numbers or packed.

use crate::convert::Malformed;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Vector(Vec<f64>);

/// As providers write it.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Written {
    Numbers(Vec<f64>),
    Packed(String),
}

impl TryFrom<Written> for Vector {
    type Error = Malformed;

    fn try_from(written: Written) -> Result<Self, Malformed> {
        match written {
            Written::Numbers(numbers) => Ok(Self(numbers)),
            Written::Packed(text) => Self::unpack(&text)
                .ok_or_else(|| Malformed("a vector that is not base64 of 32-bit numbers".into())),
        }
    }
}

impl From<Vec<f64>> for Vector {
    fn from(numbers: Vec<f64>) -> Self {
        Self(numbers)
    }
}

impl Vector {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn numbers(&self) -> &[f64] {
        &self.0
    }

    /// Numbers of 32 bits, little endian, in base64.
    #[expect(clippy::cast_possible_truncation, reason = "the format has 32 bits a number")]
    pub fn packed(&self) -> String {
        let bytes: Vec<u8> =
            self.0.iter().flat_map(|number| (*number as f32).to_le_bytes()).collect();
        STANDARD.encode(bytes)
    }

    /// The sign of each number as a bit, the first the highest of its byte.
    pub fn bits(&self) -> Vec<u8> {
        let byte = |eight: &[f64]| {
            let bits = eight.iter().enumerate();
            bits.fold(0, |byte, (n, number)| byte | (u8::from(*number > 0.0) << (7 - n)))
        };
        self.0.chunks(8).map(byte).collect()
    }

    fn unpack(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text).ok()?;
        let (numbers, rest) = bytes.as_chunks::<4>();
        let numbers: Vec<f64> =
            numbers.iter().map(|number| f64::from(f32::from_le_bytes(*number))).collect();
        (rest.is_empty() && numbers.iter().all(|number| number.is_finite()))
            .then_some(Self(numbers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn signs_are_packed_eight_to_a_byte_the_first_the_highest() {
        let vector = Vector(vec![0.1, -0.1, 0.0, 2.0, -3.0, -1.0, -1.0, 1.0, 1.0]);
        assert_eq!(vector.bits(), [0b1001_0001, 0b1000_0000]);
    }

    proptest! {
        #[test]
        fn packing_keeps_every_number_of_32_bits(numbers in proptest::collection::vec(any::<f32>().prop_filter("finite", |n| n.is_finite()), 0..20)) {
            let vector = Vector(numbers.iter().copied().map(f64::from).collect());
            prop_assert_eq!(Vector::unpack(&vector.packed()), Some(vector));
        }

        #[test]
        fn no_text_makes_unpacking_panic(text in ".{0,30}") {
            let _ = Vector::unpack(&text);
        }
    }
}
