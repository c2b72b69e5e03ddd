//! Bytes that are no events: a voice, which passes as it comes and tells nothing of itself.

use super::watch::WatchError;
use crate::meter::Heard;
use bytes::Bytes;
use std::collections::VecDeque;

/// What has come and has not gone on yet.
#[derive(Debug, Default)]
pub struct Raw {
    out: VecDeque<Bytes>,
    begun: bool,
}

impl Raw {
    /// As [`super::Watch::take`]; nothing is wrong with bytes.
    ///
    /// # Errors
    /// Never.
    pub fn take(&mut self, read: Bytes) -> Result<(), WatchError> {
        if !read.is_empty() {
            self.begun = true;
            self.out.push_back(read);
        }
        Ok(())
    }

    pub fn take_out(&mut self) -> Option<Bytes> {
        self.out.pop_front()
    }

    #[must_use]
    pub fn has_next(&self) -> bool {
        !self.out.is_empty()
    }

    #[must_use]
    pub const fn has_begun(&self) -> bool {
        self.begun
    }

    /// Only the connection tells that nothing more comes.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        false
    }

    pub const fn end_mark(&mut self) -> Option<Bytes> {
        None
    }

    #[must_use]
    pub const fn heard(&self) -> Heard {
        Heard::NOTHING
    }

    #[must_use]
    pub const fn output_tokens(&self) -> u64 {
        0
    }

    #[must_use]
    pub const fn malformed(&self) -> u32 {
        0
    }
}
