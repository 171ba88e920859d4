//! What observers are told of the calls and items of a run that is cancelled, dropped or aborted.

use std::sync::Arc;

use pipeline::{ErrorKind, pipeline, stage};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::support::recording_observer::{End, RecordingObserver};
use crate::support::worker_counts::{OnWorkers, for_each_worker_count};
use crate::support::{Refused, ms};

#[stage]
async fn slow(x: u64) -> Result<u64, Refused> {
    tokio::time::sleep(ms(x)).await;
    if x == 30 { Err(Refused(30)) } else { Ok(x) }
}

#[tokio::test(start_paused = true)]
async fn observers_see_the_calls_and_items_of_an_aborted_strict_run_as_cancelled() {
    for_each_worker_count!(|workers| {
        let observer = Arc::new(RecordingObserver::default());
        let pipeline =
            pipeline![slow => |x| x].observe(Arc::clone(&observer)).concurrency(4).on_workers(workers);
        pipeline.drain([10, 30, 500, 500, 500, 500]).await.unwrap_err();
        let record = observer.take_record();
        record.check();
        assert_eq!(record.call_ends("slow")[..4], [End::Done, End::Failed, End::Cancelled, End::Cancelled]);
        assert_eq!(record.item_ends()[..4], [End::Done, End::Failed, End::Cancelled, End::Cancelled]);
        // A stream still gives the items before the failure; `collect` cancels items whose call is done but which
        // wait for an earlier item.
        pipeline.stream([500, 10, 30]).report().await;
        let record = observer.take_record();
        record.check();
        assert_eq!(record.item_ends(), [End::Done, End::Done, End::Failed]);
        pipeline.collect([500, 10, 30]).await.unwrap_err();
        let record = observer.take_record();
        record.check();
        assert_eq!(record.call_ends("slow"), [End::Cancelled, End::Done, End::Failed]);
        assert_eq!(record.item_ends(), [End::Cancelled, End::Cancelled, End::Failed]);
    });
}

#[tokio::test(start_paused = true)]
async fn observers_see_the_calls_and_items_stopped_by_the_second_token_as_cancelled() {
    for_each_worker_count!(|workers| {
        let observer = Arc::new(RecordingObserver::default());
        for verb in ["drain", "collect", "stream", "settle", "run"] {
            let tokens = [CancellationToken::new(), CancellationToken::new()];
            let pipeline = pipeline![slow].observe(Arc::clone(&observer)).concurrency(4).on_workers(workers);
            let pipeline = tokens.iter().fold(pipeline, |pipeline, token| pipeline.cancel_on(token.clone()));
            tokio::spawn(async move {
                tokio::time::sleep(ms(150)).await;
                tokens.iter().for_each(CancellationToken::cancel);
            });
            let items = vec![100, 500, 500, 500, 500, 500];
            match verb {
                "drain" => drop(pipeline.drain(items).await.unwrap()),
                "collect" => drop(pipeline.collect(items).await.unwrap_err()),
                "stream" => drop(pipeline.stream(items).report().await),
                "settle" => drop(pipeline.settle(items).await),
                _ => assert_eq!(pipeline.run(500).await.unwrap_err().kind(), ErrorKind::Cancelled),
            }
            let record = observer.take_record();
            record.check();
            let cancelled = record.call_ends("slow").iter().filter(|end| **end == End::Cancelled).count();
            assert_eq!(cancelled, if verb == "run" { 1 } else { 4 }, "{verb}, {workers} workers");
        }
    });
}

#[tokio::test(start_paused = true)]
async fn observers_see_the_calls_and_items_of_a_dropped_run_as_cancelled() {
    for_each_worker_count!(|workers| {
        let observer = Arc::new(RecordingObserver::default());
        let pipeline = pipeline![slow].observe(Arc::clone(&observer)).concurrency(3).on_workers(workers);
        for verb in ["drain", "collect", "stream", "settle", "run"] {
            let items = vec![100, 500, 500, 500, 500, 500];
            let time = ms(150);
            match verb {
                "drain" => drop(timeout(time, pipeline.drain(items)).await.unwrap_err()),
                "collect" => drop(timeout(time, pipeline.collect(items)).await.unwrap_err()),
                "stream" => drop(timeout(time, pipeline.stream(items).report()).await.unwrap_err()),
                "settle" => drop(timeout(time, pipeline.settle(items)).await.unwrap_err()),
                _ => drop(timeout(time, pipeline.run(500)).await.unwrap_err()),
            }
            // The runtime drops aborted tasks when it polls them next,
            tokio::time::sleep(ms(1)).await;
            // so their calls may end after the run.
            let record = observer.take_record_with_late_calls();
            let items = record.finished[0].items_in();
            assert_eq!(record.items.len(), items, "{verb}, {workers} workers: each item ends");
            let expected = if verb == "run" { 1 } else { 3 };
            let cancelled = record.call_ends("slow").iter().filter(|end| **end == End::Cancelled).count();
            assert_eq!(cancelled, expected, "{verb}, {workers} workers");
        }
    });
}
