//! A panic in the destructor of a call that is dropped: by a timeout, beside a branch that failed, by an abort.

use std::sync::Mutex;

use pipeline::{CancellationToken, ErrorKind, ErrorMode, pipeline, stage};
use tokio::time::sleep;
use tracing::field::{Field, Visit};
use tracing::span;

use crate::support::worker_counts::{OnWorkers, for_each_worker_count};
use crate::support::{Refused, ms};

/// Panics when it is dropped, unless it was defused.
struct Bomb(bool);

impl Bomb {
    fn defuse(mut self) {
        self.0 = false;
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(!self.0, "the guard of the call");
    }
}

#[stage(timeout = "10ms", retries = 3)]
async fn slow(x: u64) -> Result<u64, Refused> {
    let bomb = Bomb(x == 1);
    sleep(ms(if x == 1 { 100 } else { 1 })).await;
    bomb.defuse();
    Ok(x)
}

#[stage(deadline = "10ms")]
async fn late(x: u64) -> Result<u64, Refused> {
    let bomb = Bomb(true);
    sleep(ms(100)).await;
    bomb.defuse();
    Ok(x)
}

#[stage]
async fn guarded(x: u64) -> u64 {
    let bomb = Bomb(true);
    sleep(ms(100)).await;
    bomb.defuse();
    x
}

#[stage]
async fn guarded_too(x: u64) -> u64 {
    let bomb = Bomb(true);
    sleep(ms(100)).await;
    bomb.defuse();
    x
}

#[stage]
async fn fails(x: u64) -> Result<u64, Refused> {
    sleep(ms(20)).await;
    if x == 1 { Err(Refused(503)) } else { Ok(x) }
}

#[stage]
async fn panics(x: u64) -> u64 {
    sleep(ms(20)).await;
    assert!(x != 1, "the call itself");
    x
}

#[tokio::test(start_paused = true)]
async fn the_destructor_of_an_attempt_that_timed_out_fails_its_item_and_the_timeout_stays() {
    let error = pipeline![slow].run(1).await.unwrap_err();
    assert_eq!((error.stage(), error.kind(), error.attempts()), ("slow", ErrorKind::TimedOut, 1));
    assert_eq!(
        format!("{error:#}"),
        "stage `slow` timed out in 10ms: not done within 10ms; its destructor panicked: the guard of the call"
    );
    let error = pipeline![late].run(1).await.unwrap_err();
    assert_eq!(
        format!("{error:#}"),
        "stage `late` ran out of time in 10ms: its destructor panicked: the guard of the call"
    );
    for_each_worker_count!(|workers| {
        let report =
            pipeline![slow].on_error(ErrorMode::Collect).on_workers(workers).drain(0..4).await.unwrap();
        assert_eq!((report.items_out(), report.items_failed()), (3, 1));
        assert_eq!((report.failures()[0].index, report.stages()[0].timeouts()), (1, 1));
    });
}

#[tokio::test(start_paused = true)]
async fn beside_a_branch_that_failed_the_first_error_stays() {
    for_each_worker_count!(|workers| {
        let failed = pipeline![(fails, guarded, guarded_too) => |_| ()];
        let error = failed.run(1).await.unwrap_err();
        assert_eq!((error.stage(), error.kind()), ("fails", ErrorKind::Failed));
        let report = failed.on_error(ErrorMode::Collect).on_workers(workers).drain(0..3).await.unwrap();
        assert_eq!((report.items_out(), report.items_failed()), (2, 1));
        assert_eq!(report.failures()[0].error.stage(), "fails");

        let panicked = pipeline![(guarded, panics, guarded_too) => |_| ()];
        let error = panicked.run(1).await.unwrap_err();
        assert_eq!((error.stage(), error.kind()), ("panics", ErrorKind::Panicked));
        assert_eq!(format!("{error:#}"), "stage `panics` panicked: the call itself");
        let report = panicked.on_error(ErrorMode::Collect).on_workers(workers).drain(0..3).await.unwrap();
        assert_eq!((report.items_out(), report.items_failed()), (2, 1));
        assert_eq!(report.failures()[0].error.stage(), "panics");
    });
}

#[tokio::test(start_paused = true)]
async fn an_abort_drops_all_calls_whatever_their_destructors_do() {
    for_each_worker_count!(|workers| {
        let strict = pipeline![fails => (guarded, guarded_too) => |_| ()].on_workers(workers);
        // Items 0, 2 and 3 are in the fork when item 1 fails late.
        let strict_late = pipeline![(guarded, guarded_too) => |_| 1_u64 => fails].concurrency(3);
        assert_eq!(strict.drain(0..4).await.unwrap_err().failure.index, 1);
        assert_eq!(strict.collect(0..4).await.unwrap_err().failure.error.stage(), "fails");
        assert_eq!(strict.stream(0..4).report().await.items_failed(), 1);
        assert_eq!(
            strict_late.on_workers(workers).drain(0..4).await.unwrap_err().failure.error.stage(),
            "fails"
        );

        let [soft, hard] = [CancellationToken::new(), CancellationToken::new()];
        let stopped =
            pipeline![(guarded, guarded_too) => |_| ()].cancel_on(soft.clone()).cancel_on(hard.clone());
        let stopped = stopped.on_workers(workers);
        let (report, ()) = tokio::join!(stopped.drain(0..4), async {
            sleep(ms(10)).await;
            soft.cancel();
            hard.cancel();
        });
        assert_eq!(report.unwrap().items_cancelled(), 4);

        let timed_out =
            tokio::time::timeout(ms(10), pipeline![guarded].on_workers(workers).drain(0..4)).await;
        assert!(timed_out.is_err(), "the dropped future of a verb does not panic");
    });
}

/// Collects the events that name a stage.
#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl tracing::Subscriber for &'static Told {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() == tracing::Level::ERROR
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        struct Fields(Vec<String>);
        impl Visit for Fields {
            fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
                self.0.push(format!("{field}: {value:?}"));
            }
        }
        let mut fields = Fields(Vec::new());
        event.record(&mut fields);
        self.0.lock().unwrap().push(fields.0.join(", "));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[tokio::test(start_paused = true)]
async fn each_is_logged_and_that_of_an_attempt_that_timed_out_with_its_stage() {
    let told: &'static Told = Box::leak(Box::default());
    let _guard = tracing::subscriber::set_default(told);
    // With one subscriber alone, the threads of other tests would decide that nobody listens.
    let _another = tracing::Dispatch::new(told);
    pipeline![(fails, guarded, guarded_too) => |_| ()].run(1).await.unwrap_err();
    pipeline![fails => guarded].drain(0..2).await.unwrap_err();
    pipeline![slow].run(1).await.unwrap_err();
    let message = "a destructor panicked when its call was dropped: the guard of the call";
    let expected = ["?", "?", "?", "slow"].map(|stage| format!("message: {message}, stage: \"{stage}\""));
    let mut told = told.0.lock().unwrap().clone();
    for told in &mut told {
        if let Some((stage, message)) = told.split_once(", message: ") {
            *told = format!("message: {message}, {stage}");
        }
    }
    assert_eq!(told, expected);
}
