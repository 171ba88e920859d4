//! Which items are sent as dead letters, by each verb, behind boundaries and from forks.

use std::sync::{Arc, Mutex};

use pipeline::{DeadLetter, ErrorMode, pipeline, stage};

use super::{REFUSED, SharedDeadLetters, adds_up, check, fetch, numbers, take_all};
use crate::support::worker_counts::{OnWorkers, for_each_worker_count};
use crate::support::{Refused, ms};

#[tokio::test(start_paused = true)]
async fn every_verb_sends_dead_letters() {
    let dead_letters = SharedDeadLetters::default();
    let pipeline = pipeline![fetch].dead_letters(Arc::clone(&dead_letters));
    let lenient = pipeline.clone().on_error(ErrorMode::Lenient);

    let error = pipeline.run(102).await.unwrap_err();
    let sent = take_all(&dead_letters);
    assert_eq!((sent.len(), sent[0].item, sent[0].index), (1, 102, 0));
    assert_eq!(format!("{:#}", sent[0].error), format!("{error:#}"));
    assert_eq!(pipeline.run(100).await.unwrap(), 100);
    assert!(take_all(&dead_letters).is_empty());

    let results = pipeline.settle(numbers()).await;
    assert_eq!(results.iter().filter(|result| result.is_err()).count(), 3);
    check(&take_all(&dead_letters));

    let aborted = lenient.collect(numbers()).await.unwrap_err();
    adds_up(&aborted.report);
    check(&take_all(&dead_letters));

    adds_up(&lenient.drain(numbers()).await.unwrap());
    check(&take_all(&dead_letters));

    let mut outputs = lenient.stream(numbers());
    let mut failed = Vec::new();
    while let Some(output) = outputs.next().await {
        failed.extend(output.err().map(|failure| failure.index));
    }
    assert_eq!(failed, REFUSED.map(|(index, _)| index));
    check(&take_all(&dead_letters));

    adds_up(&lenient.workers(2).drain(numbers()).await.unwrap());
    check(&take_all(&dead_letters));
}

#[test]
fn run_blocking_sends_dead_letters() {
    let dead_letters = SharedDeadLetters::default();
    let pipeline = pipeline![fetch].dead_letters(Arc::clone(&dead_letters));
    pipeline.run_blocking(102).unwrap_err();
    assert_eq!(take_all(&dead_letters)[0].item, 102);
}

#[tokio::test(start_paused = true)]
async fn a_strict_run_sends_the_item_that_ended_it() {
    let dead_letters = SharedDeadLetters::default();
    let pipeline = pipeline![fetch].concurrency(1).dead_letters(Arc::clone(&dead_letters));
    for verb in ["collect", "drain"] {
        let aborted = match verb {
            "collect" => pipeline.collect(numbers()).await.unwrap_err(),
            _ => pipeline.drain(numbers()).await.unwrap_err(),
        };
        let sent = take_all(&dead_letters);
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
async fn after_each_an_item_is_one_dead_letter_however_many_of_its_parts_fail() {
    let dead_letters = SharedDeadLetters::default();
    let pipeline = pipeline![Vec<u64>: each => strict].on_error(ErrorMode::Lenient);
    let pipeline = pipeline.dead_letters(Arc::clone(&dead_letters));
    let items = vec![vec![1, 2], vec![100, 3, 101, 102], vec![], vec![4, 103]];
    let report = pipeline.drain(items.clone()).await.unwrap();
    assert_eq!((report.items_in(), report.items_out(), report.items_failed()), (4, 4, 4));
    let mut sent = take_all(&dead_letters);
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
async fn a_failed_batch_sends_each_of_its_items() {
    let dead_letters = SharedDeadLetters::default();
    let pipeline = pipeline![u64: batch(3) => store].on_error(ErrorMode::Lenient);
    let pipeline = pipeline.dead_letters(Arc::clone(&dead_letters));
    let report = pipeline.drain([1, 2, 3, 4, 100, 6, 7]).await.unwrap();
    assert_eq!(report.items_in(), 7);
    let mut sent: Vec<_> =
        take_all(&dead_letters).into_iter().map(|letter| (letter.index, letter.item)).collect();
    sent.sort_unstable();
    assert_eq!(sent, [(3, 4), (4, 100), (5, 6)]);
}

#[tokio::test(start_paused = true)]
async fn source_items_split_by_each_and_batched_are_sent_once() {
    let dead_letters = SharedDeadLetters::default();
    let pipeline = pipeline![Vec<u64>: each => batch(2) => store].on_error(ErrorMode::Lenient);
    let pipeline = pipeline.dead_letters(Arc::clone(&dead_letters));
    let items = vec![vec![1, 2], vec![100, 101, 102], vec![3], vec![4, 5]];
    let report = pipeline.drain(items.clone()).await.unwrap();
    assert_eq!(report.items_in(), 4);
    let mut sent: Vec<_> =
        take_all(&dead_letters).into_iter().map(|letter| (letter.index, letter.item)).collect();
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
async fn a_batch_split_on_failure_sends_only_its_bad_rows() {
    let dead_letters = SharedDeadLetters::default();
    let pipeline = pipeline![u64: batch(4) => store_rows].on_error(ErrorMode::Lenient);
    let pipeline = pipeline.dead_letters(Arc::clone(&dead_letters));
    let report = pipeline.drain([1, 100, 2, 101, 3, 4, 5, 6, 102]).await.unwrap();
    assert_eq!((report.items_in(), report.items_failed()), (9, 3));
    let mut sent: Vec<_> =
        take_all(&dead_letters).into_iter().map(|letter| (letter.index, letter.item)).collect();
    sent.sort_unstable();
    assert_eq!(sent, [(1, 100), (3, 101), (8, 102)]);
}

/// Fails on every fifth number, and panics on 7.
#[stage]
async fn picky(x: u64) -> Result<u64, Refused> {
    tokio::time::sleep(ms(x % 3)).await;
    assert!(x != 7, "seven");
    if x.is_multiple_of(5) { Err(Refused(5)) } else { Ok(x) }
}

#[tokio::test(start_paused = true)]
async fn a_failed_item_is_one_dead_letter_however_many_branches_fail() {
    for_each_worker_count!(|workers| {
        let dead_letters: Arc<Mutex<Vec<DeadLetter<u64>>>> = Arc::default();
        let pipeline = pipeline![u64: (picky, (picky | picky), |x: u64| { picky(x) })];
        let pipeline = pipeline.on_error(ErrorMode::Lenient).dead_letters(Arc::clone(&dead_letters));
        let report = pipeline.on_workers(workers).drain(0..13).await.unwrap();
        let dead_letters = dead_letters.lock().unwrap();
        let mut items: Vec<_> = dead_letters.iter().map(|letter| (letter.item, letter.stage())).collect();
        items.sort_unstable();
        assert_eq!(items, [(0, "picky"), (5, "picky"), (7, "picky"), (10, "picky")]);
        assert_eq!((report.items_failed(), report.letters_lost()), (4, 0));
    });
}
