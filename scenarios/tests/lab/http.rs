//! One HTTP request after another, over sockets of the standard library.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// How long an answer may take: a browser on a machine that is busy with other things takes its time.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// A connection on which a request has been made.
pub(crate) fn ask(server: SocketAddr, method: &str, path: &str, headers: &str, body: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(server).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = body.len();
    let request =
        format!("{method} {path} HTTP/1.1\r\n{headers}Connection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).unwrap();
    BufReader::new(stream)
}

/// Reads status and headers.
fn head(stream: &mut BufReader<TcpStream>) -> (u16, String) {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        let read = stream.read_line(&mut head).expect("the server answers");
        assert!(read > 0, "the connection was closed: {head}");
    }
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("an answer has a status");
    (status, head.to_lowercase())
}

/// Makes a request and reads its whole answer.
pub(crate) fn send(server: SocketAddr, method: &str, path: &str, headers: &str, body: &str) -> Answer {
    let mut stream = ask(server, method, path, headers, body);
    let (status, head) = head(&mut stream);
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length:")).map(|text| text.trim().parse().unwrap());
    let mut bytes = Vec::new();
    match length {
        Some(length) => {
            bytes.resize(length, 0);
            stream.read_exact(&mut bytes).unwrap();
        }
        None => {
            stream.read_to_end(&mut bytes).unwrap();
        }
    }
    Answer { status, head, body: String::from_utf8(bytes).unwrap() }
}

/// The messages of a page's stream, the first of which holds everything.
pub(crate) fn messages(server: SocketAddr) -> impl Iterator<Item = serde_json::Value> {
    let mut stream = ask(server, "GET", "/live", &format!("Host: {server}\r\n"), "");
    assert_eq!(head(&mut stream).0, 200);
    let lines = stream.lines().map(|line| line.expect("the stream goes on"));
    lines.filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok())
}
