//! What a text means, as far as an embedding model tells: a direction, in as few bytes as tell two
//! apart.

/// Numbers of one vector at most.
const LEN_MAX: usize = 8_192;

/// A direction. Each number has eight bits, in parts of the largest; that moves a cosine by less than
/// three thousandths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vector {
    parts: Box<[i8]>,
    /// Its length, squared.
    square: u32,
}

impl Vector {
    /// `None`: it has no direction, is no numbers, or is too long.
    #[must_use]
    pub fn of(numbers: &[f64]) -> Option<Self> {
        let largest = numbers.iter().fold(0.0_f64, |largest, number| largest.max(number.abs()));
        if numbers.len() > LEN_MAX || !largest.is_normal() {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "-127 to 127; what is no number is 0")]
        let part = |number: &f64| (number / largest * 127.0).round() as i8;
        numbers.iter().all(|number| number.is_finite()).then(|| Self::new(numbers.iter().map(part)))
    }

    fn new(parts: impl Iterator<Item = i8>) -> Self {
        let parts: Box<[i8]> = parts.collect();
        let square = u32::try_from(dot(&parts, &parts)).unwrap_or(0);
        Self { parts, square }
    }

    /// As it is written; `None`: nothing with a direction is.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let vector = Self::new(bytes.iter().map(|byte| i8::from_le_bytes([*byte])));
        (vector.square > 0 && bytes.len() <= LEN_MAX).then_some(vector)
    }

    /// Writes its bytes behind what is there.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.parts.iter().map(|part| part.to_le_bytes()[0]));
    }

    #[must_use]
    pub const fn len(&self) -> usize {
        self.parts.len()
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// How alike two are: their cosine in thousandths, rounded down; 0 for those that point apart and
    /// for those of two models, which cannot be compared.
    #[must_use]
    pub fn alike(&self, other: &Self) -> u16 {
        if self.len() != other.len() {
            return 0;
        }
        let dot = f64::from(dot(&self.parts, &other.parts));
        let cosine = dot / (f64::from(self.square) * f64::from(other.square)).sqrt();
        // What is as alike as can be is not to fail by the last bit.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1000")]
        let thousandths = (cosine.clamp(0.0, 1.0) * 1_000.0 + 1e-6) as u16;
        thousandths
    }
}

/// At most 8,192 × 127², which fits.
fn dot(one: &[i8], other: &[i8]) -> i32 {
    one.iter().zip(other).map(|(one, other)| i32::from(*one) * i32::from(*other)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cosine(one: &[f64], other: &[f64]) -> f64 {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        dot(one, other) / (dot(one, one) * dot(other, other)).sqrt()
    }

    #[test]
    fn what_has_no_direction_is_no_vector_and_two_of_two_lengths_are_not_alike() {
        for nothing in
            [vec![], vec![0.0; 8], vec![f64::NAN, 1.0], vec![f64::INFINITY], vec![1.0; 8_193]]
        {
            assert!(Vector::of(&nothing).is_none(), "{nothing:?}");
        }
        let (two, three) =
            (Vector::of(&[1.0, 0.0]).unwrap(), Vector::of(&[1.0, 0.0, 0.0]).unwrap());
        assert_eq!((two.alike(&three), two.alike(&two)), (0, 1_000));
        let against = Vector::of(&[-1.0, 0.0]).unwrap();
        assert_eq!(two.alike(&against), 0);
        assert!(Vector::read(&[]).is_none() && Vector::read(&[0; 4]).is_none());
    }

    proptest! {
        #[test]
        fn eight_bits_tell_how_alike_two_are_to_three_thousandths(
            one in proptest::collection::vec(-1.0_f64..1.0, 64..300), noise in 0.0_f64..2.0, seed in any::<u64>(),
        ) {
            let mut chance = seed;
            let mut next = || {
                chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (chance >> 40) as f64 / f64::from(1_u32 << 23) - 1.0
            };
            let other: Vec<f64> = one.iter().map(|number| number + noise * next()).collect();
            let (a, b) = (Vector::of(&one).unwrap(), Vector::of(&other).unwrap());
            let exact = cosine(&one, &other).max(0.0) * 1_000.0;
            prop_assert!((f64::from(a.alike(&b)) - exact).abs() <= 4.0, "{} {exact}", a.alike(&b));
            prop_assert_eq!(a.alike(&b), b.alike(&a));
            prop_assert_eq!(a.alike(&a), 1_000);
            let mut bytes = Vec::new();
            a.write(&mut bytes);
            prop_assert_eq!(Vector::read(&bytes), Some(a));
        }
    }
}
