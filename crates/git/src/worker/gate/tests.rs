use std::io::Write as _;
use std::net::TcpStream;

use super::*;

/// A server that gives one answer to everything; what it was asked, for each connection.
fn server(answer: &'static [u8]) -> (Url, mpsc::Receiver<String>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut buffer = [0; 4096];
            let count = client.read(&mut buffer).unwrap();
            let _ = tell.send(String::from_utf8_lossy(&buffer[..count]).into_owned());
            // The connection ends with the answer, and says so: else the next request may meet its end.
            let start = answer.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            let (status, rest) = answer.split_at(start);
            let _ = client.write_all(&[status, b"Connection: close\r\n", rest].concat());
        }
    });
    (Url::parse(&format!("http://127.0.0.1:{port}/a.git")).unwrap(), told)
}

fn gate(url: &Url, login: &Login) -> Gate {
    let gate = Gate::open(url, login, None, &[]).unwrap();
    gate.begin(1000);
    gate
}

/// The answer to a request for something below the gate's url.
fn ask(gate: &Gate, below: &str) -> String {
    let url = Url::parse(&format!("{}{below}", gate.url())).unwrap();
    let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, url.port().unwrap())).unwrap();
    let target = url.as_str().split_once(&format!(":{}", url.port().unwrap())).unwrap().1;
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: x\r\nAuthorization: forged\r\nCookie: x\r\nConnection: close\r\n\r\n"
    );
    client.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    let _ = client.read_to_string(&mut answer);
    answer
}

const REFS: &str = "/info/refs?service=git-upload-pack";

#[test]
fn a_request_arrives_with_the_credentials_and_nothing_else() {
    let (url, told) =
        server(b"HTTP/1.1 200 OK\r\nContent-Type: text/x\r\nContent-Length: 2\r\n\r\nhi");
    let login = Login::Basic { username: "me".into(), password: "x".to_owned().into() };
    let gate = gate(&url, &login);
    let answer = ask(&gate, REFS);
    assert!(
        answer.contains("content-type: text/x\r\n") && answer.contains("\r\nhi\r\n"),
        "{answer}"
    );
    let request = told.recv().unwrap();
    assert!(
        request.starts_with("GET /a.git/info/refs?service=git-upload-pack HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(request.contains("authorization: Basic bWU6eA==\r\n"), "{request}");
    assert!(!request.contains("forged") && !request.contains("ookie"), "{request}");
    assert!(request.contains(&format!("host: 127.0.0.1:{}\r\n", url.port().unwrap())), "{request}");
}

#[test]
fn nothing_else_is_behind_the_gate() {
    let (url, told) = server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let gate = gate(&url, &Login::None);
    for below in ["/../b.git/info/refs", "/config", "b/info/refs", "/info/refs/../../config"] {
        assert!(ask(&gate, below).starts_with("HTTP/1.1 404"), "{below}");
    }
    let stranger = Gate { route: gate.route.clone(), url: gate.url.replace("/a.git", "0/a.git") };
    assert!(ask(&stranger, REFS).starts_with("HTTP/1.1 404"));
    assert!(told.try_recv().is_err());
    assert!(ask(&gate, REFS).starts_with("HTTP/1.1 200"));
}

/// T-20.
#[test]
fn a_redirect_ends_here() {
    let (url, _told) = server(
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/b.git\r\nContent-Length: 0\r\n\r\n",
    );
    let gate = gate(&url, &Login::None);
    assert!(ask(&gate, REFS).starts_with("HTTP/1.1 502"));
    let to = "http://127.0.0.1:1/b.git".to_owned();
    assert_eq!(gate.report().stopped, Some(Stopped::Redirected(to)));
}

#[test]
fn a_budget_is_kept() {
    let (url, _told) = server(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789");
    let gate = gate(&url, &Login::None);
    gate.begin(9);
    assert!(!ask(&gate, REFS).contains("0123456789"));
    assert_eq!(gate.report().stopped, Some(Stopped::TooMuch(9)));
    gate.begin(10);
    assert!(ask(&gate, REFS).contains("0123456789"));
    assert_eq!(gate.report(), Report::default());
}

#[test]
fn errors_are_reported_with_their_words() {
    let (url, _told) = server(
        b"HTTP/1.1 429 Slow\r\nRetry-After: 30\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nwait",
    );
    let gate = gate(&url, &Login::None);
    assert!(ask(&gate, REFS).starts_with("HTTP/1.1 429"));
    let stopped = Some(Stopped::Status(429, "wait".into()));
    assert_eq!(gate.report(), Report { stopped, retry_after: Some(Duration::from_secs(30)) });
}

#[test]
fn servers_that_are_not_there_and_addresses_that_are_refused() {
    let url = |text: &str| Url::parse(text).unwrap();
    let stopped = |url: &Url, refused: &[IpAddr]| {
        let gate = Gate::open(url, &Login::None, None, refused).unwrap();
        gate.begin(1000);
        assert!(ask(&gate, REFS).starts_with("HTTP/1.1 502"));
        gate.report().stopped.unwrap()
    };
    let refused = Stopped::Unreachable("connection refused".into());
    assert_eq!(stopped(&url("http://127.0.0.1:1/a.git"), &[]), refused);
    let unknown = stopped(&url("http://nowhere.invalid/a.git"), &[]);
    assert_eq!(unknown, Stopped::Unreachable("its name does not resolve".into()));
    let loopback: [IpAddr; 2] = ["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()];
    assert!(matches!(stopped(&url("http://localhost:1/a.git"), &loopback), Stopped::Refused(_)));
    assert_eq!(stopped(&url("http://127.0.0.1:1/a.git"), &loopback), Stopped::Refused(loopback[0]));
    assert!(matches!(stopped(&url("http://169.254.169.254/a.git"), &[]), Stopped::Refused(_)));
}
