//! Over plain http: one request for each connection, sent on with the server's name in it.

use std::io::{self, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use super::head::Head;
use super::{Route, Stopped, pipe};

pub(super) fn serve(route: &Arc<Route>, mut client: TcpStream) -> io::Result<()> {
    let mut request = Head::read(&mut client, Vec::new())?;
    let Some(mut server) = route.connect() else {
        return refuse(&mut client);
    };
    request.set("Host", &route.authority());
    // The next request comes on a connection of its own, and so past this place.
    request.set("Connection", "close");
    server.write_all(&request.bytes())?;
    pipe::upwards(client.try_clone()?, server.try_clone()?)?;
    let mut answer = Head::read(&mut server, Vec::new())?;
    while matches!(answer.status(), Some(100..=199)) {
        answer = Head::read(&mut server, answer.rest)?;
    }
    if matches!(answer.status(), Some(300..=399)) {
        let to = answer.get("location").unwrap_or("nowhere").to_owned();
        route.stop(Stopped::Redirected(to));
        return refuse(&mut client);
    }
    route.lock().retry_after = answer.retry_after();
    answer.set("Connection", "close");
    let bytes = answer.bytes();
    if route.spend(bytes.len()) {
        client.write_all(&bytes)?;
        pipe::downwards(route, server, client);
    }
    Ok(())
}

fn refuse(client: &mut TcpStream) -> io::Result<()> {
    client.write_all(b"HTTP/1.1 502 Stopped\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}
