//! A small server of travellers: see `desk.rs`.

use std::io;

use reqwest::Url;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::desk;

/// A server that runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    url: Url,
    task: JoinHandle<io::Result<()>>,
}

impl Server {
    /// Reads the data and listens on a port that is free.
    pub(crate) async fn start() -> Result<Self, Box<dyn std::error::Error>> {
        let router = desk::router()?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?).parse()?;
        let task = tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, task })
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}
