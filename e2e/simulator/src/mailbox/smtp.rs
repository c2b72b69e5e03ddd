//! The SMTP side: EHLO, MAIL, RCPT, DATA, RSET, NOOP, QUIT. No login, no TLS, no relay: every
//! address is taken and the mail stays here.

use super::Mailbox;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

const MESSAGE_MAX: usize = 2 << 20;
const LINE_MAX: u64 = 8 << 10;
const RECIPIENTS_MAX: usize = 100;
const CONNECTIONS_MAX: usize = 64;
const IDLE: Duration = Duration::from_secs(60);

pub(crate) async fn accept(listener: TcpListener, mailbox: Mailbox) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => {
                match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(connection(stream, mailbox.clone()));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept mail");
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, mailbox: Mailbox) {
    match tokio::time::timeout(IDLE * 10, converse(stream, mailbox)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "mail connection ended"),
        Err(_) => tracing::debug!("mail connection took too long"),
    }
}

async fn converse(stream: TcpStream, mailbox: Mailbox) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let (reading, mut writing) = stream.into_split();
    let mut reading = BufReader::new(reading);
    writing.write_all(b"220 localhost Tollgate simulator mailbox\r\n").await?;
    let mut session = Session::new(mailbox);
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut bounded = (&mut reading).take(LINE_MAX);
        let read = tokio::time::timeout(IDLE, bounded.read_until(b'\n', &mut line)).await;
        if read.map_err(|_| std::io::ErrorKind::TimedOut)?? == 0 {
            return Ok(());
        }
        if line.last() != Some(&b'\n') {
            return writing.write_all(b"500 the line is too long\r\n").await;
        }
        let Some(reply) = session.line(&line) else { continue };
        writing.write_all(reply.as_bytes()).await?;
        if reply.starts_with("221") {
            return Ok(());
        }
    }
}

/// One connection's state. Fed line by line; answers where SMTP answers.
struct Session {
    mailbox: Mailbox,
    from: Option<String>,
    to: Vec<String>,
    /// The message so far, while one is being received.
    data: Option<Vec<u8>>,
    too_large: bool,
}

impl Session {
    fn new(mailbox: Mailbox) -> Self {
        Self { mailbox, from: None, to: Vec::new(), data: None, too_large: false }
    }

    fn line(&mut self, line: &[u8]) -> Option<String> {
        if self.data.is_some() {
            return self.data_line(line);
        }
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end();
        let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
        Some(match verb.to_ascii_uppercase().as_str() {
            "EHLO" => {
                self.forget();
                format!(
                    "250-localhost\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE {MESSAGE_MAX}\r\n"
                )
            }
            "HELO" => {
                self.forget();
                "250 localhost\r\n".to_owned()
            }
            "MAIL" => self.mail(rest),
            "RCPT" => self.rcpt(rest),
            "DATA" if self.to.is_empty() => "503 say MAIL and RCPT first\r\n".to_owned(),
            "DATA" => {
                self.data = Some(Vec::new());
                "354 end with a line that holds only a dot\r\n".to_owned()
            }
            "RSET" => {
                self.forget();
                "250 forgotten\r\n".to_owned()
            }
            "NOOP" => "250 nothing done\r\n".to_owned(),
            "QUIT" => "221 goodbye\r\n".to_owned(),
            _ => "502 not a command of this mailbox\r\n".to_owned(),
        })
    }

    fn forget(&mut self) {
        self.from = None;
        self.to.clear();
        self.data = None;
        self.too_large = false;
    }

    fn mail(&mut self, rest: &str) -> String {
        let Some(address) = address(rest, "FROM:") else {
            return "501 expected MAIL FROM:<address>\r\n".to_owned();
        };
        self.forget();
        self.from = Some(address);
        "250 taken\r\n".to_owned()
    }

    fn rcpt(&mut self, rest: &str) -> String {
        if self.from.is_none() {
            return "503 say MAIL first\r\n".to_owned();
        }
        match address(rest, "TO:") {
            Some(_) if self.to.len() >= RECIPIENTS_MAX => "452 too many recipients\r\n".to_owned(),
            Some(address) if !address.is_empty() => {
                self.to.push(address);
                "250 taken\r\n".to_owned()
            }
            _ => "501 expected RCPT TO:<address>\r\n".to_owned(),
        }
    }

    fn data_line(&mut self, line: &[u8]) -> Option<String> {
        if line != b".\r\n" && line != b".\n" {
            // A leading dot was doubled by the sender.
            let line = line.strip_prefix(b".").unwrap_or(line);
            let data = self.data.as_mut()?;
            self.too_large |= data.len() + line.len() > MESSAGE_MAX;
            if !self.too_large {
                data.extend_from_slice(line);
            }
            return None;
        }
        let (data, from) = (self.data.take()?, self.from.take().unwrap_or_default());
        let (to, too_large) = (std::mem::take(&mut self.to), self.too_large);
        self.forget();
        if too_large {
            return Some(format!("552 a message may have {MESSAGE_MAX} bytes\r\n"));
        }
        let id = self.mailbox.put(from, to, &data);
        Some(format!("250 kept as {id}\r\n"))
    }
}

/// The address in `FROM:<a@b> SIZE=…`; empty for `<>`.
fn address(rest: &str, word: &str) -> Option<String> {
    let (head, tail) = rest.split_at_checked(word.len())?;
    let tail = head.eq_ignore_ascii_case(word).then(|| tail.trim_start())?;
    let inside = tail.strip_prefix('<')?.split_once('>')?.0;
    Some(inside.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(session: &mut Session, lines: &[&str]) -> Vec<String> {
        let replies = lines.iter().filter_map(|l| session.line(format!("{l}\r\n").as_bytes()));
        replies.map(|reply| reply.chars().take(3).collect()).collect()
    }

    #[test]
    fn a_mail_is_kept_with_its_dots_restored() {
        let mailbox = Mailbox::default();
        let mut session = Session::new(mailbox.clone());
        let lines = [
            "EHLO me",
            "MAIL FROM:<a@x.test> SIZE=10",
            "RCPT TO:<b@x.test>",
            "rcpt to:<C@x.test>",
            "DATA",
            "Subject: hello",
            "",
            "..dot",
            "end",
            ".",
            "QUIT",
        ];
        assert_eq!(say(&mut session, &lines), ["250", "250", "250", "250", "354", "250", "221"]);
        let mail = mailbox.list(Some("c@X.test")).remove(0);
        assert_eq!((mail.from.as_str(), mail.text.as_str()), ("a@x.test", ".dot\nend\n"));
        assert_eq!(mail.to, ["b@x.test", "C@x.test"]);
    }

    #[test]
    fn commands_out_of_order_or_out_of_shape_are_refused() {
        let mut session = Session::new(Mailbox::default());
        let lines = [
            "DATA",
            "RCPT TO:<b@x>",
            "MAIL b@x",
            "MAIL FROM:<>",
            "DATA",
            "RCPT TO:<>",
            "VRFY b",
            "MAIL FROM:<ü",
            "NOOP",
        ];
        let replies = say(&mut session, &lines);
        assert_eq!(replies, ["503", "503", "501", "250", "503", "501", "502", "501", "250"]);
    }

    #[test]
    fn a_mail_that_is_too_large_is_refused_and_not_kept() {
        let mailbox = Mailbox::default();
        let mut session = Session::new(mailbox.clone());
        say(&mut session, &["MAIL FROM:<a@x>", "RCPT TO:<b@x>", "DATA"]);
        let line = "x".repeat(4000);
        for _ in 0..=MESSAGE_MAX / 4000 {
            say(&mut session, &[&line]);
        }
        assert_eq!(say(&mut session, &["."]), ["552"]);
        assert!(mailbox.list(None).is_empty());
    }
}
