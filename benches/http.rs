//! Requests to a server on this machine, beside `reqwest` under futures' `buffer_unordered` by hand.
//!
//! The server has a thread to itself, and the client another. Both sides share one client and its connections.
//! A thousand at once need two thousand open files: `ulimit -n 4096`.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use benches::{Contest, Mark, median, timed};
use futures::stream::{self, StreamExt, TryStreamExt};
use pipeline::{Pipeline, Stage, pipeline, stage};
use reqwest::{Client, Url};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;

type Failure = Box<dyn Error + Send + Sync>;

const REQUESTS: u32 = 10_000;
const WIDTH: usize = 64;
const ROUNDS: usize = 21;

/// So many endpoints, each of which answers after so long.
const ENDPOINTS: u32 = 1000;
const SLOW: Duration = Duration::from_millis(50);
const SLOW_ROUNDS: usize = 21;

#[stage]
async fn size(url: Url, #[state] client: &Client) -> Result<usize, reqwest::Error> {
    let response = client.get(url).send().await?.error_for_status()?;
    Ok(response.bytes().await?.len())
}

async fn by_pipeline<F>(pipeline: &Pipeline<Url, F, Client>, urls: &[Url]) -> Result<usize, Failure>
where
    F: Stage<Url, Client>,
{
    Ok(pipeline.drain(urls.iter().cloned()).await?.items_out())
}

async fn by_hand(client: &Client, width: usize, urls: &[Url]) -> Result<usize, Failure> {
    let sizes = stream::iter(urls.iter().cloned()).map(|url| size(url, client)).buffer_unordered(width);
    Ok(sizes.try_fold(0, async |count, _| Ok(count + 1)).await?)
}

/// `/now/n` answers at once, `/slow/n` after a while.
fn serve() -> Result<SocketAddr, Failure> {
    let router = Router::new().route("/now/{n}", get(async || "an answer")).route(
        "/slow/{n}",
        get(async || {
            sleep(SLOW).await;
            "an answer"
        }),
    );
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        runtime().block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let _ = send.send(listener.local_addr()?);
            axum::serve(listener, router).await
        })
    });
    Ok(receive.recv()?)
}

fn urls(server: SocketAddr, path: &str, n: u32) -> Result<Vec<Url>, Failure> {
    (0..n).map(|n| Ok(format!("http://{server}/{path}/{n}").parse()?)).collect()
}

/// How long a thousand slow ones take beyond a thousand that answer at once, which is what sending and receiving costs;
/// over connections that are there already.
fn wide(run: &Runtime, client: &Client, server: SocketAddr) -> Result<(), Failure> {
    let width = ENDPOINTS as usize;
    let now = urls(server, "now", ENDPOINTS)?;
    let slow = urls(server, "slow", ENDPOINTS)?;
    let pipeline = pipeline![size].with(client.clone()).concurrency(width).unordered();
    let ours = |urls: &[Url]| run.block_on(by_pipeline(&pipeline, urls));
    let theirs = |urls: &[Url]| run.block_on(by_hand(client, width, urls));
    let milliseconds = |call: &dyn Fn(&[Url]) -> Result<usize, Failure>, urls| {
        let (took, count) = timed(|| call(urls));
        assert_eq!(count?, width, "an answer is missing");
        Ok::<_, Failure>(took.as_secs_f64() * 1e3)
    };

    // Only slow answers keep a thousand connections busy at once.
    milliseconds(&ours, &slow)?;
    let mut rounds = Vec::new();
    for _ in 0..SLOW_ROUNDS {
        let ours = [milliseconds(&ours, &now)?, milliseconds(&ours, &slow)?];
        let theirs = [milliseconds(&theirs, &now)?, milliseconds(&theirs, &slow)?];
        rounds.push([ours, theirs]);
    }
    println!("\nhttp/1000 at once, each after {SLOW:?}");
    for (side, name) in ["pipeline", "buffer_unordered"].into_iter().enumerate() {
        let [now, slow] = [0, 1].map(|path| median(rounds.iter().map(|round| round[side][path])));
        let beyond = median(rounds.iter().map(|round| round[side][1] - round[side][0]));
        println!("  {name:<32} {slow:>10.1} ms, at once {now:.1} ms: {beyond:.1} ms  mark 55 ms");
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    let server = serve()?;
    let client = Client::new();
    let runtime = runtime();
    let run = &runtime;

    let pipeline = pipeline![size].with(client.clone()).concurrency(WIDTH).unordered();
    let requests = urls(server, "now", REQUESTS)?;
    Contest::new("http/64 at once", REQUESTS)
        .side("pipeline", || run.block_on(by_pipeline(&pipeline, &requests)).expect("the server answers"))
        .marked("buffer_unordered", Mark::Ratio(0.97), || {
            run.block_on(by_hand(&client, WIDTH, &requests)).expect("the server answers")
        })
        .run(ROUNDS);
    wide(run, &client, server)
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime on this thread needs no resources")
}
