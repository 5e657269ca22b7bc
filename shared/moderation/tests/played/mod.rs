//! A server that answers one request.

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};

/// Serves one response. Returns the origin, and the request: its head in lower case, and its JSON.
pub(crate) async fn play(status: u16, body: &Value) -> (String, JoinHandle<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let body = body.to_string();
    let request = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut bytes = Vec::new();
        let (head, start) = loop {
            connection.read_buf(&mut bytes).await.unwrap();
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break (String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase(), end + 4);
            }
        };
        let length = head.split("content-length: ").nth(1).unwrap().lines().next().unwrap().parse::<usize>().unwrap();
        while bytes.len() < start + length {
            connection.read_buf(&mut bytes).await.unwrap();
        }
        let head_out = format!(
            "HTTP/1.1 {status} Played\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        connection.write_all((head_out + &body).as_bytes()).await.unwrap();
        (head, serde_json::from_slice(&bytes[start..]).unwrap())
    });
    (origin, request)
}
