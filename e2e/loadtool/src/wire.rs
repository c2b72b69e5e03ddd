//! The least of HTTP/1.1 that a load needs: one request's bytes out, one answer in, kept alive. A
//! general client would cost more CPU than the gateway under test.

use bytes::BytesMut;
use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The largest head or chunk-size line that is read.
const HEAD_MAX: usize = 64 << 10;

#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: BytesMut,
    /// Of the last answer.
    head: BytesMut,
}

#[derive(Debug, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunked,
}

fn wrong(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}

impl Connection {
    /// # Errors
    /// The address refuses the connection.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: BytesMut::with_capacity(16 << 10), head: BytesMut::new() })
    }

    /// Sends a request and reads its whole answer, giving `body` each piece as it comes. The
    /// status is returned.
    ///
    /// # Errors
    /// The connection ends or the answer is not HTTP before the answer is whole.
    pub async fn ask(&mut self, request: &[u8], mut body: impl FnMut(&[u8])) -> Result<u16> {
        self.stream.write_all(request).await?;
        self.head = self.line(b"\r\n\r\n").await?;
        let (status, framing) = read_head(&self.head)?;
        match framing {
            Framing::Length(length) => self.take(length, &mut body).await?,
            Framing::Chunked => loop {
                let line = self.line(b"\r\n").await?;
                let size = chunk_size(&line).ok_or_else(|| wrong("a chunk's size"))?;
                self.take(size, &mut body).await?;
                self.line(b"\r\n").await?;
                if size == 0 {
                    break;
                }
            },
        }
        Ok(status)
    }

    /// A header of the last answer, its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = std::str::from_utf8(&self.head).ok()?.lines();
        let mut pairs = lines.filter_map(|line| line.split_once(':'));
        pairs.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    async fn fill(&mut self) -> Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// Everything up to and including `end`.
    async fn line(&mut self, end: &[u8]) -> Result<BytesMut> {
        loop {
            if let Some(at) = self.buffer.windows(end.len()).position(|window| window == end) {
                return Ok(self.buffer.split_to(at + end.len()));
            }
            if self.buffer.len() > HEAD_MAX {
                return Err(wrong("a head without an end"));
            }
            self.fill().await?;
        }
    }

    async fn take(&mut self, mut left: usize, body: &mut impl FnMut(&[u8])) -> Result<()> {
        while left > 0 {
            if self.buffer.is_empty() {
                self.fill().await?;
            }
            let piece = self.buffer.split_to(left.min(self.buffer.len()));
            left -= piece.len();
            body(&piece);
        }
        Ok(())
    }
}

fn read_head(head: &[u8]) -> Result<(u16, Framing)> {
    let text = std::str::from_utf8(head).map_err(|_| wrong("the head"))?;
    let status = text.get(9..12).and_then(|digits| digits.parse().ok());
    let status = status.ok_or_else(|| wrong("the status"))?;
    let mut framing = Framing::Length(0);
    for line in text.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("content-length") {
            let length = value.trim().parse().map_err(|_| wrong("content-length"))?;
            framing = Framing::Length(length);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            framing = Framing::Chunked;
        }
    }
    Ok((status, framing))
}

fn chunk_size(line: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(line).ok()?;
    usize::from_str_radix(text.split(';').next()?.trim(), 16).ok()
}

/// Counts the events of a stream cut anywhere, and sees whether it ended as it should.
#[derive(Debug)]
pub struct Events<'a> {
    pub seen: u64,
    tail: Vec<u8>,
    /// What a whole stream ends with.
    end: &'a [u8],
}

impl<'a> Events<'a> {
    pub const fn new(end: &'a [u8]) -> Self {
        Self { seen: 0, tail: Vec::new(), end }
    }

    pub fn feed(&mut self, piece: &[u8]) {
        let joins = self.tail.last() == Some(&b'\n') && piece.first() == Some(&b'\n');
        let within = piece.windows(2).filter(|pair| *pair == b"\n\n").count();
        self.seen += u64::from(joins) + u64::try_from(within).unwrap_or(0);
        self.tail.extend_from_slice(piece);
        let keep = self.tail.len().saturating_sub(self.end.len().max(1));
        self.tail.drain(..keep);
    }

    pub fn ended(&self) -> bool {
        self.tail.ends_with(self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_counted_however_the_stream_is_cut() {
        let stream = b"data: {}\n\ndata: {}\n\ndata: [DONE]\n\n";
        for size in 1..=stream.len() {
            let mut events = Events::new(b"data: [DONE]\n\n");
            stream.chunks(size).for_each(|piece| events.feed(piece));
            assert_eq!((events.seen, events.ended()), (3, true), "in pieces of {size}");
        }
        let mut cut = Events::new(b"data: [DONE]\n\n");
        cut.feed(b"data: {}\n\ndata: [DONE]\n");
        assert!(!cut.ended());
    }

    #[test]
    fn a_head_says_status_and_framing_or_what_is_wrong_with_it() {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n";
        assert_eq!(read_head(head).unwrap(), (200, Framing::Length(12)));
        let head = b"HTTP/1.1 402 No\r\ntransfer-encoding: chunked\r\n\r\n";
        assert_eq!(read_head(head).unwrap(), (402, Framing::Chunked));
        assert!(read_head(b"nonsense\r\n\r\n").is_err());
        assert_eq!(chunk_size(b"1f;x=y\r\n"), Some(31));
    }
}
