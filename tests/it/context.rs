//! `#[context]`: what a stage can know about its item.

use pipeline::{Context, pipeline, stage};

use crate::support::{Act, Refused, Service};

#[stage(retries = 2)]
async fn who(#[context] cx: &Context, #[state] service: &Service) -> Result<(String, u32, usize), Refused> {
    service.call().await?;
    Ok((cx.stage().to_owned(), cx.attempt(), cx.index()))
}

#[tokio::test(start_paused = true)]
async fn a_stage_knows_its_name_its_attempt_and_its_item() {
    let service = Service::new([Act::Fail(500), Act::Fail(500)]);
    let seen = pipeline![who].with(service).run(()).await.unwrap();
    assert_eq!(seen, ("who".into(), 3, 0));

    let pipeline = pipeline![who.name("me")].with(Service::new([])).concurrency(1);
    let seen = pipeline.collect([(), (), ()]).await.unwrap();
    assert_eq!(seen[2], ("me".into(), 1, 2));
}

#[stage]
fn run_of(#[context] cx: &Context) -> pipeline::RunId {
    cx.run_id()
}

#[tokio::test]
async fn items_of_a_run_share_its_id_and_other_runs_have_another() {
    let pipeline = pipeline![run_of];
    let ids = pipeline.collect([(), (), ()]).await.unwrap();
    assert!(ids.iter().all(|id| *id == ids[0]));
    assert_ne!(pipeline.run(()).await.unwrap(), ids[0]);
}

#[tokio::test]
async fn the_id_of_a_run_can_be_set_and_is_in_its_report() {
    let id: pipeline::RunId = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f".parse().unwrap();
    let begin = std::time::SystemTime::now();
    let gathered = pipeline![run_of].run_id(id).gather([(), ()]).await;
    assert_eq!(gathered.outputs, [id, id]);
    assert_eq!(gathered.report.run_id(), id);
    let started = gathered.report.started_at().unwrap();
    assert!(begin <= started && started <= std::time::SystemTime::now());
    let other = pipeline![run_of].drain([()]).await.unwrap();
    assert!(other.run_id() > id, "ids begin with the time");
}

#[derive(Clone)]
struct Trace(Vec<&'static str>);

#[stage]
async fn first(#[context] cx: &Context) {
    cx.extensions().insert(Trace(vec!["first"]));
}

#[stage(blocking)]
fn second(#[context] cx: &Context) {
    let mut trace = cx.extensions().remove::<Trace>().unwrap();
    trace.0.push(cx.stage().to_owned().leak());
    cx.extensions().insert(trace);
}

#[stage]
fn third(#[context] cx: &Context) -> Vec<&'static str> {
    cx.extensions().get::<Trace>().unwrap().0
}

#[tokio::test]
async fn extensions_live_as_long_as_the_item_on_any_thread() {
    let pipeline = pipeline![first => second => third];
    assert_eq!(pipeline.run(()).await.unwrap(), ["first", "second"]);
    assert_eq!(pipeline.run(()).await.unwrap(), ["first", "second"]);
    let error = pipeline![third].run(()).await.unwrap_err();
    assert_eq!(error.stage(), "third");
}

#[tokio::test]
async fn a_stage_function_that_takes_a_context_can_be_called_directly() {
    let seen = who(&Context::default(), &Service::new([])).await.unwrap();
    assert_eq!(seen, (String::new(), 1, 0));
}
