//! `#[state]`: the state that stages ask for by its type.

use std::sync::Arc;

use pipeline::{Pipeline, Provide, Stage, pipeline, stage};

struct Prefix(&'static str);
struct Count(std::sync::atomic::AtomicU32);

#[derive(Provide)]
struct App {
    prefix: Prefix,
    count: Count,
    #[provide(skip)]
    spare: Prefix,
}

#[stage]
fn label(x: u32, #[state] prefix: &Prefix) -> String {
    format!("{}{x}", prefix.0)
}

#[stage]
async fn count(text: String, #[state] count: &Count) -> (String, u32) {
    (text, count.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
}

#[stage]
fn whole(#[state] app: &App) -> &'static str {
    app.spare.0
}

fn app() -> App {
    App { prefix: Prefix("a"), count: Count(0.into()), spare: Prefix("spare") }
}

#[tokio::test]
async fn each_stage_gets_the_field_it_asks_for() {
    let pipeline = pipeline![label => count].with(app());
    assert_eq!(pipeline.run(1).await.unwrap(), ("a1".into(), 0));
    assert_eq!(pipeline.clone().run(2).await.unwrap(), ("a2".into(), 1));
}

#[tokio::test]
async fn a_value_provides_itself() {
    assert_eq!(pipeline![label].with(Prefix("b")).run(1).await.unwrap(), "b1");
    assert_eq!(pipeline![whole].with(app()).run(()).await.unwrap(), "spare");
}

#[tokio::test]
async fn a_nested_pipeline_uses_its_own_state_or_that_of_the_outer_pipeline() {
    let own = pipeline![label].with(Prefix("own"));
    let none = pipeline![label];
    let pipeline = pipeline![u32: |x| x => { own }].with(app());
    assert_eq!(pipeline.run(1).await.unwrap(), "own1");
    let pipeline = pipeline![u32: |x| x => { none.clone() } => count].with(app());
    assert_eq!(pipeline.run(1).await.unwrap().0, "a1");
}

/// The type of a pipeline can be written as a return type.
fn named() -> Pipeline<u32, impl Stage<u32, App, Out = (String, u32)> + Clone, App> {
    pipeline![label => count].with(app())
}

#[tokio::test]
async fn a_pipeline_with_state_can_be_returned_from_a_function() {
    let pipeline = named();
    assert_eq!(pipeline.clone().run(7).await.unwrap(), ("a7".into(), 0));
    assert_eq!(pipeline.boxed().run(7).await.unwrap().0, "a7");
}

#[derive(Provide)]
struct Generic<T>(Vec<T>, Arc<str>);

#[stage]
fn words(#[state] words: &Arc<str>, #[state] n: &Vec<u8>) -> String {
    words.repeat(n.len())
}

#[tokio::test]
async fn provide_can_be_derived_for_tuple_structs_and_generic_structs() {
    assert_eq!(pipeline![words].with(Generic(vec![1_u8, 2], "ab".into())).run(()).await.unwrap(), "abab");
}

/// State behind a trait object needs a manual `Provide`.
trait Clock: Send + Sync {
    fn now(&self) -> u32;
}

struct Fixed(u32);

impl Clock for Fixed {
    fn now(&self) -> u32 {
        self.0
    }
}

struct World(Box<dyn Clock>);

impl Provide<dyn Clock> for World {
    fn provide(&self) -> &(dyn Clock + 'static) {
        &*self.0
    }
}

#[stage]
fn tell(#[state] clock: &dyn Clock) -> u32 {
    clock.now()
}

#[tokio::test]
async fn a_trait_object_can_be_provided() {
    assert_eq!(pipeline![tell].with(World(Box::new(Fixed(5)))).run(()).await.unwrap(), 5);
}
