//! What happens in a run, as a stream of events for async consumers.

use pipeline::{ErrorKind, ErrorMode, Event, Outcome, events, pipeline, stage};

use crate::support::{Act, Refused, Service, ms};

#[stage(name = "ask", retries = 2, delay = "10ms")]
async fn ask(_x: u32, #[state] service: &Service) -> Result<(), Refused> {
    service.call().await
}

#[tokio::test(start_paused = true)]
async fn a_consumer_in_another_task_receives_all_events_in_order() {
    let service = Service::new([Act::Fail(503), Act::Answer, Act::Fail(1), Act::Fail(2), Act::Fail(3)]);
    let (sender, mut events) = events();
    let pipeline = pipeline![ask].with(service).concurrency(1).on_error(ErrorMode::Lenient).observe(sender);
    let consumer = tokio::spawn(async move {
        let mut seen = Vec::new();
        while let Some(event) = events.next().await {
            seen.push(match event {
                Event::RunStarted { .. } => "run".to_owned(),
                Event::StageStarted { index, stage, .. } => format!("{stage} {index}"),
                Event::AttemptFailed { attempt, kind: ErrorKind::Failed, error, wait, .. } => {
                    format!("attempt {attempt}: {error}, again in {wait:?}")
                }
                Event::StageFinished { outcome: Outcome::Done, elapsed, .. } => {
                    format!("done in {elapsed:?}")
                }
                Event::StageFinished { outcome: Outcome::Failed(error), .. } => format!("{error:#}"),
                Event::ItemFinished { index, outcome: Outcome::Done, .. } => format!("item {index} done"),
                Event::ItemFinished { index, outcome: Outcome::Failed(_), .. } => {
                    format!("item {index} failed")
                }
                Event::RunFinished { report, .. } => format!("{} failed", report.items_failed()),
                other => format!("{other:?}"),
            });
        }
        seen
    });
    pipeline.drain(0..2).await.unwrap();
    drop(pipeline);
    let seen = consumer.await.unwrap();
    assert_eq!(
        seen,
        [
            "run",
            "ask 0",
            "attempt 1: refused with 503, again in 10ms",
            "done in 10ms",
            "item 0 done",
            "ask 1",
            "attempt 1: refused with 1, again in 10ms",
            "attempt 2: refused with 2, again in 20ms",
            "stage `ask` failed after 3 attempts in 30ms: refused with 3",
            "item 1 failed",
            "1 failed",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_dropped_event_receiver_does_not_affect_the_run() {
    let (sender, events) = events();
    drop(events);
    let pipeline = pipeline![ask].with(Service::new([Act::Slow(ms(5))])).observe(sender);
    assert!(pipeline.run(1).await.is_ok());
}
