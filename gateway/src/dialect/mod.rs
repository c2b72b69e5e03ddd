//! Wire formats, a folder each. Same dialect in and out: bytes pass through.

pub mod openai;
