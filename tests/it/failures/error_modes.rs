//! What a failure means to a run, and how a run is stopped.

use std::sync::Arc;

use pipeline::{ErrorKind, ErrorMode, StageError, pipeline, stage};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::support::worker_counts::{Spread, however_spread};
use crate::support::{Gauge, Refused, ms};

/// Takes so many milliseconds; the item of 30 fails then, and that of 31 panics.
#[stage]
async fn work(x: u64, #[state] gauge: &Arc<Gauge>) -> Result<u64, Refused> {
    let _inside = gauge.enter();
    tokio::time::sleep(ms(x)).await;
    assert!(x != 31, "31 is odd");
    if x == 30 { Err(Refused(30)) } else { Ok(x) }
}

#[tokio::test(start_paused = true)]
async fn strict_cancels_the_others_and_says_what_failed_where() {
    however_spread!(|workers| {
        let gauge = Arc::new(Gauge::default());
        let line = pipeline![work => |x| x].with(Arc::clone(&gauge)).concurrency(4).spread(workers);
        for verb in ["drain", "collect"] {
            let start = Instant::now();
            let items = [10, 500, 30, 500, 500, 500, 500];
            let aborted = match verb {
                "drain" => line.drain(items).await.unwrap_err(),
                _ => line.collect(items).await.unwrap_err(),
            };
            assert_eq!(
                (start.elapsed(), gauge.now()),
                (ms(30), 0),
                "{verb} ends at once, and all is dropped"
            );
            assert_eq!((aborted.failure.index, aborted.failure.error.stage()), (2, "work"));
            assert_eq!(aborted.failure.error.downcast_ref(), Some(&Refused(30)));
            let report = &aborted.report;
            // A lane that is free takes the next item at once, before the failure is known; and workers are brought items before they have room for them.
            assert!((5..=7).contains(&report.items_in()), "{report}");
            assert_eq!((report.items_out(), report.items_failed(), report.is_success()), (1, 1, false));
            assert_eq!(report.items_cancelled(), report.items_in() - 2);
            let stage = &report.stages()[0];
            assert_eq!((stage.outputs(), stage.failures(), stage.cancelled()), (1, 1, stage.calls() - 2));
            assert!(aborted.to_string().starts_with("item 2: stage `work` failed in 30ms: refused with 30"));
        }
    });
}

#[tokio::test(start_paused = true)]
async fn strict_aborts_at_a_panic_as_well() {
    however_spread!(|workers| {
        let line = pipeline![work].with(Arc::<Gauge>::default()).spread(workers);
        let aborted = line.drain([31, 500]).await.unwrap_err();
        assert_eq!(aborted.failure.error.kind(), ErrorKind::Panicked);
        assert_eq!(aborted.failure.error.to_string(), "stage `work` panicked: 31 is odd");
        assert_eq!((aborted.report.items_failed(), aborted.report.items_cancelled()), (1, 1));
    });
}

#[tokio::test(start_paused = true)]
async fn a_strict_stream_ends_after_its_first_failure() {
    however_spread!(|workers| {
        let gauge = Arc::new(Gauge::default());
        let line = pipeline![work].with(Arc::clone(&gauge)).concurrency(8).spread(workers);
        let mut outputs = line.stream([40, 30, 20, 500, 500]);
        assert_eq!(outputs.next().await.unwrap().unwrap(), 40);
        let failure = outputs.next().await.unwrap().unwrap_err();
        assert_eq!((failure.index, failure.error.downcast_ref()), (1, Some(&Refused(30))));
        assert!(outputs.next().await.is_none());
        let report = outputs.report().await;
        assert_eq!((report.items_out(), report.items_failed(), report.items_cancelled()), (1, 1, 3));
        assert_eq!(gauge.now(), 0);
    });
}

#[tokio::test(start_paused = true)]
async fn lenient_and_collect_go_on() {
    however_spread!(|workers| {
        for mode in [ErrorMode::Lenient, ErrorMode::Collect] {
            let line = pipeline![work].with(Arc::<Gauge>::default()).on_error(mode).spread(workers);
            let items = [50, 31, 10, 30, 20];
            let report = line.drain(items).await.unwrap();
            assert_eq!((report.items_in(), report.items_out(), report.items_failed()), (5, 3, 2));
            let kept: Vec<_> = report.failures().iter().map(|failure| failure.index).collect();
            let expected: &[usize] = if mode == ErrorMode::Collect { &[3, 1] } else { &[] };
            assert_eq!(kept, expected, "in the order in which they came");

            let aborted = line.collect(items).await.unwrap_err();
            assert_eq!(aborted.failure.index, 3, "the first in time");
            let report = aborted.report;
            assert_eq!((report.items_in(), report.items_out(), report.items_failed()), (5, 3, 2));

            let mut outputs = line.stream(items);
            let mut said = Vec::new();
            while let Some(output) = outputs.next().await {
                said.push(output.map_err(|failure| failure.index));
            }
            assert_eq!(said, [Ok(50), Err(1), Ok(10), Err(3), Ok(20)], "each in its place");
        }
    });
}

#[tokio::test(start_paused = true)]
async fn settle_gives_each_its_own_whatever_the_mode() {
    however_spread!(|workers| {
        for mode in [ErrorMode::Strict, ErrorMode::Lenient, ErrorMode::Collect] {
            let line = pipeline![work].with(Arc::<Gauge>::default()).on_error(mode).spread(workers);
            let results = line.settle([50, 30, 10]).await;
            let said: Vec<_> = results.iter().map(|it| it.as_ref().map_err(StageError::kind)).collect();
            assert_eq!(said, [Ok(&50), Err(ErrorKind::Failed), Ok(&10)]);
        }
    });
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

#[test]
fn one_worker_is_the_callers_own_task() {
    // Nothing is spawned, so no runtime is needed.
    let line = pipeline![u64: |x| x + 1].workers(1);
    let outputs = without_runtime(line.collect(0..3));
    assert_eq!(outputs.unwrap(), [1, 2, 3]);
}

/// Where there is no runtime.
fn without_runtime<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
    }
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
async fn a_run_whose_future_is_dropped_stops_and_frees_all() {
    however_spread!(|workers| {
        let gauge = Arc::new(Gauge::default());
        let line = pipeline![work => |x| vec![x] => each => work].with(Arc::clone(&gauge)).spread(workers);
        let single = pipeline![work].with(Arc::clone(&gauge)).spread(workers);
        assert!(tokio::time::timeout(ms(150), line.drain(vec![100; 500])).await.is_err());
        assert!(tokio::time::timeout(ms(150), line.collect(vec![100; 500])).await.is_err());
        assert!(tokio::time::timeout(ms(150), single.settle(vec![100; 500])).await.is_err());
        assert!(tokio::time::timeout(ms(10), single.run(100)).await.is_err());
        let mut outputs = line.stream(vec![100; 500]);
        assert!(tokio::time::timeout(ms(150), outputs.next()).await.is_err());
        drop(outputs);
        // A task that is aborted is dropped when its runtime comes to it.
        tokio::time::sleep(ms(1)).await;
        assert_eq!(gauge.now(), 0, "{workers} workers");
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
    let (_send, mut receive) = tokio::sync::mpsc::unbounded_channel();
    let items = futures_util::stream::poll_fn(move |cx| receive.poll_recv(cx));
    tokens.iter().for_each(CancellationToken::cancel);
    let results = tokio::time::timeout(ms(60_000), line.settle(pipeline::source::stream(items))).await;
    assert!(results.is_ok_and(|results| results.is_empty()), "it waits for a source that says nothing");
}
