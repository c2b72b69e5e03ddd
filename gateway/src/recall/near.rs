//! Which kept answers are to questions that mean the same: for each thing that questions are asked
//! about, the embeddings of the latest, bounded in number and bytes. What must stay true: what is
//! compared is of one partition, whose key has all that an answer depends on but the question's words.

use super::key::TenantKey;
use super::store::lock;
use super::vector::Vector;
use contract::id::ModelId;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

/// Questions of one partition at most; the oldest leaves first.
const QUESTIONS_MAX: usize = 1_000;
/// What a question takes beside its numbers, and what a partition takes beside its questions.
const EACH: usize = 128;
/// For how long what Redis told of a partition holds: other gateways add to it.
const TOLD_HOLDS_MS: i64 = 30_000;
/// Comparisons that come to nothing in a row before a model is left alone.
const FAILED_MAX: u32 = 5;
/// For how long.
const REST_MS: u64 = 5_000;

/// A question that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Under what its answer is kept.
    pub answer: TenantKey,
    pub means: Vector,
    /// When it was answered, in epoch milliseconds.
    pub at_ms: i64,
}

/// Bytes of a written question beside its numbers.
const HEAD: usize = 8 + 32;

impl Question {
    /// Its length when it is written.
    #[must_use]
    pub const fn written_len(means: &Vector) -> usize {
        HEAD + means.len()
    }

    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(Self::written_len(&self.means));
        out.extend_from_slice(&self.at_ms.to_le_bytes());
        out.extend_from_slice(self.answer.hash());
        self.means.write(&mut out);
        out
    }

    /// A question of a partition, whose organisation's its answer is.
    #[must_use]
    pub fn read(partition: &TenantKey, bytes: &[u8]) -> Option<Self> {
        let (at_ms, rest) = bytes.split_first_chunk::<8>()?;
        let (hash, means) = rest.split_first_chunk::<32>()?;
        let at_ms = i64::from_le_bytes(*at_ms);
        Some(Self { answer: partition.sibling(*hash), means: Vector::read(means)?, at_ms })
    }
}

/// Questions that were answered, of all partitions.
#[derive(Debug)]
pub struct Near {
    book: Mutex<Book>,
    bytes_max: usize,
    /// Models that did not answer lately.
    tired: Mutex<HashMap<ModelId, Tired>>,
}

#[derive(Debug, Default)]
struct Book {
    partitions: HashMap<TenantKey, Place>,
    /// In the order of their coming, round and round.
    round: VecDeque<TenantKey>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Place {
    questions: Arc<Mutex<VecDeque<Question>>>,
    bytes: usize,
    told_ms: Option<i64>,
    /// Asked for since the round last came by.
    wanted: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Tired {
    failed: u32,
    until_ms: u64,
}

impl Near {
    /// 0 bytes: nothing is kept.
    #[must_use]
    pub fn new(bytes_max: usize) -> Self {
        Self { book: Mutex::default(), bytes_max, tired: Mutex::default() }
    }

    /// Whether Redis is to be asked for what other gateways know of a partition.
    #[must_use]
    pub fn wants(&self, partition: &TenantKey, now_ms: i64) -> bool {
        let book = lock(&self.book);
        let told = book.partitions.get(partition).and_then(|place| place.told_ms);
        !told.is_some_and(|told| (0..TOLD_HOLDS_MS).contains(&now_ms.saturating_sub(told)))
    }

    /// What Redis told of a partition, the newest first.
    pub fn told(&self, partition: TenantKey, questions: Vec<Question>, now_ms: i64) {
        self.change(partition, |place| {
            place.told_ms = Some(now_ms);
            let mut known = lock(&place.questions);
            for question in questions {
                if known.len() < QUESTIONS_MAX
                    && !known.iter().any(|one| one.answer == question.answer)
                {
                    known.push_back(question);
                }
            }
        });
    }

    /// A question was answered, perhaps again.
    pub fn add(&self, partition: TenantKey, question: Question) {
        self.change(partition, |place| {
            let mut known = lock(&place.questions);
            known.retain(|one| one.answer != question.answer);
            known.push_front(question);
            known.truncate(QUESTIONS_MAX);
        });
    }

    /// The answers to the questions of a partition that are at most `ttl_ms` old and at least
    /// `alike_min` alike, the most alike first, with how alike they are.
    #[must_use]
    pub fn find(
        &self,
        partition: &TenantKey,
        means: &Vector,
        alike_min: u16,
        (now_ms, ttl_ms): (i64, i64),
    ) -> Vec<(u16, TenantKey)> {
        let questions = {
            let mut book = lock(&self.book);
            let Some(place) = book.partitions.get_mut(partition) else { return Vec::new() };
            place.wanted = true;
            Arc::clone(&place.questions)
        };
        let questions = lock(&questions);
        let young = questions.iter().filter(|one| now_ms.saturating_sub(one.at_ms) <= ttl_ms);
        let alike = young.map(|one| (one.means.alike(means), one.answer));
        let mut found: Vec<_> = alike.filter(|(alike, _)| *alike >= alike_min).collect();
        drop(questions);
        found.sort_by(|(one, _), (other, _)| other.cmp(one));
        found
    }

    /// The answer to a question is not there any more.
    pub fn forget(&self, partition: TenantKey, answer: &TenantKey) {
        self.change(partition, |place| lock(&place.questions).retain(|one| one.answer != *answer));
    }

    /// How many partitions there are, and of how many bytes.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        let book = lock(&self.book);
        (book.partitions.len(), book.bytes)
    }

    /// Whether an embedding model may be asked: not for a while after it failed again and again, so
    /// that calls do not wait for what does not come.
    #[must_use]
    pub fn may_ask(&self, model: ModelId, now_ms: u64) -> bool {
        lock(&self.tired).get(&model).is_none_or(|tired| tired.until_ms <= now_ms)
    }

    /// How that ended.
    pub fn asked(&self, model: ModelId, answered: bool, now_ms: u64) {
        let mut tired = lock(&self.tired);
        if answered {
            tired.remove(&model);
            return;
        }
        let tired = tired.entry(model).or_default();
        tired.failed += 1;
        if tired.failed >= FAILED_MAX {
            *tired = Tired { failed: 0, until_ms: now_ms.saturating_add(REST_MS) };
        }
    }

    fn change(&self, partition: TenantKey, change: impl FnOnce(&mut Place)) {
        if self.bytes_max == 0 {
            return;
        }
        let mut book = lock(&self.book);
        let book = &mut *book;
        let place = book.partitions.entry(partition).or_insert_with(|| {
            book.round.push_back(partition);
            Place::default()
        });
        change(place);
        let questions = lock(&place.questions);
        let bytes = questions.iter().map(|one| one.means.len() + EACH).sum::<usize>() + EACH;
        drop(questions);
        book.bytes = book.bytes + bytes - place.bytes;
        place.bytes = bytes;
        book.shrink(self.bytes_max);
    }
}

impl Book {
    /// Partitions that nobody asked for lately leave until the rest has room.
    fn shrink(&mut self, bytes_max: usize) {
        while self.bytes > bytes_max {
            let Some(oldest) = self.round.pop_front() else { return };
            let place = self.partitions.get_mut(&oldest);
            if place.is_some_and(|place| std::mem::take(&mut place.wanted)) {
                self.round.push_back(oldest);
            } else if let Some(gone) = self.partitions.remove(&oldest) {
                self.bytes -= gone.bytes;
            }
        }
    }
}
