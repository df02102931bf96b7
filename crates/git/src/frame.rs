//! Messages between us and a worker: four bytes of length, then JSON.

use std::io::{self, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Longest message. A writer's files are at most 64 MiB, and bytes may take four characters each.
const LONGEST: usize = 320 << 20;

fn encode<T: Serialize>(message: &T) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, message)?;
    let length = bytes.len() - 4;
    let head = u32::try_from(length).ok().filter(|_| length <= LONGEST).ok_or_else(too_long)?;
    bytes[..4].copy_from_slice(&head.to_be_bytes());
    Ok(bytes)
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> io::Result<T> {
    // The parser's words may quote the message.
    let bad = |_| io::Error::new(io::ErrorKind::InvalidData, "a message does not read");
    serde_json::from_slice(bytes).map_err(bad)
}

fn length(head: [u8; 4]) -> io::Result<usize> {
    let length = usize::try_from(u32::from_be_bytes(head)).map_err(|_| too_long())?;
    if length <= LONGEST { Ok(length) } else { Err(too_long()) }
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a message is too long")
}

/// Sends a message.
pub(crate) fn send<T: Serialize>(to: &mut impl Write, message: &T) -> io::Result<()> {
    to.write_all(&encode(message)?)?;
    to.flush()
}

/// The next message; `None` where the other side has gone.
pub(crate) fn receive<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    let mut head = [0; 4];
    match from.read_exact(&mut head) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let mut bytes = vec![0; length(head)?];
    from.read_exact(&mut bytes)?;
    decode(&bytes).map(Some)
}

/// Sends a message, without blocking the runtime.
pub(crate) async fn send_async<T: Serialize>(
    to: &mut (impl AsyncWrite + Unpin),
    message: &T,
) -> io::Result<()> {
    to.write_all(&encode(message)?).await?;
    to.flush().await
}

/// The next message, without blocking the runtime; an error where the other side has gone.
pub(crate) async fn receive_async<T: DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
) -> io::Result<T> {
    let mut head = [0; 4];
    from.read_exact(&mut head).await?;
    let mut bytes = vec![0; length(head)?];
    from.read_exact(&mut bytes).await?;
    decode(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_sent_arrives() {
        let mut wire = Vec::new();
        send(&mut wire, &vec!["a", "b"]).unwrap();
        send_async(&mut wire, &vec!["c"]).await.unwrap();
        let mut from = wire.as_slice();
        assert_eq!(receive::<Vec<String>>(&mut from).unwrap().unwrap(), ["a", "b"]);
        assert_eq!(receive_async::<Vec<String>>(&mut from).await.unwrap(), ["c"]);
        assert_eq!(receive::<Vec<String>>(&mut from).unwrap(), None);
        assert!(receive_async::<Vec<String>>(&mut from).await.is_err());
    }

    #[test]
    fn a_length_nobody_means_is_refused_before_memory_is_taken() {
        let mut wire: &[u8] = &[0xff, 0xff, 0xff, 0xff, b'{'];
        assert!(receive::<String>(&mut wire).is_err());
        let mut cut: &[u8] = &[0, 0, 0, 9, b'"'];
        assert!(receive::<String>(&mut cut).is_err());
    }
}
