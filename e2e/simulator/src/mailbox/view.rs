//! `/mailbox`: the page and its JSON twin. No script; the links of a mail can be followed.

use super::{Mail, Mailbox, links};
use crate::play::{Body, json, whole};
use http::{HeaderValue, Method, Response, StatusCode, header};
use std::fmt::Write as _;
use std::net::SocketAddr;

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{font:1rem/1.5 system-ui,sans-serif;max-width:46rem;margin:0 auto;padding:1rem}\
article{border-top:1px solid GrayText;padding:.5rem 0 1rem}\
h2{font-size:1.1rem;margin:.5rem 0}\
dl{display:grid;grid-template-columns:auto 1fr;gap:0 1rem;margin:0}\
dt{font-weight:600}dd{margin:0;overflow-wrap:anywhere}\
.text{white-space:pre-wrap;overflow-wrap:anywhere}";

/// The part of the page before the mails; `{smtp}` is where mail is taken.
fn head(smtp: Option<SocketAddr>, to: Option<&str>) -> String {
    let whose = to.map(|to| format!(" to {}", escape(to))).unwrap_or_default();
    let taken = smtp.map_or_else(
        || "It takes no mail at the moment.".to_owned(),
        |smtp| format!("It takes mail at smtp://{smtp}."),
    );
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Local mailbox</title>\
         <link rel=\"stylesheet\" href=\"/mailbox/style.css\">\
         <link rel=\"icon\" href=\"data:,\"></head><body><main><h1>Mail{whose}</h1>\
         <p>This is the local mailbox of this installation’s simulator. {taken} Nothing leaves \
         this machine; the newest mails are kept until the simulator stops.</p>"
    )
}

pub(crate) fn answer(
    mailbox: &Mailbox,
    smtp: Option<SocketAddr>,
    method: &Method,
    path: &str,
    query: &str,
) -> Response<Body> {
    let to = query.split('&').find_map(|pair| pair.strip_prefix("to=")).map(percent_decode);
    let to = to.as_deref().filter(|to| !to.is_empty());
    match (method, path) {
        (&Method::GET, "/mailbox" | "/mailbox/") => page(&mailbox.list(to), smtp, to),
        (&Method::GET, "/mailbox/api") => json(StatusCode::OK, &mailbox.list(to)),
        (&Method::GET, "/mailbox/style.css") => whole(StatusCode::OK, "text/css", STYLE.to_owned()),
        _ => {
            whole(StatusCode::NOT_FOUND, "text/plain", "GET /mailbox or /mailbox/api\n".to_owned())
        }
    }
}

fn page(mails: &[Mail], smtp: Option<SocketAddr>, to: Option<&str>) -> Response<Body> {
    let mut html = head(smtp, to);
    if mails.is_empty() {
        html.push_str("<p>There is no mail yet.</p>");
    }
    for mail in mails {
        // Writing to a String cannot fail.
        let _ = write!(
            html,
            "<article><h2>{}</h2><dl><dt>To</dt><dd>{}</dd><dt>From</dt><dd>{}</dd></dl>\
             <p class=\"text\">{}</p></article>",
            escape(&mail.subject),
            escape(&mail.to.join(", ")),
            escape(&mail.from),
            linked(&mail.text),
        );
    }
    html.push_str("</main></body></html>");
    let mut response = whole(StatusCode::OK, "text/html; charset=utf-8", html);
    let policy = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; \
                  form-action 'none'; frame-ancestors 'none'";
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// The text as HTML, its web addresses as links.
fn linked(text: &str) -> String {
    let (mut html, mut rest) = (String::with_capacity(text.len()), text);
    for link in links(text) {
        let Some((before, after)) = rest.split_once(link) else { continue };
        let link = escape(link);
        let _ = write!(html, "{}<a href=\"{link}\">{link}</a>", escape(before));
        rest = after;
    }
    html.push_str(&escape(rest));
    html
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split('%');
    bytes.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
    for part in parts {
        let code = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend_from_slice(part.get(2..).unwrap_or_default().as_bytes());
            }
            None => {
                bytes.push(b'%');
                bytes.extend_from_slice(part.as_bytes());
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_cannot_put_markup_into_the_page() {
        let html = linked("<script> http://x.test/?a=1&b=\"><script>");
        assert!(!html.contains("<script>"), "{html}");
        assert!(html.contains("<a href=\"http://x.test/?a=1&amp;b=\">"), "{html}");
    }

    #[test]
    fn an_address_in_the_query_is_decoded() {
        assert_eq!(percent_decode("a%2Bb%40x.test%"), "a+b@x.test%");
    }
}
