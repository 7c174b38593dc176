//! Metrics over HTTP: one page, for Prometheus. Nothing else is answered, and nothing is believed of who asks.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use super::Metrics;
use crate::live::NotReady;

/// Who asks has so long, and one is answered after the other.
const PATIENCE: Duration = Duration::from_secs(2);

/// A request is no longer than this.
const REQUEST_MAX: usize = 8 << 10;

/// Answers from here on, until the process ends.
///
/// # Errors
/// If the address cannot be used.
pub async fn serve(address: SocketAddr, metrics: Metrics) -> Result<(), NotReady> {
    let listener = TcpListener::bind(address).await;
    let failed = |error: io::Error| {
        NotReady(format!("metrics cannot be served at {address}: {error}; change `watch.metrics_addr`"))
    };
    let listener = listener.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    tracing::info!("metrics at http://{address}/metrics");
    tokio::spawn(async move {
        loop {
            if let Ok((stream, _)) = listener.accept().await {
                let _ = timeout(PATIENCE, answer(stream, &metrics)).await;
            } else {
                // Out of descriptors, perhaps: others need time to give some back.
                tokio::time::sleep(PATIENCE).await;
            }
        }
    });
    Ok(())
}

async fn answer(mut stream: TcpStream, metrics: &Metrics) -> io::Result<()> {
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") && request.len() < REQUEST_MAX {
        if stream.read_buf(&mut request).await? == 0 {
            break;
        }
    }
    let line = String::from_utf8_lossy(&request);
    let mut words = line.split_whitespace();
    let (status, body) = match (words.next(), words.next()) {
        (Some("GET"), Some("/metrics")) => ("200 OK", metrics.prometheus()),
        (Some("GET"), Some(_)) => ("404 Not Found", "metrics are at /metrics\n".to_owned()),
        _ => ("405 Method Not Allowed", String::new()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain; version=0.0.4; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}
