//! Dead letters: each sink, each verb, and what a sink does that cannot take one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use pipeline::dead_letters::Put;
use pipeline::{DeadLetter, DeadLetters, ErrorKind, ErrorMode, Report, pipeline, stage};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::support::{Refused, ms};

type Letters<In> = Arc<Mutex<Vec<DeadLetter<In>>>>;

/// Refuses what can be divided by three, once and again.
#[stage(retries = 1, delay = "1ms")]
async fn fetch(x: u64) -> Result<u64, Refused> {
    tokio::task::yield_now().await;
    if x.is_multiple_of(3) { Err(Refused(503)) } else { Ok(x) }
}

/// What `fetch` refuses of the numbers from 100, by position: 102, 105, 108.
const REFUSED: [(usize, u64); 3] = [(2, 102), (5, 105), (8, 108)];

fn numbers() -> std::ops::Range<u64> {
    100..110
}

fn check(letters: &[DeadLetter<u64>]) {
    let mut found: Vec<_> = letters.iter().map(|letter| (letter.index, letter.item)).collect();
    found.sort_unstable();
    assert_eq!(found, REFUSED);
    for letter in letters {
        assert_eq!((letter.stage(), letter.attempts()), ("fetch", 2));
        assert_eq!(letter.error.kind(), ErrorKind::Failed);
        assert_eq!(letter.error.downcast_ref(), Some(&Refused(503)));
        assert_eq!(letter.error.failed_attempts().len(), 1);
    }
}

fn taken<In: Clone>(letters: &Letters<In>) -> Vec<DeadLetter<In>> {
    std::mem::take(&mut *letters.lock().unwrap())
}

fn adds_up(report: &Report) {
    assert_eq!((report.items_in(), report.items_out(), report.items_failed()), (10, 7, 3));
    assert_eq!(report.letters_lost(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_unbounded_channel_gets_each_item_whole() {
    let (send, mut receive) = mpsc::unbounded_channel();
    let line = pipeline![fetch].on_error(ErrorMode::Lenient).dead_letters(send);
    adds_up(&line.drain(numbers()).await.unwrap());
    drop(line);
    let mut letters = Vec::new();
    receive.recv_many(&mut letters, 100).await;
    check(&letters);
}

#[tokio::test(start_paused = true)]
async fn a_vec_gets_each_item_whole() {
    let letters = Letters::default();
    let line = pipeline![fetch].on_error(ErrorMode::Collect).dead_letters(Arc::clone(&letters));
    let report = line.drain(numbers()).await.unwrap();
    adds_up(&report);
    let letters = taken(&letters);
    check(&letters);
    let said = |error: &pipeline::StageError| error.to_string();
    let mut of_letters: Vec<_> = letters.iter().map(|letter| (letter.index, said(&letter.error))).collect();
    let mut of_report: Vec<_> = report.failures().iter().map(|it| (it.index, said(&it.error))).collect();
    of_letters.sort();
    of_report.sort();
    assert_eq!(of_letters, of_report);
}

#[stage]
async fn refuse(x: u64, #[state] seen: &Arc<AtomicUsize>) -> Result<u64, Refused> {
    tokio::task::yield_now().await;
    seen.fetch_add(1, Ordering::Relaxed);
    Err(Refused(u16::try_from(x).unwrap()))
}

#[tokio::test(start_paused = true)]
async fn a_full_channel_holds_the_run_up_and_nothing_is_lost() {
    for concurrency in [1, 4] {
        let (send, mut receive) = mpsc::channel(2);
        let seen = Arc::new(AtomicUsize::new(0));
        let line = pipeline![refuse].with(Arc::clone(&seen)).concurrency(concurrency);
        let line = line.on_error(ErrorMode::Lenient).dead_letters(send);
        let run = tokio::spawn(async move { line.drain(0..1000).await });
        tokio::time::sleep(ms(1000)).await;
        assert!(!run.is_finished());
        // The channel's two, one on the way, and of two more rounds that were taken before the first was posted.
        let begun = seen.load(Ordering::Relaxed);
        assert!(begun <= 3 + 3 * concurrency, "{begun} at a concurrency of {concurrency}");
        tokio::time::sleep(ms(1000)).await;
        assert_eq!(seen.load(Ordering::Relaxed), begun);
        let mut letters = Vec::new();
        while let Some(letter) = receive.recv().await {
            assert_eq!(letter.error.downcast_ref(), Some(&Refused(u16::try_from(letter.item).unwrap())));
            letters.push((letter.index, letter.item));
        }
        letters.sort_unstable();
        assert!(letters.into_iter().eq((0..1000).map(|x| (usize::try_from(x).unwrap(), x))));
        let report = run.await.unwrap().unwrap();
        assert_eq!((report.items_failed(), report.letters_lost()), (1000, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_letter_is_posted_while_other_items_are_under_way() {
    let (send, mut receive) = mpsc::channel(1);
    let line = pipeline![hang_unless_zero].on_error(ErrorMode::Lenient).dead_letters(send);
    let run = tokio::spawn(async move { line.drain([0, 1]).await });
    let letter = tokio::time::timeout(ms(1000), receive.recv()).await.expect("not before the run is over");
    assert_eq!(letter.unwrap().item, 0);
    run.abort();
}

#[stage]
async fn hang_unless_zero(x: u64) -> Result<u64, Refused> {
    if x == 0 { Err(Refused(0)) } else { std::future::pending().await }
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_is_gone_does_not_stop_the_run() {
    let (send, receive) = mpsc::channel(1);
    drop(receive);
    let line = pipeline![fetch].on_error(ErrorMode::Lenient).dead_letters(send);
    let report = line.drain(numbers()).await.unwrap();
    assert_eq!((report.items_in(), report.items_out(), report.items_failed()), (10, 7, 3));
    assert_eq!(report.letters_lost(), 3);
    assert!(report.to_string().contains("3 dead letters LOST"), "{report}");

    let (send, receive) = mpsc::unbounded_channel();
    drop(receive);
    let line = pipeline![fetch].on_error(ErrorMode::Lenient).dead_letters(send);
    assert_eq!(line.drain(numbers()).await.unwrap().letters_lost(), 3);
}

/// Panics, at once or when it is waited for.
struct Broken {
    at_once: bool,
}

impl<In: Send> DeadLetters<In> for Broken {
    fn put(&self, _: DeadLetter<In>) -> Put<'_> {
        assert!(!self.at_once, "no ink");
        Box::pin(async {
            tokio::task::yield_now().await;
            panic!("no paper")
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_panics_has_lost_the_letter_and_no_more() {
    for at_once in [true, false] {
        let line = pipeline![fetch].on_error(ErrorMode::Lenient).dead_letters(Broken { at_once });
        let report = line.drain(numbers()).await.unwrap();
        assert_eq!((report.items_out(), report.items_failed(), report.letters_lost()), (7, 3, 3));
    }
}

#[tokio::test(start_paused = true)]
async fn letters_that_a_second_stop_leaves_behind_are_lost_and_counted() {
    let (send, mut receive) = mpsc::channel(1);
    let [first, second] = [CancellationToken::new(), CancellationToken::new()];
    let line = pipeline![fetch].on_error(ErrorMode::Lenient).dead_letters(send);
    let line = line.cancel_on(first.clone()).cancel_on(second.clone());
    let run = tokio::spawn(async move { line.drain(numbers()).await });
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

#[tokio::test(start_paused = true)]
async fn each_verb_sends_them() {
    let letters = Letters::default();
    let line = pipeline![fetch].dead_letters(Arc::clone(&letters));
    let lenient = line.clone().on_error(ErrorMode::Lenient);

    let error = line.run(102).await.unwrap_err();
    let sent = taken(&letters);
    assert_eq!((sent.len(), sent[0].item, sent[0].index), (1, 102, 0));
    assert_eq!(sent[0].error.to_string(), error.to_string());
    assert_eq!(line.run(100).await.unwrap(), 100);
    assert!(taken(&letters).is_empty());

    let results = line.settle(numbers()).await;
    assert_eq!(results.iter().filter(|result| result.is_err()).count(), 3);
    check(&taken(&letters));

    let aborted = lenient.collect(numbers()).await.unwrap_err();
    adds_up(&aborted.report);
    check(&taken(&letters));

    adds_up(&lenient.drain(numbers()).await.unwrap());
    check(&taken(&letters));

    let mut outputs = lenient.stream(numbers());
    let mut failed = Vec::new();
    while let Some(output) = outputs.next().await {
        failed.extend(output.err().map(|failure| failure.index));
    }
    assert_eq!(failed, REFUSED.map(|(index, _)| index));
    check(&taken(&letters));

    adds_up(&lenient.workers(2).drain(numbers()).await.unwrap());
    check(&taken(&letters));
}

#[test]
fn a_blocking_run_sends_them() {
    let letters = Letters::default();
    let line = pipeline![fetch].dead_letters(Arc::clone(&letters));
    line.run_blocking(102).unwrap_err();
    assert_eq!(taken(&letters)[0].item, 102);
}

#[tokio::test(start_paused = true)]
async fn a_strict_run_sends_the_one_that_ended_it() {
    let letters = Letters::default();
    let line = pipeline![fetch].concurrency(1).dead_letters(Arc::clone(&letters));
    for verb in ["collect", "drain"] {
        let aborted = match verb {
            "collect" => line.collect(numbers()).await.unwrap_err(),
            _ => line.drain(numbers()).await.unwrap_err(),
        };
        let sent = taken(&letters);
        assert_eq!((sent.len(), sent[0].item, sent[0].index), (1, 102, 2), "{verb}");
        assert_eq!(aborted.failure.index, 2);
    }
}

#[stage]
async fn strict(x: u64) -> Result<u64, Refused> {
    tokio::task::yield_now().await;
    if x >= 100 { Err(Refused(400)) } else { Ok(x) }
}

#[tokio::test(start_paused = true)]
async fn behind_each_an_item_is_one_letter_however_many_of_its_parts_fail() {
    let letters = Letters::default();
    let line = pipeline![Vec<u64>: each => strict].on_error(ErrorMode::Lenient);
    let line = line.dead_letters(Arc::clone(&letters));
    let items = vec![vec![1, 2], vec![100, 3, 101, 102], vec![], vec![4, 103]];
    let report = line.drain(items.clone()).await.unwrap();
    assert_eq!((report.items_in(), report.items_out(), report.items_failed()), (4, 4, 4));
    let mut sent = taken(&letters);
    sent.sort_by_key(|letter| letter.index);
    let sent: Vec<_> = sent.into_iter().map(|letter| (letter.index, letter.item)).collect();
    assert_eq!(sent, [(1, items[1].clone()), (3, items[3].clone())]);
}

#[stage]
async fn store(rows: Vec<u64>) -> Result<usize, Refused> {
    tokio::task::yield_now().await;
    if rows.iter().any(|x| *x >= 100) { Err(Refused(409)) } else { Ok(rows.len()) }
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_fails_sends_each_item_in_it() {
    let letters = Letters::default();
    let line = pipeline![u64: batch(3) => store].on_error(ErrorMode::Lenient);
    let line = line.dead_letters(Arc::clone(&letters));
    let report = line.drain([1, 2, 3, 4, 100, 6, 7]).await.unwrap();
    assert_eq!(report.items_in(), 7);
    let mut sent: Vec<_> = taken(&letters).into_iter().map(|letter| (letter.index, letter.item)).collect();
    sent.sort_unstable();
    assert_eq!(sent, [(3, 4), (4, 100), (5, 6)]);
}

#[tokio::test(start_paused = true)]
async fn roots_that_were_taken_apart_and_put_in_batches_are_sent_once() {
    let letters = Letters::default();
    let line = pipeline![Vec<u64>: each => batch(2) => store].on_error(ErrorMode::Lenient);
    let line = line.dead_letters(Arc::clone(&letters));
    let items = vec![vec![1, 2], vec![100, 101, 102], vec![3], vec![4, 5]];
    let report = line.drain(items.clone()).await.unwrap();
    assert_eq!(report.items_in(), 4);
    let mut sent: Vec<_> = taken(&letters).into_iter().map(|letter| (letter.index, letter.item)).collect();
    sent.sort_unstable();
    // The batches: 1 2, 100 101, 102 3, 4 5.
    assert_eq!(sent, [(1, items[1].clone()), (2, items[2].clone())]);
}

#[stage(split_on_failure)]
async fn store_rows(rows: Vec<u64>) -> Result<Vec<u64>, Refused> {
    tokio::task::yield_now().await;
    if rows.iter().any(|x| *x >= 100) { Err(Refused(409)) } else { Ok(rows) }
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_split_sends_its_bad_rows_by_themselves() {
    let letters = Letters::default();
    let line = pipeline![u64: batch(4) => store_rows].on_error(ErrorMode::Lenient);
    let line = line.dead_letters(Arc::clone(&letters));
    let report = line.drain([1, 100, 2, 101, 3, 4, 5, 6, 102]).await.unwrap();
    assert_eq!((report.items_in(), report.items_failed()), (9, 3));
    let mut sent: Vec<_> = taken(&letters).into_iter().map(|letter| (letter.index, letter.item)).collect();
    sent.sort_unstable();
    assert_eq!(sent, [(1, 100), (3, 101), (8, 102)]);
}

#[tokio::test]
async fn the_channel_of_the_standard_library_is_a_sink_too() {
    let (dead, letters) = std::sync::mpsc::channel();
    let line = pipeline![u64: batch(1) => store].on_error(ErrorMode::Lenient).dead_letters(dead);
    line.drain([1, 100]).await.unwrap();
    drop(line);
    let items: Vec<_> = letters.into_iter().map(|letter| letter.item).collect();
    assert_eq!(items, [100]);
}
