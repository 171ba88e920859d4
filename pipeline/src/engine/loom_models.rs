//! Models of what the threads of a run share. loom tries every order of their steps: no wake-up and no item is lost.
//!
//! `RUSTFLAGS="--cfg pipeline_loom" cargo test -p checked-pipeline --release --lib loom_models`

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use loom::future::block_on;
use loom::thread;

use super::outputs::{OutputQueue, QueueSink};
use super::ready_set::ReadySet;
use super::sinks::Sink;
use super::sync::AtomicWaker;
use super::work_queue::{WorkItem, WorkQueue};

#[test]
fn a_call_that_is_woken_on_another_thread_is_polled() {
    loom::model(|| {
        let driver = Arc::new(AtomicWaker::new());
        let ready_set = ReadySet::new(2, Arc::clone(&driver));
        let wakers = [0, 1].map(|slot| {
            let waker = ready_set.waker(slot);
            thread::spawn(move || waker.wake())
        });
        let mut polled = 0;
        block_on(poll_fn(|cx| {
            driver.register(cx.waker());
            polled |= ready_set.take(0);
            if polled == 0b11 { Poll::Ready(()) } else { Poll::Pending }
        }));
        for waker in wakers {
            waker.join().unwrap();
        }
    });
}

#[test]
fn a_reader_sees_each_result_and_a_writer_each_free_place() {
    loom::model(|| {
        let queue = Arc::new(OutputQueue::new(1));
        let reads = Arc::clone(&queue);
        let reader = thread::spawn(move || {
            let (mut buffered, mut read) = (VecDeque::new(), 0);
            while read < 2 {
                block_on(poll_fn(|cx| {
                    if reads.take(&mut buffered, cx) { Poll::Ready(()) } else { Poll::Pending }
                }));
                read += buffered.drain(..).count();
            }
        });
        let mut sink = QueueSink::<u32>::new(queue, false);
        for item in 0..2 {
            block_on(poll_fn(|cx| if sink.has_room(cx) { Poll::Ready(()) } else { Poll::Pending }));
            sink.push(0, Ok(item));
            sink.flush();
        }
        reader.join().unwrap();
    });
}

/// Runs the items of a queue until it is stopped, and hands over their tickets.
fn work(queue: &WorkQueue<u32, ()>) {
    let (mut local, mut done) = (VecDeque::new(), Vec::new());
    block_on(poll_fn(|cx| {
        loop {
            queue.take_share(&mut local, 8);
            let Some(WorkItem { ticket, .. }) = local.pop_front() else { break };
            done.push((ticket, Ok(())));
        }
        queue.hand_over(&mut done);
        if queue.idle(0, true, cx) { Poll::Ready(()) } else { Poll::Pending }
    }));
}

#[test]
fn each_item_of_the_queue_is_run_once_and_a_stop_reaches_the_worker() {
    loom::model(|| {
        let driver = Arc::new(AtomicWaker::new());
        let queue = Arc::new(WorkQueue::<u32, ()>::new(1, Arc::clone(&driver)));
        let shared = Arc::clone(&queue);
        let worker = thread::spawn(move || work(&shared));
        let mut tickets = Vec::new();
        let mut incoming = Vec::new();
        for ticket in 0..2 {
            let item = WorkItem { ticket, index: 0, observed: false, place: None, input: 0 };
            queue.push(&mut VecDeque::from([item]));
        }
        block_on(poll_fn(|cx| {
            driver.register(cx.waker());
            queue.take_results(&mut incoming);
            tickets.extend(incoming.drain(..).map(|(ticket, _)| ticket));
            if tickets.len() == 2 { Poll::Ready(()) } else { Poll::Pending }
        }));
        queue.stop();
        worker.join().unwrap();
        tickets.sort_unstable();
        assert_eq!(tickets, [0, 1]);
    });
}
