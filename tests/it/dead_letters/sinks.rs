//! The sinks of dead letters, and sinks that are full, closed or panic.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pipeline::dead_letters::Put;
use pipeline::{DeadLetter, DeadLetters, ErrorMode, pipeline, stage};
use tokio::sync::mpsc;

use super::{SharedDeadLetters, adds_up, check, fetch, numbers, take_all};
use crate::support::{Refused, ms};

#[tokio::test(start_paused = true)]
async fn an_unbounded_channel_receives_each_failed_item() {
    let (send, mut receive) = mpsc::unbounded_channel();
    let pipeline = pipeline![fetch].on_error(ErrorMode::Lenient).dead_letters(send);
    adds_up(&pipeline.drain(numbers()).await.unwrap());
    drop(pipeline);
    let mut dead_letters = Vec::new();
    receive.recv_many(&mut dead_letters, 100).await;
    check(&dead_letters);
}

#[tokio::test(start_paused = true)]
async fn a_vec_receives_each_failed_item() {
    let dead_letters = SharedDeadLetters::default();
    let pipeline = pipeline![fetch].on_error(ErrorMode::Collect).dead_letters(Arc::clone(&dead_letters));
    let report = pipeline.drain(numbers()).await.unwrap();
    adds_up(&report);
    let dead_letters = take_all(&dead_letters);
    check(&dead_letters);
    let said = |error: &pipeline::StageError| format!("{error:#}");
    let mut of_dead_letters: Vec<_> =
        dead_letters.iter().map(|letter| (letter.index, said(&letter.error))).collect();
    let mut of_report: Vec<_> = report.failures().iter().map(|it| (it.index, said(&it.error))).collect();
    of_dead_letters.sort();
    of_report.sort();
    assert_eq!(of_dead_letters, of_report);
}

#[stage]
async fn refuse(x: u64, #[state] seen: &Arc<AtomicUsize>) -> Result<u64, Refused> {
    tokio::task::yield_now().await;
    seen.fetch_add(1, Ordering::Relaxed);
    Err(Refused(u16::try_from(x).unwrap()))
}

#[tokio::test(start_paused = true)]
async fn a_full_channel_applies_backpressure_and_loses_nothing() {
    for concurrency in [1, 4] {
        let (send, mut receive) = mpsc::channel(2);
        let seen = Arc::new(AtomicUsize::new(0));
        let pipeline = pipeline![refuse].with(Arc::clone(&seen)).concurrency(concurrency);
        let pipeline = pipeline.on_error(ErrorMode::Lenient).dead_letters(send);
        let run = tokio::spawn(async move { pipeline.drain(0..1000).await });
        tokio::time::sleep(ms(1000)).await;
        assert!(!run.is_finished());
        // Two in the channel, one being sent, and the items started before the first send blocked.
        let started = seen.load(Ordering::Relaxed);
        assert!(started <= 3 + 3 * concurrency, "{started} at a concurrency of {concurrency}");
        tokio::time::sleep(ms(1000)).await;
        assert_eq!(seen.load(Ordering::Relaxed), started);
        let mut dead_letters = Vec::new();
        while let Some(letter) = receive.recv().await {
            assert_eq!(letter.error.downcast_ref(), Some(&Refused(u16::try_from(letter.item).unwrap())));
            dead_letters.push((letter.index, letter.item));
        }
        dead_letters.sort_unstable();
        assert!(dead_letters.into_iter().eq((0..1000).map(|x| (usize::try_from(x).unwrap(), x))));
        let report = run.await.unwrap().unwrap();
        assert_eq!((report.items_failed(), report.letters_lost()), (1000, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_is_delivered_while_other_items_are_in_flight() {
    let (send, mut receive) = mpsc::channel(1);
    let pipeline = pipeline![hang_unless_zero].on_error(ErrorMode::Lenient).dead_letters(send);
    let run = tokio::spawn(async move { pipeline.drain([0, 1]).await });
    let letter =
        tokio::time::timeout(ms(1000), receive.recv()).await.expect("it is sent before the run ends");
    assert_eq!(letter.unwrap().item, 0);
    run.abort();
}

#[stage]
async fn hang_unless_zero(x: u64) -> Result<u64, Refused> {
    if x == 0 { Err(Refused(0)) } else { std::future::pending().await }
}

#[tokio::test(start_paused = true)]
async fn a_closed_channel_does_not_stop_the_run_and_its_dead_letters_are_counted_as_lost() {
    let (send, receive) = mpsc::channel(1);
    drop(receive);
    let pipeline = pipeline![fetch].on_error(ErrorMode::Lenient).dead_letters(send);
    let report = pipeline.drain(numbers()).await.unwrap();
    assert_eq!((report.items_in(), report.items_out(), report.items_failed()), (10, 7, 3));
    assert_eq!(report.letters_lost(), 3);
    assert!(report.to_string().contains("3 dead letters LOST"), "{report}");

    let (send, receive) = mpsc::unbounded_channel();
    drop(receive);
    let pipeline = pipeline![fetch].on_error(ErrorMode::Lenient).dead_letters(send);
    assert_eq!(pipeline.drain(numbers()).await.unwrap().letters_lost(), 3);
}

/// Panics, either when it is called or when its future is polled.
struct PanickingSink {
    at_once: bool,
}

impl<In: Send> DeadLetters<In> for PanickingSink {
    fn put(&self, _: DeadLetter<In>) -> Put<'_> {
        assert!(!self.at_once, "in `put`");
        Box::pin(async {
            tokio::task::yield_now().await;
            panic!("in the future of `put`")
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_panics_loses_only_its_dead_letter() {
    for at_once in [true, false] {
        let pipeline = pipeline![fetch].on_error(ErrorMode::Lenient).dead_letters(PanickingSink { at_once });
        let report = pipeline.drain(numbers()).await.unwrap();
        assert_eq!((report.items_out(), report.items_failed(), report.letters_lost()), (7, 3, 3));
    }
}

#[stage]
async fn store(rows: Vec<u64>) -> Result<usize, Refused> {
    tokio::task::yield_now().await;
    if rows.iter().any(|x| *x >= 100) { Err(Refused(409)) } else { Ok(rows.len()) }
}

#[tokio::test]
async fn a_channel_of_the_standard_library_is_a_sink() {
    let (dead, dead_letters) = std::sync::mpsc::channel();
    let pipeline = pipeline![u64: batch(1) => store].on_error(ErrorMode::Lenient).dead_letters(dead);
    pipeline.drain([1, 100]).await.unwrap();
    drop(pipeline);
    let items: Vec<_> = dead_letters.into_iter().map(|letter| letter.item).collect();
    assert_eq!(items, [100]);
}
