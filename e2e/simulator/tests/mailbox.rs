//! The mailbox from outside: mail sent over SMTP is found on the page and in its JSON.

#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

use serde_json::Value;
use simulator::{Handle, Options, start_with};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

async fn mailbox() -> Handle {
    let any = "127.0.0.1:0".parse().unwrap();
    start_with(Options { smtp_listen: Some(any), ..Options::at(any) }).await.unwrap()
}

/// Sends all of `lines` at once, as a pipelining client would, and returns what came back.
async fn smtp(handle: &Handle, lines: &[&str]) -> String {
    let mut stream = TcpStream::connect(handle.smtp_addr.unwrap()).await.unwrap();
    stream.write_all((lines.join("\r\n") + "\r\n").as_bytes()).await.unwrap();
    let mut replies = String::new();
    stream.read_to_string(&mut replies).await.unwrap();
    replies
}

#[tokio::test]
async fn mail_sent_to_the_mailbox_can_be_read_and_its_link_followed() {
    let handle = mailbox().await;
    let replies = smtp(
        &handle,
        &[
            "EHLO backend",
            "MAIL FROM:<portal@tollgate.test>",
            "RCPT TO:<ada+new@x.test>",
            "DATA",
            "Subject: Verify your address",
            "Content-Transfer-Encoding: quoted-printable",
            "",
            "Open http://127.0.0.1:7102/verify?token=3Dabc=",
            "def to go on.",
            ".",
            "QUIT",
        ],
    )
    .await;
    assert!(replies.contains("250 kept as 1") && replies.contains("221"), "{replies}");

    let base = format!("http://{}/mailbox", handle.addr);
    let text = reqwest::get(format!("{base}/api?to=Ada%2Bnew@x.test")).await.unwrap();
    let mails: Value = serde_json::from_str(&text.text().await.unwrap()).unwrap();
    let link = "http://127.0.0.1:7102/verify?token=abcdef";
    assert_eq!(mails.pointer("/0/links/0").unwrap(), link);
    assert_eq!(mails.pointer("/0/subject").unwrap(), "Verify your address");

    let page = reqwest::get(&base).await.unwrap().text().await.unwrap();
    assert!(page.contains(&format!("<a href=\"{link}\">")), "{page}");
    assert!(page.contains("local mailbox of this installation"), "{page}");
    let others = reqwest::get(format!("{base}/api?to=bob@x.test")).await.unwrap();
    assert_eq!(others.text().await.unwrap(), "[]");
}

#[tokio::test]
async fn an_endless_line_ends_the_connection() {
    let handle = mailbox().await;
    let long = "x".repeat(9000);
    let mut stream = TcpStream::connect(handle.smtp_addr.unwrap()).await.unwrap();
    stream.write_all(long.as_bytes()).await.unwrap();
    let mut replies = Vec::new();
    // The rest of the line was never read, so the connection may end with a reset.
    let _ = stream.read_to_end(&mut replies).await;
    let replies = String::from_utf8(replies).unwrap();
    assert!(replies.is_empty() || replies.contains("500 "), "{replies}");
    assert!(smtp(&handle, &["NOOP", "QUIT"]).await.contains("221"));
}
