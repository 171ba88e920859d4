//! `#[stage(blocking)]`: stages on tokio's blocking pool.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

use pipeline::{Context, ErrorKind, pipeline, stage};

use crate::support::ms;

#[stage(blocking)]
fn where_am_i(text: &str, n: u8) -> (ThreadId, String) {
    (thread::current().id(), text.repeat(n.into()))
}

#[stage]
fn here() -> ThreadId {
    thread::current().id()
}

#[tokio::test]
async fn a_blocking_stage_runs_on_another_thread_and_a_sync_stage_on_the_callers_thread() {
    let (there, text) = pipeline![where_am_i].run(("ab".into(), 2)).await.unwrap();
    assert_ne!(there, thread::current().id());
    assert_eq!(text, "abab");
    assert_eq!(pipeline![here].run(()).await.unwrap(), thread::current().id());
}

struct Log(Mutex<Vec<String>>);

/// Not `Clone`.
struct Document(&'static str);

#[stage(blocking, retries = 2, delay = "1ms")]
fn print(document: &Document, copies: u8, #[state] log: &Log, #[context] cx: &Context) -> Result<u8, String> {
    log.0.lock().unwrap().push(format!("{} {}", document.0, cx.attempt()));
    if cx.attempt() < 3 { Err("jam".into()) } else { Ok(copies) }
}

#[tokio::test(start_paused = true)]
async fn a_blocking_stage_is_retried_borrows_its_input_and_sees_state_and_context() {
    let pipeline = pipeline![print].with(Log(Mutex::default()));
    assert_eq!(pipeline.run((Document("a"), 2)).await.unwrap(), 2);
    let pipeline = pipeline![print => logged].with(Log(Mutex::default()));
    assert_eq!(pipeline.run((Document("b"), 0)).await.unwrap(), ["b 1", "b 2", "b 3"]);
}

#[stage]
fn logged(_copies: u8, #[state] log: &Log) -> Vec<String> {
    log.0.lock().unwrap().clone()
}

#[stage(blocking)]
fn crash(_x: u8) {
    panic!("on the other thread")
}

#[tokio::test]
async fn a_panic_on_the_blocking_thread_fails_the_item() {
    let error = pipeline![crash].run(1).await.unwrap_err();
    assert_eq!((error.stage(), error.kind()), ("crash", ErrorKind::Panicked));
    assert_eq!(format!("{error:#}"), "stage `crash` panicked: on the other thread");
}

/// Blocks until the test sends to it, and reports how far the call got.
#[derive(Clone)]
struct Gate(Arc<Mutex<Receiver<()>>>, Sender<&'static str>);

#[stage(blocking, timeout = "1s")]
fn wait_at(gate: Gate) {
    let _ = gate.1.send("started");
    let _ = gate.0.lock().unwrap().recv();
    let _ = gate.1.send("ended");
}

#[tokio::test(start_paused = true)]
async fn after_a_timeout_a_blocking_call_still_runs_to_its_end() {
    let (open, gate) = channel();
    let (say, said) = channel();
    let pipeline = pipeline![wait_at];
    let run = pipeline.run(Gate(Arc::new(Mutex::new(gate)), say));
    let (result, ()) = tokio::join!(run, async {
        while said.try_recv().is_err() {
            tokio::task::yield_now().await;
        }
        // The paused clock does not advance while a blocking call runs, so the test advances it.
        tokio::time::advance(std::time::Duration::from_secs(2)).await;
    });
    assert_eq!(result.unwrap_err().kind(), ErrorKind::TimedOut);
    open.send(()).unwrap();
    assert_eq!(said.recv().unwrap(), "ended");
}

#[test]
fn without_a_runtime_a_blocking_stage_fails_and_says_what_to_do() {
    let result = futures_util::FutureExt::now_or_never(pipeline![crash].run(1));
    let error = result.unwrap().unwrap_err();
    assert!(format!("{error:#}").contains("run the pipeline under `#[tokio::main]`"), "{error}");
}

#[stage(blocking)]
fn note(say: Sender<&'static str>) {
    let _ = say.send("ran");
}

#[test]
fn a_blocking_call_that_is_dropped_in_the_queue_never_runs() {
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    let (open, gate) = channel::<()>();
    let (say, said) = channel();
    runtime.block_on(async {
        let busy = tokio::task::spawn_blocking(move || gate.recv());
        // It is queued behind the call that occupies the only thread.
        let polled = futures_util::FutureExt::now_or_never(pipeline![note].run(say));
        assert!(polled.is_none());
        open.send(()).unwrap();
        busy.await.unwrap().unwrap();
        tokio::task::spawn_blocking(|| ()).await.unwrap();
    });
    assert!(said.try_recv().is_err());
}

/// A runtime with one blocking thread, and a paused clock.
fn one_thread() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.max_blocking_threads(1).enable_time().start_paused(true).build().unwrap()
}

/// Polls the other futures of the task until the test has been told something.
async fn told(said: &Receiver<&'static str>) -> &'static str {
    loop {
        match said.try_recv() {
            Ok(said) => return said,
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

#[test]
fn the_timeout_begins_when_the_call_has_a_thread_and_the_time_before_is_queued() {
    let (release, busy) = channel::<()>();
    let (open, gate) = channel();
    let (say, said) = channel();
    one_thread().block_on(async {
        let busy = tokio::task::spawn_blocking(move || busy.recv());
        let pipeline = pipeline![wait_at].on_error(pipeline::ErrorMode::Collect);
        let run = pipeline.drain([Gate(Arc::new(Mutex::new(gate)), say)]);
        let (report, ()) = tokio::join!(run, async {
            tokio::task::yield_now().await;
            // Longer than the timeout.
            tokio::time::advance(ms(5000)).await;
            release.send(()).unwrap();
            assert_eq!(told(&said).await, "started");
            tokio::time::advance(ms(900)).await;
            tokio::task::yield_now().await;
            open.send(()).unwrap();
        });
        let report = report.unwrap();
        assert!(report.is_success(), "{report}");
        let queued = report.stages()[0].queued();
        assert!(queued >= ms(5000) && queued < ms(5900), "{queued:?}");
        busy.await.unwrap().unwrap();
    });
}

#[stage(blocking, deadline = "1s", retries = 1)]
fn note_in_time(say: Sender<&'static str>) -> Result<(), String> {
    say.send("ran").map_err(|error| error.to_string())
}

#[test]
fn a_call_whose_deadline_passes_in_the_queue_is_not_begun() {
    let (release, busy) = channel::<()>();
    let (say, said) = channel();
    one_thread().block_on(async {
        let busy = tokio::task::spawn_blocking(move || busy.recv());
        let pipeline = pipeline![note_in_time].on_error(pipeline::ErrorMode::Collect);
        let (report, ()) = tokio::join!(pipeline.drain([say]), async {
            tokio::task::yield_now().await;
            tokio::time::advance(ms(2000)).await;
        });
        release.send(()).unwrap();
        busy.await.unwrap().unwrap();
        tokio::task::spawn_blocking(|| ()).await.unwrap();
        let report = report.unwrap();
        let error = &report.failures()[0].error;
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::DeadlineExceeded, 0));
        assert_eq!((report.stages()[0].calls(), report.stages()[0].attempts()), (1, 0));
    });
    assert!(said.try_recv().is_err());
}
