//! Runs that are asked to stop: the first cancelled token lets the items in flight finish, the second one drops them.

use std::sync::Arc;

use pipeline::{Context, ErrorKind, ErrorMode, pipeline, source, stage};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::support::recording_observer::RecordingObserver;
use crate::support::worker_counts::{OnWorkers, for_each_worker_count};
use crate::support::{Gauge, Refused, ms};

/// Sleeps for `x` milliseconds.
#[stage]
async fn work(x: u64, #[state] gauge: &Arc<Gauge>) -> u64 {
    let _inside = gauge.enter();
    tokio::time::sleep(ms(x)).await;
    x
}

#[tokio::test(start_paused = true)]
async fn the_first_cancelled_token_lets_items_in_flight_finish() {
    for_each_worker_count!(|workers| {
        let (token, start) = (CancellationToken::new(), Instant::now());
        let pipeline = pipeline![work].with(Arc::<Gauge>::default()).concurrency(4).on_workers(workers);
        let pipeline = pipeline.cancel_on(token.clone());
        tokio::spawn(async move {
            tokio::time::sleep(ms(150)).await;
            token.cancel();
        });
        let report = pipeline.drain(vec![100; 1000]).await.unwrap();
        // Items queued for a worker count as in flight.
        assert!([ms(200), ms(300)].contains(&start.elapsed()));
        assert_eq!(report.items_in(), report.items_out());
        assert_eq!((report.items_cancelled(), report.items_failed()), (0, 0));
        assert!((8..=16).contains(&report.items_in()), "{report}");

        let error = pipeline.collect([1]).await.unwrap_err();
        assert_eq!((error.failure.index, error.failure.error.kind()), (0, ErrorKind::Cancelled));
        assert_eq!((error.report.items_in(), pipeline.drain([1]).await.unwrap().items_in()), (0, 0));
        assert!(pipeline.stream([1]).next().await.is_none());
        assert_eq!(pipeline.run(1).await.unwrap_err().kind(), ErrorKind::Cancelled);
    });
}

#[tokio::test(start_paused = true)]
async fn the_first_cancelled_token_lets_items_between_boundaries_finish() {
    let token = CancellationToken::new();
    let pipeline = pipeline![work => |x| vec![x; 3] => each => work => batch(4) => |xs| xs.len()];
    let pipeline = pipeline.with(Arc::<Gauge>::default()).concurrency(2).cancel_on(token.clone());
    tokio::spawn(async move {
        tokio::time::sleep(ms(150)).await;
        token.cancel();
    });
    let report = pipeline.drain(vec![100; 1000]).await.unwrap();
    let of = |index: usize| &report.stages()[index];
    assert_eq!(of(3).calls(), 3 * report.items_in());
    assert_eq!(of(5).calls(), of(3).outputs().div_ceil(4));
    assert_eq!((report.items_out(), report.items_cancelled()), (of(5).outputs(), 0));
}

#[tokio::test(start_paused = true)]
async fn the_second_cancelled_token_stops_the_run_immediately() {
    for_each_worker_count!(|workers| {
        let (first, second, start) = (CancellationToken::new(), CancellationToken::new(), Instant::now());
        let gauge = Arc::new(Gauge::default());
        let pipeline = pipeline![work].with(Arc::clone(&gauge)).concurrency(4).on_workers(workers);
        // The order in which the tokens were registered does not matter.
        let pipeline = pipeline.cancel_on(second.clone()).cancel_on(first.clone());
        tokio::spawn(async move {
            tokio::time::sleep(ms(150)).await;
            first.cancel();
            tokio::time::sleep(ms(10)).await;
            second.cancel();
        });
        let report = pipeline.drain(vec![100; 1000]).await.unwrap();
        assert_eq!((start.elapsed(), gauge.now()), (ms(160), 0));
        assert_eq!((report.items_out(), report.items_failed()), (4, 0));
        assert_eq!(report.items_in(), 4 + report.items_cancelled());
        assert_eq!(report.stages()[0].cancelled(), 4);
    });
}

#[tokio::test(start_paused = true)]
async fn settle_has_a_result_for_each_input_after_cancellation() {
    for_each_worker_count!(|workers| {
        let tokens = [CancellationToken::new(), CancellationToken::new()];
        let pipeline = pipeline![work].with(Arc::<Gauge>::default()).concurrency(3).on_workers(workers);
        let pipeline = pipeline.cancel_on(tokens[0].clone()).cancel_on(tokens[1].clone());
        tokio::spawn(async move {
            tokio::time::sleep(ms(150)).await;
            tokens[0].cancel();
            tokio::time::sleep(ms(10)).await;
            tokens[1].cancel();
        });
        let results = pipeline.settle(vec![100; 100]).await;
        assert_eq!(results.len(), 100);
        for (index, result) in results.iter().enumerate() {
            match result {
                Ok(_) => assert!(index < 3),
                Err(error) => assert_eq!((index >= 3, error.kind()), (true, ErrorKind::Cancelled)),
            }
        }
        assert!(format!("{:#}", results[99].as_ref().unwrap_err()).contains("before the item was taken"));
    });
}

#[tokio::test(start_paused = true)]
async fn settle_returns_after_cancellation_even_if_its_source_is_pending() {
    let tokens = [CancellationToken::new(), CancellationToken::new()];
    let pipeline = pipeline![work].with(Arc::<Gauge>::default()).concurrency(3);
    let pipeline = pipeline.cancel_on(tokens[0].clone()).cancel_on(tokens[1].clone());
    let (_send, mut receive) = mpsc::unbounded_channel();
    let items = futures_util::stream::poll_fn(move |cx| receive.poll_recv(cx));
    tokens.iter().for_each(CancellationToken::cancel);
    let results = tokio::time::timeout(ms(60_000), pipeline.settle(source::stream(items))).await;
    assert!(results.is_ok_and(|results| results.is_empty()), "settle waits for a pending source");
}

#[stage]
async fn late_or_never(x: u64, #[state] gauge: &Arc<Gauge>) -> Result<u64, Refused> {
    let _inside = gauge.enter();
    match x {
        0 => tokio::time::sleep(ms(1000)).await,
        _ => std::future::pending().await,
    }
    Err(Refused(1))
}

#[tokio::test(start_paused = true)]
async fn a_run_stops_immediately_even_if_all_slots_of_all_workers_are_taken() {
    for_each_worker_count!(|workers| {
        let (gauge, start) = (Arc::new(Gauge::default()), Instant::now());
        let pipeline = pipeline![late_or_never].with(Arc::clone(&gauge)).concurrency(3).on_workers(workers);
        let aborted = tokio::time::timeout(ms(60_000), pipeline.drain(0..9)).await;
        let aborted = aborted.expect("the run does not end").unwrap_err();
        assert_eq!((aborted.failure.index, start.elapsed(), gauge.now()), (0, ms(1000), 0));

        let tokens = [CancellationToken::new(), CancellationToken::new()];
        let pipeline = tokens
            .iter()
            .fold(pipeline.on_error(ErrorMode::Lenient), |pipeline, it| pipeline.cancel_on(it.clone()));
        let run = tokio::spawn(async move { pipeline.drain(1..9).await });
        tokio::time::sleep(ms(1)).await;
        tokens.iter().for_each(CancellationToken::cancel);
        let report = tokio::time::timeout(ms(60_000), run).await;
        let report = report.unwrap_or_else(|_| panic!("{workers} workers do not end")).unwrap().unwrap();
        assert_eq!(report.items_cancelled(), report.items_in());
        assert_eq!(gauge.now(), 0);
    });
}

#[stage]
async fn until_cancelled(#[context] cx: &Context) -> bool {
    let before = cx.is_cancelled();
    cx.cancelled().await;
    !before && cx.is_cancelled()
}

#[tokio::test(start_paused = true)]
async fn a_stage_can_see_that_its_run_is_cancelled() {
    let token = CancellationToken::new();
    let pipeline = pipeline![until_cancelled].cancel_on(token.clone());
    let stopped = tokio::join!(pipeline.run(()), async {
        tokio::time::sleep(ms(1000)).await;
        token.cancel();
    });
    assert!(stopped.0.unwrap());

    let nobody = pipeline![until_cancelled];
    assert!(tokio::time::timeout(ms(1000), nobody.run(())).await.is_err());
}

/// Refuses the multiples of three, at each attempt.
#[stage(retries = 1, delay = "1ms")]
async fn fetch(x: u64) -> Result<u64, Refused> {
    tokio::task::yield_now().await;
    if x.is_multiple_of(3) { Err(Refused(503)) } else { Ok(x) }
}

#[tokio::test(start_paused = true)]
async fn dead_letters_left_undelivered_by_the_second_token_are_counted_as_lost() {
    let (send, mut receive) = mpsc::channel(1);
    let [first, second] = [CancellationToken::new(), CancellationToken::new()];
    let pipeline = pipeline![fetch].on_error(ErrorMode::Lenient).dead_letters(send);
    let pipeline = pipeline.cancel_on(first.clone()).cancel_on(second.clone());
    let run = tokio::spawn(async move { pipeline.drain(100..110).await });
    tokio::time::sleep(ms(100)).await;
    assert!(!run.is_finished());
    first.cancel();
    tokio::time::sleep(ms(100)).await;
    assert!(!run.is_finished(), "the first token lets dead letters be delivered");
    second.cancel();
    let report = run.await.unwrap().unwrap();
    assert!(receive.recv().await.is_some());
    assert!(receive.recv().await.is_none());
    assert_eq!((report.items_failed(), report.letters_lost()), (3, 2));
}

#[stage]
async fn slow(x: &u64) -> u64 {
    tokio::time::sleep(ms(10 * (x % 4) + 5)).await;
    *x
}

#[stage]
async fn ready(x: &u64) -> u64 {
    *x
}

#[tokio::test(start_paused = true)]
async fn the_second_cancelled_token_cancels_all_branches_of_a_fork() {
    let observer = Arc::new(RecordingObserver::default());
    let tokens = [CancellationToken::new(), CancellationToken::new()];
    let pipeline =
        pipeline![(slow, |x: u64| x, (slow.name("first") | ready), |x: u64| { slow.name("graph")(x) })];
    let pipeline = pipeline.observe(Arc::clone(&observer)).concurrency(3);
    let pipeline = tokens.iter().fold(pipeline, |pipeline, token| pipeline.cancel_on(token.clone()));
    tokio::spawn(async move {
        tokio::time::sleep(ms(40)).await;
        tokens.iter().for_each(CancellationToken::cancel);
    });
    let report = pipeline.drain(std::iter::repeat(3)).await.unwrap();
    assert_eq!((report.items_in(), report.items_out(), report.items_cancelled()), (6, 3, 3));
    for name in ["slow", "first", "graph"] {
        let stage = report.stage(name).unwrap();
        assert_eq!((stage.calls(), stage.outputs(), stage.cancelled()), (6, 3, 3), "{name}");
    }
    observer.take_record().check();
}

/// Refuses all items, and waits an hour before it is called again.
#[stage(retries = 3, delay = "1h", max_delay = "1h")]
async fn refused(_x: u64) -> Result<u64, Refused> {
    Err(Refused(503))
}

#[tokio::test(start_paused = true)]
async fn a_stopped_run_begins_no_further_attempt() {
    for_each_worker_count!(|workers| {
        let (token, start) = (CancellationToken::new(), Instant::now());
        let pipeline =
            pipeline![refused].concurrency(4).on_error(ErrorMode::Collect).cancel_on(token.clone());
        let run = tokio::spawn(async move { pipeline.on_workers(workers).drain(0..100).await });
        tokio::time::sleep(ms(1000)).await;
        token.cancel();
        let report = run.await.unwrap().unwrap();
        assert_eq!(start.elapsed(), ms(1000), "{workers} workers");
        assert_eq!(report.items_in(), report.items_failed());
        let error = &report.failures()[0].error;
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Failed, 1));
        assert_eq!(
            format!("{error:#}"),
            "stage `refused` failed in 1s: the run was stopped before the next attempt: refused with 503"
        );
        assert_eq!(error.downcast_ref(), Some(&Refused(503)));
    });
}

#[tokio::test(start_paused = true)]
async fn a_stopped_run_is_aborted_after_the_grace_period() {
    for_each_worker_count!(|workers| {
        for (grace, ends_at) in [(None, 31_000), (Some(5000), 6000)] {
            let (token, start) = (CancellationToken::new(), Instant::now());
            let pipeline =
                pipeline![work].with(Arc::<Gauge>::default()).concurrency(4).cancel_on(token.clone());
            let pipeline = grace.into_iter().fold(pipeline, |pipeline, time| pipeline.grace(ms(time)));
            let run = tokio::spawn(async move { pipeline.on_workers(workers).drain([3_600_000; 100]).await });
            tokio::time::sleep(ms(1000)).await;
            token.cancel();
            let report = run.await.unwrap().unwrap();
            assert_eq!(start.elapsed(), ms(ends_at), "{workers} workers");
            assert_eq!(report.items_in(), report.items_cancelled());
        }
    });
}
