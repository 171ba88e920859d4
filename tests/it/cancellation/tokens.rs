//! Runs that are asked to stop: the first cancelled token lets the items in flight finish, the second one drops them.

use std::sync::Arc;

use pipeline::{Context, ErrorKind, ErrorMode, pipeline, source, stage};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::support::recording_observer::Log;
use crate::support::worker_counts::{Spread, however_spread};
use crate::support::{Gauge, Refused, ms};

/// Takes so many milliseconds.
#[stage]
async fn work(x: u64, #[state] gauge: &Arc<Gauge>) -> u64 {
    let _inside = gauge.enter();
    tokio::time::sleep(ms(x)).await;
    x
}

#[tokio::test(start_paused = true)]
async fn one_token_lets_what_is_under_way_finish() {
    however_spread!(|workers| {
        let (token, start) = (CancellationToken::new(), Instant::now());
        let line = pipeline![work].with(Arc::<Gauge>::default()).concurrency(4).spread(workers);
        let line = line.cancel_on(token.clone());
        tokio::spawn(async move {
            tokio::time::sleep(ms(150)).await;
            token.cancel();
        });
        let report = line.drain(vec![100; 1000]).await.unwrap();
        // What was brought to a worker, and waits for room there, is under way.
        assert!([ms(200), ms(300)].contains(&start.elapsed()));
        assert_eq!(report.items_in(), report.items_out());
        assert_eq!((report.items_cancelled(), report.items_failed()), (0, 0));
        assert!((8..=16).contains(&report.items_in()), "{report}");

        let error = line.collect([1]).await.unwrap_err();
        assert_eq!((error.failure.index, error.failure.error.kind()), (0, ErrorKind::Cancelled));
        assert_eq!((error.report.items_in(), line.drain([1]).await.unwrap().items_in()), (0, 0));
        assert!(line.stream([1]).next().await.is_none());
        assert_eq!(line.run(1).await.unwrap_err().kind(), ErrorKind::Cancelled);
    });
}

#[tokio::test(start_paused = true)]
async fn a_token_lets_what_is_between_boundaries_finish_too() {
    let token = CancellationToken::new();
    let line = pipeline![work => |x| vec![x; 3] => each => work => batch(4) => |xs| xs.len()];
    let line = line.with(Arc::<Gauge>::default()).concurrency(2).cancel_on(token.clone());
    tokio::spawn(async move {
        tokio::time::sleep(ms(150)).await;
        token.cancel();
    });
    let report = line.drain(vec![100; 1000]).await.unwrap();
    let of = |index: usize| &report.stages()[index];
    assert_eq!(of(3).calls(), 3 * report.items_in() as u64);
    assert_eq!(of(5).calls(), of(3).outputs().div_ceil(4));
    assert_eq!((report.items_out() as u64, report.items_cancelled()), (of(5).outputs(), 0));
}

#[tokio::test(start_paused = true)]
async fn the_second_token_stops_at_once() {
    however_spread!(|workers| {
        let (first, second, start) = (CancellationToken::new(), CancellationToken::new(), Instant::now());
        let gauge = Arc::new(Gauge::default());
        let line = pipeline![work].with(Arc::clone(&gauge)).concurrency(4).spread(workers);
        // Which of them comes first is all the same.
        let line = line.cancel_on(second.clone()).cancel_on(first.clone());
        tokio::spawn(async move {
            tokio::time::sleep(ms(150)).await;
            first.cancel();
            tokio::time::sleep(ms(10)).await;
            second.cancel();
        });
        let report = line.drain(vec![100; 1000]).await.unwrap();
        assert_eq!((start.elapsed(), gauge.now()), (ms(160), 0));
        assert_eq!((report.items_out(), report.items_failed()), (4, 0));
        assert_eq!(report.items_in(), 4 + report.items_cancelled());
        assert_eq!(report.stages()[0].cancelled(), 4);
    });
}

#[tokio::test(start_paused = true)]
async fn after_a_stop_settle_still_has_a_result_for_each_input() {
    however_spread!(|workers| {
        let tokens = [CancellationToken::new(), CancellationToken::new()];
        let line = pipeline![work].with(Arc::<Gauge>::default()).concurrency(3).spread(workers);
        let line = line.cancel_on(tokens[0].clone()).cancel_on(tokens[1].clone());
        tokio::spawn(async move {
            tokio::time::sleep(ms(150)).await;
            tokens[0].cancel();
            tokio::time::sleep(ms(10)).await;
            tokens[1].cancel();
        });
        let results = line.settle(vec![100; 100]).await;
        assert_eq!(results.len(), 100);
        for (index, result) in results.iter().enumerate() {
            match result {
                Ok(_) => assert!(index < 3),
                Err(error) => assert_eq!((index >= 3, error.kind()), (true, ErrorKind::Cancelled)),
            }
        }
        assert!(results[99].as_ref().unwrap_err().to_string().contains("before the item was taken"));
    });
}

#[tokio::test(start_paused = true)]
async fn settle_comes_back_after_a_stop_though_its_source_has_no_end() {
    let tokens = [CancellationToken::new(), CancellationToken::new()];
    let line = pipeline![work].with(Arc::<Gauge>::default()).concurrency(3);
    let line = line.cancel_on(tokens[0].clone()).cancel_on(tokens[1].clone());
    let (_send, mut receive) = mpsc::unbounded_channel();
    let items = futures_util::stream::poll_fn(move |cx| receive.poll_recv(cx));
    tokens.iter().for_each(CancellationToken::cancel);
    let results = tokio::time::timeout(ms(60_000), line.settle(source::stream(items))).await;
    assert!(results.is_ok_and(|results| results.is_empty()), "it waits for a source that says nothing");
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
async fn a_run_is_stopped_at_once_though_all_lanes_of_all_workers_are_taken() {
    however_spread!(|workers| {
        let (gauge, start) = (Arc::new(Gauge::default()), Instant::now());
        let line = pipeline![late_or_never].with(Arc::clone(&gauge)).concurrency(3).spread(workers);
        let aborted = tokio::time::timeout(ms(60_000), line.drain(0..9)).await;
        let aborted = aborted.expect("the run goes on").unwrap_err();
        assert_eq!((aborted.failure.index, start.elapsed(), gauge.now()), (0, ms(1000), 0));

        let tokens = [CancellationToken::new(), CancellationToken::new()];
        let line =
            tokens.iter().fold(line.on_error(ErrorMode::Lenient), |line, it| line.cancel_on(it.clone()));
        let run = tokio::spawn(async move { line.drain(1..9).await });
        tokio::time::sleep(ms(1)).await;
        tokens.iter().for_each(CancellationToken::cancel);
        let report = tokio::time::timeout(ms(60_000), run).await;
        let report = report.unwrap_or_else(|_| panic!("{workers} workers go on")).unwrap().unwrap();
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
async fn a_stage_can_see_that_it_is_to_stop() {
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
async fn letters_that_a_second_stop_leaves_behind_are_lost_and_counted() {
    let (send, mut receive) = mpsc::channel(1);
    let [first, second] = [CancellationToken::new(), CancellationToken::new()];
    let line = pipeline![fetch].on_error(ErrorMode::Lenient).dead_letters(send);
    let line = line.cancel_on(first.clone()).cancel_on(second.clone());
    let run = tokio::spawn(async move { line.drain(100..110).await });
    tokio::time::sleep(ms(100)).await;
    assert!(!run.is_finished());
    first.cancel();
    tokio::time::sleep(ms(100)).await;
    assert!(!run.is_finished(), "the first stop lets what is there be posted");
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
async fn a_second_token_gives_up_all_branches() {
    let log = Arc::new(Log::default());
    let tokens = [CancellationToken::new(), CancellationToken::new()];
    let line =
        pipeline![(slow, |x: u64| x, (slow.name("first") | ready), |x: u64| { slow.name("graph")(x) })];
    let line = line.observe(Arc::clone(&log)).concurrency(3);
    let line = tokens.iter().fold(line, |line, token| line.cancel_on(token.clone()));
    tokio::spawn(async move {
        tokio::time::sleep(ms(40)).await;
        tokens.iter().for_each(CancellationToken::cancel);
    });
    let report = line.drain(std::iter::repeat(3)).await.unwrap();
    assert_eq!((report.items_in(), report.items_out(), report.items_cancelled()), (6, 3, 3));
    for name in ["slow", "first", "graph"] {
        let stage = report.stage(name).unwrap();
        assert_eq!((stage.calls(), stage.outputs(), stage.cancelled()), (6, 3, 3), "{name}");
    }
    log.take().check();
}
