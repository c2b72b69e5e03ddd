//! Under what an answer is kept. What must stay true: no key is made without an organisation, and
//! no two organisations, apps or teams that do not share make the same one.

use contract::id::{AppId, OrgId, TeamId};
use contract::key::KeyPepper;
use contract::snapshot::CacheScope;
use std::fmt;
use std::io;

/// What the key of an installation's cache is made for. The form of what is hashed, too: another
/// one gets another name.
const CONTEXT: &str = "tollgate cache 1";

/// Who shares answers: an organisation, or a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tenant {
    org: OrgId,
    part: Part,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Part {
    Whole,
    Team(TeamId),
    App(AppId),
}

impl Tenant {
    /// Those with whom the app of an organisation's team shares.
    #[must_use]
    pub const fn new(org: OrgId, team: TeamId, app: AppId, scope: CacheScope) -> Self {
        let part = match scope {
            CacheScope::Org => Part::Whole,
            CacheScope::Team => Part::Team(team),
            CacheScope::App => Part::App(app),
        };
        Self { org, part }
    }
}

/// The installation's secret for keys: who knows a key and what was asked learns nothing of others.
#[derive(Clone)]
pub struct CacheSecret([u8; 32]);

impl CacheSecret {
    /// The same for all gateways of an installation.
    #[must_use]
    pub fn of(pepper: &KeyPepper) -> Self {
        Self(pepper.subkey(CONTEXT))
    }
}

impl fmt::Debug for CacheSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CacheSecret(redacted)")
    }
}

/// What was asked, by whom. Equal only for the same organisation.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TenantKey {
    org: OrgId,
    hash: [u8; 32],
}

impl TenantKey {
    /// The organisation that it is of.
    #[must_use]
    pub const fn org(&self) -> OrgId {
        self.org
    }

    /// In text, for a store that has an organisation's keys by themselves.
    #[must_use]
    pub fn text(&self) -> String {
        blake3::Hash::from_bytes(self.hash).to_hex().to_string()
    }

    /// The key of something else of the same organisation's, by its hash.
    pub(super) const fn sibling(&self, hash: [u8; 32]) -> Self {
        Self { org: self.org, hash }
    }

    pub(super) const fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// The key of what is like it but for `what`.
    pub(super) fn but_for(&self, what: &[u8]) -> Self {
        self.sibling(*blake3::keyed_hash(&self.hash, what).as_bytes())
    }

    /// A small number, evenly spread.
    #[must_use]
    pub const fn spread(&self) -> u8 {
        let [first, ..] = self.hash;
        first
    }
}

impl fmt::Debug for TenantKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TenantKey({}, {})", self.org, self.text())
    }
}

/// A key that is being made: everything that the answer depends on is added, in one order.
pub struct KeyMaker {
    org: OrgId,
    hasher: blake3::Hasher,
}

impl fmt::Debug for KeyMaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyMaker({})", self.org)
    }
}

impl KeyMaker {
    /// Begins one. The hash is keyed by the organisation: even the same words of two are no words
    /// of the same language.
    #[must_use]
    pub fn new(secret: &CacheSecret, tenant: &Tenant) -> Self {
        let of_org = blake3::keyed_hash(&secret.0, tenant.org.0.as_bytes());
        let hasher = blake3::Hasher::new_keyed(of_org.as_bytes());
        let (kind, id) = match tenant.part {
            Part::Whole => (b"o", tenant.org.0),
            Part::Team(team) => (b"t", team.0),
            Part::App(app) => (b"a", app.0),
        };
        let mut maker = Self { org: tenant.org, hasher };
        maker.add(kind);
        maker.add(id.as_bytes());
        maker
    }

    /// Adds some bytes; where they end is a part of it.
    pub fn add(&mut self, bytes: &[u8]) {
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.hasher.update(&len.to_le_bytes());
        self.hasher.update(bytes);
    }

    /// Adds a number.
    pub fn number(&mut self, number: u64) {
        self.hasher.update(&number.to_le_bytes());
    }

    /// Ends it with a text of unknown length: nothing comes after it.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(
        mut self,
        write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
    ) -> io::Result<TenantKey> {
        // Writers of JSON write a few bytes at a time.
        let mut out = io::BufWriter::with_capacity(4_096, &mut self.hasher);
        write(&mut out)?;
        io::Write::flush(&mut out)?;
        drop(out);
        Ok(TenantKey { org: self.org, hash: *self.hasher.finalize().as_bytes() })
    }
}
