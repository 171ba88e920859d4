//! What observers are told of the calls and items of a run that is cancelled or aborted.

use std::sync::Arc;

use pipeline::{ErrorKind, pipeline, stage};
use tokio_util::sync::CancellationToken;

use crate::support::recording_observer::{End, Log};
use crate::support::worker_counts::{Spread, however_spread};
use crate::support::{Refused, ms};

#[stage]
async fn slow(x: u64) -> Result<u64, Refused> {
    tokio::time::sleep(ms(x)).await;
    if x == 30 { Err(Refused(30)) } else { Ok(x) }
}

#[tokio::test(start_paused = true)]
async fn calls_and_items_that_a_strict_run_gives_up_are_told_as_cancelled() {
    however_spread!(|workers| {
        let log = Arc::new(Log::default());
        let line = pipeline![slow => |x| x].observe(Arc::clone(&log)).concurrency(4).spread(workers);
        line.drain([10, 30, 500, 500, 500, 500]).await.unwrap_err();
        let told = log.take();
        told.check();
        assert_eq!(told.ends("slow")[..4], [End::Done, End::Failed, End::Cancelled, End::Cancelled]);
        assert_eq!(told.items()[..4], [End::Done, End::Failed, End::Cancelled, End::Cancelled]);
        // What is done and waits for its turn is not out: its call is done, and it is given up.
        line.stream([500, 10, 30]).report().await;
        let told = log.take();
        told.check();
        assert_eq!(told.items(), [End::Done, End::Done, End::Failed]);
        line.collect([500, 10, 30]).await.unwrap_err();
        let told = log.take();
        told.check();
        assert_eq!(told.ends("slow"), [End::Cancelled, End::Done, End::Failed]);
        assert_eq!(told.items(), [End::Cancelled, End::Cancelled, End::Failed]);
    });
}

#[tokio::test(start_paused = true)]
async fn calls_and_items_that_a_second_token_stops_are_told_as_cancelled() {
    however_spread!(|workers| {
        let log = Arc::new(Log::default());
        for verb in ["drain", "collect", "stream", "settle", "run"] {
            let tokens = [CancellationToken::new(), CancellationToken::new()];
            let line = pipeline![slow].observe(Arc::clone(&log)).concurrency(4).spread(workers);
            let line = tokens.iter().fold(line, |line, token| line.cancel_on(token.clone()));
            tokio::spawn(async move {
                tokio::time::sleep(ms(150)).await;
                tokens.iter().for_each(CancellationToken::cancel);
            });
            let items = vec![100, 500, 500, 500, 500, 500];
            match verb {
                "drain" => drop(line.drain(items).await.unwrap()),
                "collect" => drop(line.collect(items).await.unwrap_err()),
                "stream" => drop(line.stream(items).report().await),
                "settle" => drop(line.settle(items).await),
                _ => assert_eq!(line.run(500).await.unwrap_err().kind(), ErrorKind::Cancelled),
            }
            let told = log.take();
            told.check();
            let cancelled = told.ends("slow").iter().filter(|end| **end == End::Cancelled).count();
            assert_eq!(cancelled, if verb == "run" { 1 } else { 4 }, "{verb}, {workers} workers");
        }
    });
}

#[tokio::test(start_paused = true)]
async fn calls_and_items_of_a_future_that_is_dropped_are_told_as_cancelled() {
    however_spread!(|workers| {
        let log = Arc::new(Log::default());
        let line = pipeline![slow].observe(Arc::clone(&log)).concurrency(3).spread(workers);
        for verb in ["drain", "collect", "stream", "settle", "run"] {
            let items = vec![100, 500, 500, 500, 500, 500];
            let time = ms(150);
            match verb {
                "drain" => drop(tokio::time::timeout(time, line.drain(items)).await.unwrap_err()),
                "collect" => drop(tokio::time::timeout(time, line.collect(items)).await.unwrap_err()),
                "stream" => drop(tokio::time::timeout(time, line.stream(items).report()).await.unwrap_err()),
                "settle" => drop(tokio::time::timeout(time, line.settle(items)).await.unwrap_err()),
                _ => drop(tokio::time::timeout(time, line.run(500)).await.unwrap_err()),
            }
            // Tasks that are aborted are dropped when their runtime comes to them.
            tokio::time::sleep(ms(1)).await;
            // Those tasks end by themselves, so their calls may end after the run.
            let told = log.take_late();
            let items = told.finished[0].items_in();
            assert_eq!(told.items.len(), items, "{verb}, {workers} workers: each item ends");
            let expected = if verb == "run" { 1 } else { 3 };
            let cancelled = told.ends("slow").iter().filter(|end| **end == End::Cancelled).count();
            assert_eq!(cancelled, expected, "{verb}, {workers} workers");
        }
    });
}
