use std::io::{Read as _, Write as _};

use super::*;

/// A server that gives one answer to everything; what it was asked, for each connection.
fn server(answer: &'static [u8]) -> (Url, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let head = head::Head::read(&mut client, Vec::new()).unwrap();
            let _ = tell.send(String::from_utf8(head.bytes()).unwrap());
            let _ = client.write_all(answer);
        }
    });
    (Url::parse(&format!("http://127.0.0.1:{port}/a.git")).unwrap(), told)
}

fn ask(gate: &Gate, request: &str) -> String {
    let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, gate.port)).unwrap();
    client.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = client.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

#[test]
fn a_request_arrives_with_the_servers_name() {
    let (url, told) = server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    let gate = Gate::open(&url, &[]).unwrap();
    gate.begin(1000);
    assert_eq!(gate.url(&url), format!("http://127.0.0.1:{}/a.git", gate.port));
    let answer =
        ask(&gate, "GET /a.git/x HTTP/1.1\r\nHost: 127.0.0.1:1\r\nAuthorization: a\r\n\r\n");
    assert!(answer.ends_with("Connection: close\r\n\r\nhi"), "{answer}");
    let request = told.recv().unwrap();
    let host = format!("Host: 127.0.0.1:{}\r\n", url.port().unwrap());
    assert!(request.contains(&host) && !request.contains("127.0.0.1:1\r\n"), "{request}");
    assert!(request.contains("Authorization: a\r\n"), "{request}");
}

/// T-20.
#[test]
fn a_redirect_ends_here() {
    let (url, _told) = server(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/b.git\r\n\r\n");
    let gate = Gate::open(&url, &[]).unwrap();
    gate.begin(1000);
    assert!(ask(&gate, "GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 502"));
    let to = "http://127.0.0.1:1/b.git".to_owned();
    assert_eq!(gate.report().stopped, Some(Stopped::Redirected(to)));
}

#[test]
fn a_budget_is_kept() {
    let (url, _told) =
        server(&[b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &[b'x'; 100]].concat().leak()[..]);
    let gate = Gate::open(&url, &[]).unwrap();
    gate.begin(60);
    assert!(ask(&gate, "GET / HTTP/1.1\r\n\r\n").len() <= 60);
    assert_eq!(gate.report().stopped, Some(Stopped::TooMuch));
}

#[test]
fn a_tunnel_leads_to_one_server_only() {
    let url = Url::parse("https://127.0.0.1:1/a.git").unwrap();
    let gate = Gate::open(&url, &[]).unwrap();
    gate.begin(1000);
    assert_eq!(gate.url(&url), url.as_str());
    assert!(gate.proxy().is_some());
    assert!(ask(&gate, "CONNECT 127.0.0.1:2 HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 403"));
    assert_eq!(gate.report().stopped, Some(Stopped::Redirected("https://127.0.0.1:2".into())));
    gate.begin(1000);
    assert!(ask(&gate, "CONNECT 127.0.0.1:1 HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 502"));
    let refused = "connection refused".to_owned();
    assert_eq!(gate.report().stopped, Some(Stopped::Unreachable(refused)));
}

#[test]
fn answers_with_a_pause_are_reported() {
    let (url, _told) = server(b"HTTP/1.1 429 Slow\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n");
    let gate = Gate::open(&url, &[]).unwrap();
    gate.begin(1000);
    assert!(ask(&gate, "GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 429"));
    assert_eq!(gate.report().retry_after, Some(Duration::from_secs(30)));
}
