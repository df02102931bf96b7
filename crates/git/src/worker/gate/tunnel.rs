//! With TLS: a tunnel to the one server, asked for by `CONNECT`.

use std::io::{self, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use super::head::Head;
use super::{Route, Stopped, pipe};

pub(super) fn serve(route: &Arc<Route>, mut client: TcpStream) -> io::Result<()> {
    let head = Head::read(&mut client, Vec::new())?;
    let target = head.start().strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next());
    if target != Some(&with_port(route)) {
        // libgit2 follows a redirect to another port of the same server, or from http to https.
        let elsewhere =
            target.map_or_else(|| "plain http".to_owned(), |target| format!("https://{target}"));
        route.stop(Stopped::Redirected(elsewhere));
        return client.write_all(b"HTTP/1.1 403 Elsewhere\r\nContent-Length: 0\r\n\r\n");
    }
    let Some(mut server) = route.connect() else {
        return client.write_all(b"HTTP/1.1 502 Unreachable\r\nContent-Length: 0\r\n\r\n");
    };
    client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n")?;
    server.write_all(&head.rest)?;
    pipe::upwards(client.try_clone()?, server.try_clone()?)?;
    pipe::downwards(route, server, client);
    Ok(())
}

/// Host and port as libgit2 writes them after `CONNECT`.
fn with_port(route: &Route) -> String {
    let host =
        if route.host.contains(':') { format!("[{}]", route.host) } else { route.host.clone() };
    format!("{host}:{}", route.port)
}
