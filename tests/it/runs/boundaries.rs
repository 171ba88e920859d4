//! `each` and `batch`: where the number of items changes.

use std::time::Duration;

use pipeline::{pipeline, source, stage};
use tokio::time::Instant;

use crate::support::worker_counts::{OnWorkers, for_each_worker_count};
use crate::support::{Refused, ms};

#[stage]
async fn words(line: &str) -> Vec<String> {
    tokio::task::yield_now().await;
    line.split_whitespace().map(str::to_owned).collect()
}

#[stage]
async fn length(word: &str) -> usize {
    tokio::task::yield_now().await;
    word.len()
}

fn lines() -> Vec<String> {
    ["to be or not", "", "that is"].map(str::to_owned).into()
}

#[tokio::test]
async fn each_gives_the_items_one_by_one_in_order() {
    let lengths = pipeline![words => each => length].collect(lines()).await.unwrap();
    assert_eq!(lengths, [2, 2, 2, 3, 4, 2]);
}

#[tokio::test]
async fn each_of_an_option_is_a_filter() {
    let even = pipeline![|x: u32| x.is_multiple_of(2).then_some(x) => each => |x| x * 10];
    assert_eq!(even.collect(0..6).await.unwrap(), [0, 20, 40]);
}

#[tokio::test]
async fn boundaries_can_follow_each_other_and_come_first_or_last() {
    let flat = pipeline![Vec<Vec<u32>>: each => each];
    assert_eq!(flat.collect([vec![vec![1, 2], vec![3]], vec![], vec![vec![4]]]).await.unwrap(), [1, 2, 3, 4]);
    let pairs = pipeline![Vec<u32>: each => batch(2)];
    assert_eq!(pairs.collect([vec![1, 2, 3], vec![4, 5]]).await.unwrap(), [vec![1, 2], vec![3, 4], vec![5]]);
}

#[tokio::test]
async fn each_streams_an_endless_iterator() {
    let numbers = pipeline![|from: u64| from.. => each => |x| x * 2];
    let mut outputs = numbers.stream([5]);
    for expected in [10, 12, 14] {
        assert_eq!(outputs.next().await.unwrap().unwrap(), expected);
    }
}

#[tokio::test]
async fn a_batch_is_emitted_when_it_is_full_and_the_rest_at_the_end() {
    let sums = pipeline![batch(3) => |xs: Vec<u32>| xs.iter().sum::<u32>()];
    assert_eq!(sums.collect(1..=7).await.unwrap(), [6, 15, 7]);
}

#[tokio::test(start_paused = true)]
async fn a_partial_batch_is_emitted_after_the_linger_time() {
    let (send, receive) = tokio::sync::mpsc::unbounded_channel();
    let items = tokio_stream(receive);
    let start = Instant::now();
    let batches = pipeline![batch(3, "50ms") => |xs: Vec<u32>| xs];
    let mut outputs = batches.stream(source::stream(items));
    send.send(1).unwrap();
    send.send(2).unwrap();
    assert_eq!(outputs.next().await.unwrap().unwrap(), [1, 2]);
    assert_eq!(start.elapsed(), ms(50));
    for x in 3..=5 {
        send.send(x).unwrap();
    }
    assert_eq!(outputs.next().await.unwrap().unwrap(), [3, 4, 5]);
    assert_eq!(start.elapsed(), ms(50));
    drop(send);
    assert!(outputs.next().await.is_none());
}

fn tokio_stream<T>(
    mut receive: tokio::sync::mpsc::UnboundedReceiver<T>,
) -> impl futures_util::Stream<Item = T> + Send
where
    T: Send,
{
    futures_util::stream::poll_fn(move |cx| receive.poll_recv(cx))
}

#[stage]
async fn slow(x: u64) -> Vec<u64> {
    tokio::time::sleep(ms(100)).await;
    vec![x]
}

#[stage]
async fn slow_too(x: u64) -> u64 {
    tokio::time::sleep(ms(100)).await;
    x
}

#[tokio::test(start_paused = true)]
async fn segments_run_concurrently() {
    let start = Instant::now();
    let pipeline = pipeline![slow => each => slow_too].concurrency(1);
    assert_eq!(pipeline.collect(0..5).await.unwrap(), [0, 1, 2, 3, 4]);
    assert_eq!(start.elapsed(), ms(600)); // sequentially it would be 1000
}

#[stage]
async fn odd(x: u32) -> Result<u32, Refused> {
    if x % 2 == 1 { Ok(x) } else { Err(Refused(7)) }
}

#[tokio::test]
async fn a_failure_after_each_has_the_index_of_its_source_item() {
    let pipeline = pipeline![|x: u32| vec![x, x] => each => odd];
    let aborted = pipeline.collect([1, 3, 4, 5]).await.unwrap_err();
    assert_eq!(aborted.failure.index, 2);
    assert_eq!(aborted.report.items_in(), 3);
}

#[stage(concurrency = 4)]
async fn upsert(rows: Vec<u64>) -> usize {
    tokio::time::sleep(Duration::from_secs(1)).await;
    rows.len()
}

/// One item per millisecond.
fn one_per_millisecond(items: u64) -> impl futures_util::Stream<Item = u64> + Send {
    futures_util::stream::unfold(0, move |x| async move {
        tokio::time::sleep(ms(1)).await;
        (x < items).then_some((x, x + 1))
    })
}

#[tokio::test(start_paused = true)]
async fn a_batch_goes_on_growing_while_the_stage_behind_it_has_no_capacity() {
    for_each_worker_count!(|workers| {
        let start = Instant::now();
        let pipeline = pipeline![|x: u64| x => batch(500, "50ms") => upsert].on_workers(workers);
        let sizes = pipeline.collect(source::stream(one_per_millisecond(5000))).await.unwrap();
        assert_eq!(sizes.iter().sum::<usize>(), 5000);
        // The first four have what came in 50 ms. Then a batch grows until one of the four calls ends: without that, all of
        // the 100 batches would have 50 items, and the run would take 25 s.
        assert_eq!(sizes[..4], [50; 4], "{workers} workers: {sizes:?}");
        assert!(sizes.len() <= 30, "{workers} workers: {sizes:?}");
        assert!(start.elapsed() < Duration::from_secs(10), "{workers} workers: {:?}", start.elapsed());
    });
}

#[tokio::test(start_paused = true)]
async fn a_batch_does_not_wait_for_capacity_that_another_run_uses() {
    let pipeline = pipeline![batch(2) => upsert];
    let other = pipeline.clone();
    let busy = tokio::spawn(async move { other.collect(vec![1; 1000]).await });
    tokio::task::yield_now().await;
    assert_eq!(pipeline.collect([1, 2, 3]).await.unwrap(), [2, 1]);
    busy.await.unwrap().unwrap();
}
