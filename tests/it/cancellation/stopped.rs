//! What the report says of a stopped run, and the dead letters of the items that it dropped.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use pipeline::{DeadLetter, ErrorKind, ErrorMode, Report, Stopped, pipeline, stage};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::support::{Refused, ms};

#[stage]
async fn work(x: u64) -> Result<u64, Refused> {
    sleep(ms(100)).await;
    if x == 7 { Err(Refused(1)) } else { Ok(x) }
}

/// Cancels tokens at these times, in milliseconds.
fn tokens<const N: usize>(times: [u64; N]) -> [CancellationToken; N] {
    times.map(|at| {
        let token = CancellationToken::new();
        let later = token.clone();
        tokio::spawn(async move {
            sleep(ms(at)).await;
            later.cancel();
        });
        token
    })
}

#[tokio::test(start_paused = true)]
async fn the_report_says_whether_and_how_the_run_was_stopped() {
    let run = pipeline![work].concurrency(2);
    let report = run.drain(0..4).await.unwrap();
    assert_eq!(report.stopped(), None);
    assert!(report.to_string().starts_with("4 in, 4 out in 200ms"), "{report}");

    let [soft] = tokens([150]);
    let report = run.clone().cancel_on(soft).drain(0..).await.unwrap();
    assert_eq!((report.stopped(), report.is_success()), (Some(Stopped::Gracefully), true));
    assert!(report.to_string().contains("; stopped, items in flight finished\n"), "{report}");

    let [soft, hard] = tokens([150, 160]);
    let report = run.clone().cancel_on(soft).cancel_on(hard).drain(0..).await.unwrap();
    assert_eq!((report.stopped(), report.is_success()), (Some(Stopped::Immediately), false));
    assert!(report.to_string().contains("2 cancelled in 160ms"), "{report}");
    assert!(report.to_string().contains("; stopped, items in flight dropped\n"), "{report}");

    let [soft] = tokens([150]);
    let report = run.clone().cancel_on(soft).grace(ms(20)).drain(0..).await.unwrap();
    assert_eq!(report.stopped(), Some(Stopped::Immediately));

    let aborted = run.drain(0..).await.unwrap_err();
    assert_eq!(aborted.report.stopped(), Some(Stopped::AtFailure));
    let report = run.stream(0..).report().await;
    assert_eq!(report.stopped(), Some(Stopped::AtFailure));

    // The last item is done before the token is cancelled.
    let [late] = tokens([250]);
    let report = run.cancel_on(late).drain(0..4).await.unwrap();
    assert_eq!(report.stopped(), None);
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_with_boundaries_says_the_unit_of_each_count() {
    let batches = pipeline![work => batch(4) => |batch| batch].on_error(ErrorMode::Collect);
    let report = batches.drain(0..10).await.unwrap();
    assert!(
        report.to_string().starts_with("Loaded 9 rows in 100ms (3 batches, 10 items, 1 failed; 90 rows/s)\n"),
        "{report}"
    );
    let rows = pipeline![|x: u64| vec![x; 2] => each => work].on_error(ErrorMode::Collect);
    let report = rows.drain(6..8).await.unwrap();
    assert!(
        report.to_string().starts_with("Loaded 2 rows in 100ms (2 pages, 2 failed; 20 rows/s)\n"),
        "{report}"
    );
    let aborted = batches.on_error(ErrorMode::Strict).collect(7..8).await.unwrap_err();
    assert_eq!(
        format!("{aborted:#}"),
        "item 0: stage `work` failed in 100ms (1 item in, 0 batches out, 1 failure, in 100ms): refused with 1"
    );
}

#[stage]
async fn refuse(_rows: Vec<u64>) -> Result<(), Refused> {
    Err(Refused(1))
}

#[tokio::test(start_paused = true)]
async fn a_failed_batch_counts_as_many_as_it_has_members() {
    let batches = pipeline![u64: batch(4) => refuse].on_error(ErrorMode::Collect);
    let report = batches.drain(0..10).await.unwrap();
    assert_eq!((report.items_in(), report.items_failed(), report.failures().len()), (10, 10, 3));
    assert_eq!(report.stages()[1].failed(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_batch_counts_why_it_was_closed() {
    let slowly = |count: u64| {
        pipeline::source::stream(futures_util::stream::unfold(0, move |n| async move {
            sleep(ms(if n == 6 { 1000 } else { 10 })).await;
            (n < count).then_some((n, n + 1))
        }))
    };
    let run = pipeline![u64: batch(4, "100ms") => |batch| batch.len()];
    let closed = |report: Report| {
        let steps = report.stages().iter();
        let [closed] = steps.filter_map(pipeline::StageReport::batches_closed).collect::<Vec<_>>()[..] else {
            panic!()
        };
        [closed.full, closed.linger, closed.end, closed.stop, closed.failure]
    };
    assert_eq!(closed(run.drain(slowly(7)).await.unwrap()), [1, 1, 1, 0, 0]);
    let [soft] = tokens([25]);
    assert_eq!(closed(run.clone().cancel_on(soft).drain(slowly(7)).await.unwrap()), [0, 0, 0, 1, 0]);

    let failing = pipeline![work => batch(4) => |batch| batch.len()].on_error(ErrorMode::Lenient);
    assert_eq!(closed(failing.stream([0, 7, 7, 7, 7, 1]).report().await), [0, 0, 1, 0, 1]);
    let strict = failing.on_error(ErrorMode::Strict);
    assert_eq!(closed(strict.stream([0, 7, 1]).report().await), [0, 0, 0, 0, 1]);
}

type Letters = Arc<Mutex<Vec<DeadLetter<u64>>>>;

/// The items of the letters, in order, and whether each was cancelled.
fn sent(letters: &Letters) -> Vec<(u64, bool)> {
    let mut sent: Vec<_> = letters
        .lock()
        .unwrap()
        .drain(..)
        .map(|letter| (letter.item, letter.error.kind() == ErrorKind::Cancelled))
        .collect();
    sent.sort_unstable();
    sent
}

#[tokio::test(start_paused = true)]
async fn items_that_an_abort_drops_can_be_dead_letters_too() {
    for workers in [1, 2] {
        let letters = Letters::default();
        let run = pipeline![work].concurrency(4).dead_letters(Arc::clone(&letters)).workers(workers);
        let with_cancelled = run.clone().dead_letters_of_cancelled();

        run.drain(4..100).await.unwrap_err();
        assert_eq!(sent(&letters), [(7, false)]);

        let report = with_cancelled.drain(4..100).await.unwrap_err().report;
        let letters_of_all = sent(&letters);
        assert_eq!(letters_of_all.len(), 1 + report.items_cancelled());
        assert!(letters_of_all.contains(&(7, false)), "{letters_of_all:?}");
        assert!(report.items_cancelled() > 0 || workers == 1, "{report}");

        let [soft, hard] = tokens([150, 160]);
        let stopped = with_cancelled.clone().cancel_on(soft).cancel_on(hard);
        let report = stopped.drain(10..).await.unwrap();
        let letters_of_all = sent(&letters);
        assert_eq!(letters_of_all.len(), report.items_cancelled());
        assert!(letters_of_all.iter().all(|(_, cancelled)| *cancelled));
        assert!(letters_of_all.len() >= 4, "{letters_of_all:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_letters_of_a_cancelled_batch_are_those_of_its_members() {
    let letters = Letters::default();
    let [soft, hard] = tokens([10, 20]);
    let run =
        pipeline![u64: batch(4) => |batch: Vec<u64>| batch[0] => work].dead_letters(Arc::clone(&letters));
    let run = run.dead_letters_of_cancelled().cancel_on(soft).cancel_on(hard);
    let report = run.drain(0..6).await.unwrap();
    assert_eq!((report.items_in(), report.items_cancelled()), (6, 6));
    assert_eq!(sent(&letters), (0..6).map(|item| (item, true)).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_hard_stop_waits_for_these_letters_at_most_for_the_grace_period() {
    let (send, mut receive) = tokio::sync::mpsc::channel(1);
    let run = pipeline![work].concurrency(4).dead_letters(send).dead_letters_of_cancelled().grace(ms(5000));
    let start = Instant::now();
    let [soft, hard] = tokens([150, 160]);
    let report = run.clone().cancel_on(soft).cancel_on(hard).drain(10..).await.unwrap();
    assert_eq!(start.elapsed(), ms(5160), "nobody reads");
    assert_eq!((report.items_cancelled(), report.letters_lost()), (4, 3));

    let reader = tokio::spawn(async move {
        let mut count = 0;
        while let Ok(Some(_)) = tokio::time::timeout(Duration::from_secs(3), receive.recv()).await {
            count += 1;
        }
        count
    });
    let start = Instant::now();
    let [soft, hard] = tokens([150, 160]);
    let report = run.cancel_on(soft).cancel_on(hard).drain(10..).await.unwrap();
    assert_eq!(start.elapsed(), ms(160));
    assert_eq!((report.items_cancelled(), report.letters_lost()), (4, 0));
    assert_eq!(reader.await.unwrap(), 1 + 4);
}
