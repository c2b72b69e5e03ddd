//! The mailbox of a local installation: takes mail over SMTP, keeps the newest in memory, shows it
//! on a page. Nothing is ever sent on. Loopback only, bounded.

mod mime;
mod smtp;
mod view;

pub(crate) use smtp::accept;
pub(crate) use view::answer;

use serde::Serialize;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Mails that are kept.
const MAILS_MAX: usize = 500;

/// One mail to one recipient or more, as it arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mail {
    /// Counts up from 1.
    pub id: u64,
    pub from: String,
    pub to: Vec<String>,
    pub subject: String,
    /// The plain text part, decoded.
    pub text: String,
    /// The web addresses in the text, in order.
    pub links: Vec<String>,
}

#[derive(Debug, Default)]
struct Inner {
    last_id: u64,
    mails: VecDeque<Mail>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Mailbox(Arc<Mutex<Inner>>);

impl Mailbox {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a mail and returns its id.
    fn put(&self, from: String, to: Vec<String>, data: &[u8]) -> u64 {
        let parsed = mime::parse(data);
        let links = links(&parsed.text).map(str::to_owned).collect();
        let mut inner = self.inner();
        inner.last_id += 1;
        let id = inner.last_id;
        let mail = Mail { id, from, to, subject: parsed.subject, text: parsed.text, links };
        inner.mails.push_front(mail);
        inner.mails.truncate(MAILS_MAX);
        id
    }

    /// Newest first; only those to `to`, if given (upper and lower case do not matter).
    pub(crate) fn list(&self, to: Option<&str>) -> Vec<Mail> {
        let wanted = |mail: &&Mail| {
            to.is_none_or(|to| mail.to.iter().any(|address| address.eq_ignore_ascii_case(to)))
        };
        self.inner().mails.iter().filter(wanted).cloned().collect()
    }
}

/// The web addresses in a text, in order.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let starts = text.match_indices("http").map(|(at, _)| at);
    starts.filter_map(|at| {
        let rest = text.get(at..)?;
        let body = rest.strip_prefix("http://").or_else(|| rest.strip_prefix("https://"))?;
        let ends = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"');
        let len = rest.len() - body.len() + body.find(ends).unwrap_or(body.len());
        // Marks that end a sentence or a bracket are not part of the address.
        let link = rest.get(..len)?.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']']);
        (link.len() > "https://".len()).then_some(link)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_end_where_the_sentence_does() {
        let text =
            "Open http://127.0.0.1:7102/verify?t=a-b_c. Or <https://x.test/y>; not http alone.";
        let found: Vec<_> = links(text).collect();
        assert_eq!(found, ["http://127.0.0.1:7102/verify?t=a-b_c", "https://x.test/y"]);
    }

    #[test]
    fn the_newest_mails_are_kept_and_come_first() {
        let mailbox = Mailbox::default();
        for n in 0..MAILS_MAX + 2 {
            mailbox.put("a@x".into(), vec![format!("{n}@x")], b"Subject: s\r\n\r\ntext");
        }
        let all = mailbox.list(None);
        assert_eq!((all.len(), all[0].id), (MAILS_MAX, MAILS_MAX as u64 + 2));
        assert_eq!(mailbox.list(Some("7@X")).len(), 1);
        assert!(mailbox.list(Some("1@x")).is_empty());
    }
}
