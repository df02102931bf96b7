//! Copying bytes between two connections.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

use super::{Route, spawn};

const BUFFER: usize = 32 << 10;

/// Sends on, in a thread of its own, what the client says. When the server does not listen any more
/// the rest is read and dropped, so that the client comes to read the answer.
pub(super) fn upwards(mut client: TcpStream, mut server: TcpStream) -> std::io::Result<()> {
    spawn(move || {
        let mut buffer = vec![0; BUFFER];
        let mut listens = true;
        while let Ok(count @ 1..) = client.read(&mut buffer) {
            listens = listens && server.write_all(&buffer[..count]).is_ok();
        }
        let _ = server.shutdown(Shutdown::Write);
    })
}

/// Sends on what the server says, until its end or that of the budget.
pub(super) fn downwards(route: &Arc<Route>, mut server: TcpStream, mut client: TcpStream) {
    let mut buffer = vec![0; BUFFER];
    while let Ok(count @ 1..) = server.read(&mut buffer) {
        if !route.spend(count) || client.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}
