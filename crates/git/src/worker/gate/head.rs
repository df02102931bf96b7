//! The head of an HTTP message: read, looked at, and changed in a few lines.

use std::io::{self, Read};
use std::time::Duration;

/// Longest head.
const LONGEST: usize = 64 << 10;

/// A head, and the bytes of the body that came with it.
pub(super) struct Head {
    start: String,
    lines: Vec<String>,
    pub(super) rest: Vec<u8>,
}

impl Head {
    /// Reads a head, after these bytes that came before.
    pub(super) fn read(from: &mut impl Read, mut bytes: Vec<u8>) -> io::Result<Self> {
        let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
        let mut buffer = [0; 4096];
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break end;
            }
            if bytes.len() > LONGEST {
                return Err(bad("the head is too long"));
            }
            match from.read(&mut buffer)? {
                0 => return Err(bad("the head has no end")),
                count => bytes.extend_from_slice(&buffer[..count]),
            }
        };
        let rest = bytes.split_off(end + 4);
        // Bytes that are no text can only be in values we do not look at.
        let text = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = text.split("\r\n").map(str::to_owned);
        let start = lines.next().unwrap_or_default();
        Ok(Self { start, lines: lines.collect(), rest })
    }

    /// The first line.
    pub(super) fn start(&self) -> &str {
        &self.start
    }

    /// The status of an answer.
    pub(super) fn status(&self) -> Option<u16> {
        self.start.split(' ').nth(1)?.parse().ok()
    }

    /// The value of a header.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let named = |line: &&String| {
            line.split_once(':').is_some_and(|(key, _)| key.trim().eq_ignore_ascii_case(name))
        };
        let line = self.lines.iter().find(named)?;
        line.split_once(':').map(|(_, value)| value.trim())
    }

    /// How long the server wants to be left alone.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        self.get("retry-after")?.parse().ok().map(Duration::from_secs)
    }

    /// Replaces a header.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.lines.retain(|line| {
            line.split_once(':').is_none_or(|(key, _)| !key.trim().eq_ignore_ascii_case(name))
        });
        self.lines.push(format!("{name}: {value}"));
    }

    /// The bytes of head and body so far.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut text = self.start.clone();
        for line in &self.lines {
            text.push_str("\r\n");
            text.push_str(line);
        }
        text.push_str("\r\n\r\n");
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(&self.rest);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_in_pieces_and_changed() {
        let wire = b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nconnection: keep-alive\r\n\r\nbody";
        let mut head = Head::read(&mut &wire[10..], wire[..10].to_vec()).unwrap();
        assert_eq!((head.status(), head.retry_after()), (Some(503), Some(Duration::from_secs(7))));
        head.set("Connection", "close");
        assert_eq!(
            head.bytes(),
            b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nConnection: close\r\n\r\nbody"
        );
        assert!(Head::read(&mut &b"GET / HTTP/1.1\r\n"[..], Vec::new()).is_err());
        assert!(Head::read(&mut vec![b'x'; 100_000].as_slice(), Vec::new()).is_err());
    }
}
