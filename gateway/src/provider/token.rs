//! Tokens that expire, one source for each credential. The background keeps those that are used: it
//! fetches a token once, whoever asks, and again ahead of its expiry. A call waits only while
//! there is none at all, and for at most one fetch.

use super::credential::{Unusable, sensitive};
use super::exchange::{self, Grant};
use crate::clock::Clock;
use contract::seal::Secret;
use http::HeaderValue;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Notify, watch};

/// The waits after fetches that failed: doubled from the first to the last.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LAST_WAIT: Duration = Duration::from_secs(60);
/// A token younger than this is not fetched anew because a provider refused it: it is not its age.
const REFUSED_AGE_MIN: Duration = Duration::from_secs(30);

/// Why there is no token. Says nothing of the credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no token: {0}")]
pub struct TokenError(pub String);

/// Where the tokens of one credential come from, and the one that is held.
#[derive(Debug)]
pub struct TokenSource {
    grant: Grant,
    held: watch::Sender<Held>,
    /// The background looks after it.
    kept: AtomicBool,
    /// A call asked since the last fetch.
    used: AtomicBool,
    fetch_now: Arc<Notify>,
}

#[derive(Debug, Clone)]
enum Held {
    /// Nothing yet, or nothing any more; a fetch is under way or about to be.
    Nothing,
    Token(Token),
    Failed(TokenError),
}

#[derive(Debug, Clone)]
struct Token {
    header: HeaderValue,
    fetched: Instant,
    expires: Instant,
}

/// Hands sources to the background.
#[derive(Debug, Clone)]
pub struct Keeper(UnboundedSender<Arc<TokenSource>>);

impl Keeper {
    #[must_use]
    pub fn new() -> (Self, UnboundedReceiver<Arc<TokenSource>>) {
        let (sender, receiver) = unbounded_channel();
        (Self(sender), receiver)
    }
}

impl TokenSource {
    /// Of a Google service account, from its key file.
    pub(super) fn google(key_file: &Secret, url: Option<&str>) -> Result<Self, Unusable> {
        Grant::google(key_file, url).map(Self::new)
    }

    /// Of an IBM Cloud API key.
    pub(super) fn ibm(api_key: &Secret, url: Option<&str>) -> Result<Self, Unusable> {
        Grant::ibm(api_key, url).map(Self::new)
    }

    fn new(grant: Grant) -> Self {
        Self {
            grant,
            held: watch::Sender::new(Held::Nothing),
            kept: AtomicBool::new(false),
            used: AtomicBool::new(false),
            fetch_now: Arc::default(),
        }
    }

    /// What to send as `Authorization`. Waits for a token where there is none.
    ///
    /// # Errors
    /// The last fetch failed, and the next is not due yet.
    pub async fn header(self: &Arc<Self>, keeper: &Keeper) -> Result<HeaderValue, TokenError> {
        let mut held = self.held.subscribe();
        loop {
            match &*held.borrow_and_update() {
                Held::Token(token) if token.expires > Instant::now() => {
                    self.used.store(true, Ordering::Relaxed);
                    return Ok(token.header.clone());
                }
                Held::Failed(error) => {
                    self.used.store(true, Ordering::Relaxed);
                    return Err(error.clone());
                }
                Held::Token(_) | Held::Nothing => {}
            }
            if !self.kept.swap(true, Ordering::AcqRel) && keeper.0.send(Arc::clone(self)).is_err() {
                return Err(TokenError("the background has ended".to_owned()));
            }
            if held.changed().await.is_err() {
                return Err(TokenError("the provider's record has changed".to_owned()));
            }
        }
    }

    /// A provider would not take the token: another is fetched, unless this one is quite new.
    pub fn refused(&self) {
        let old = match &*self.held.borrow() {
            Held::Token(token) => token.fetched.elapsed() >= REFUSED_AGE_MIN,
            Held::Nothing | Held::Failed(_) => false,
        };
        if old {
            self.fetch_now.notify_one();
        }
    }
}

/// Looks after every source that a call has asked for. Runs for ever.
pub async fn keep_tokens(mut asked: UnboundedReceiver<Arc<TokenSource>>, clock: Clock) {
    let mut tls = None;
    while let Some(source) = asked.recv().await {
        if tls.is_none() {
            match super::tls_config() {
                Ok(config) => tls = Some(Arc::new(config)),
                Err(error) => tracing::error!(%error, "no TLS, so no tokens"),
            }
        }
        let Some(tls) = &tls else { continue };
        tokio::spawn(keep(Arc::downgrade(&source), Arc::clone(tls), clock.clone()));
    }
}

/// Looks after one source, until its credential is gone or nobody uses it.
async fn keep(source: Weak<TokenSource>, tls: Arc<rustls::ClientConfig>, clock: Clock) {
    let mut wait_after_failure = FIRST_WAIT;
    loop {
        let Some(kept) = source.upgrade() else { return };
        let wait = match exchange::fetch(&kept.grant, &tls, clock.now()).await {
            Ok(fresh) => {
                wait_after_failure = FIRST_WAIT;
                kept.hold(&fresh)
            }
            Err(error) => {
                tracing::warn!(%error, "a token could not be fetched");
                kept.fail(error);
                let wait = wait_after_failure;
                wait_after_failure = (wait * 2).min(LAST_WAIT);
                wait
            }
        };
        let fetch_now = Arc::clone(&kept.fetch_now);
        // A credential that is replaced meanwhile does not live on here.
        drop(kept);
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = fetch_now.notified() => {}
        }
        if source.upgrade().is_none_or(|source| source.rests()) {
            return;
        }
    }
}

impl TokenSource {
    /// Holds a fresh token; how long it is fresh enough.
    fn hold(&self, fresh: &exchange::Fresh) -> Duration {
        let Ok(header) = sensitive(&[b"Bearer ".as_slice(), fresh.token.as_bytes()].concat())
        else {
            self.fail(TokenError("the token fits into no header".to_owned()));
            return LAST_WAIT;
        };
        let fetched = Instant::now();
        let expires = fetched + fresh.lives;
        self.held.send_replace(Held::Token(Token { header, fetched, expires }));
        // Ahead of its expiry by a fifth of its life.
        fresh.lives / 5 * 4
    }

    /// Notes a fetch that failed; a token that still lives goes on.
    fn fail(&self, error: TokenError) {
        self.held.send_if_modified(|held| {
            let lives = matches!(held, Held::Token(token) if token.expires > Instant::now());
            if !lives {
                *held = Held::Failed(error);
            }
            !lives
        });
    }

    /// Before another fetch: lets go of a source that no call asked since the last one. Calls that
    /// come while there is no token wait for the fetch that follows.
    fn rests(&self) -> bool {
        let rests = !self.used.swap(false, Ordering::Relaxed);
        if rests {
            // First not kept, then nothing: whoever is woken hands it to the background again.
            self.kept.store(false, Ordering::Release);
            self.held.send_replace(Held::Nothing);
        } else {
            self.held.send_if_modified(|held| {
                let failed = matches!(held, Held::Failed(_));
                if failed {
                    *held = Held::Nothing;
                }
                failed
            });
        }
        rests
    }
}
