//! What a tensor is made of.

/// A datatype of the protocol. Others may be sent: they belong to a server that knows more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Datatype {
    /// Numbers and truth values of so many bytes.
    Fixed(u64),
    /// Texts: each is preceded by its length when it is sent raw.
    Bytes,
}

impl Datatype {
    /// The datatype of a name; `None` where it is not one of the protocol's.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "BOOL" | "UINT8" | "INT8" => Self::Fixed(1),
            "UINT16" | "INT16" | "FP16" | "BF16" => Self::Fixed(2),
            "UINT32" | "INT32" | "FP32" => Self::Fixed(4),
            "UINT64" | "INT64" | "FP64" => Self::Fixed(8),
            "BYTES" => Self::Bytes,
            _ => return None,
        })
    }
}

/// How many texts a raw tensor of them holds. `None`: a length leads beyond its end.
pub(super) fn texts(mut raw: &[u8]) -> Option<u64> {
    let mut count = 0;
    while let Some((length, rest)) = raw.split_first_chunk() {
        raw = rest.get(usize::try_from(u32::from_le_bytes(*length)).ok()?..)?;
        count += 1;
    }
    raw.is_empty().then_some(count)
}
