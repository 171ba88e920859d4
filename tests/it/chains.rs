//! Chains: `pipeline![a => b]`, and what a step can be.

use std::borrow::Cow;
use std::path::Path;

use pipeline::{Accepts, Stage, StageContext, StageError, pipeline, stage};

#[stage]
fn parse(text: &str) -> Result<u32, std::num::ParseIntError> {
    text.trim().parse()
}

#[stage]
async fn double(x: u32) -> u32 {
    x * 2
}

mod stages {
    use super::stage;

    #[stage]
    pub(crate) fn pair(x: u32) -> (u32, u32) {
        (x, x + 1)
    }
}

#[stage]
fn add(a: u32, b: u32) -> u32 {
    a + b
}

#[stage]
fn nothing() -> &'static str {
    "made of nothing"
}

#[stage]
fn convert<T, const N: usize>(x: u32) -> [T; N]
where
    T: From<u32> + Copy + Send,
{
    [T::from(x); N]
}

#[tokio::test]
async fn steps_follow_one_another() {
    let pipeline = pipeline![parse => double => stages::pair => add];
    assert_eq!(pipeline.run(" 5 ".into()).await.unwrap(), 21);
    assert_eq!(pipeline![nothing].run(()).await.unwrap(), "made of nothing");
}

#[tokio::test]
async fn any_kind_of_bracket_can_surround_the_macro_input() {
    assert_eq!(pipeline!(double => double).run(1).await.unwrap(), 4);
    assert_eq!(pipeline! { double => double }.run(1).await.unwrap(), 4);
    assert_eq!(pipeline! {< double => double >}.run(1).await.unwrap(), 4);
    assert_eq!(pipeline! {< u32: |x| x + 1 => double >}.run(1).await.unwrap(), 4);
}

#[tokio::test]
async fn type_arguments_are_given_or_inferred() {
    assert_eq!(pipeline![convert::<u64, 2>].run(1).await.unwrap(), [1_u64; 2]);
    let found: [f64; 3] = pipeline![convert].run(1).await.unwrap();
    assert_eq!(found, [1.0; 3]);
}

#[tokio::test]
async fn closures_take_the_value_and_inspect_borrows_it() {
    let seen = std::sync::Mutex::new(Vec::new());
    let pipeline = pipeline![
        parse => |x| x.pow(2) => inspect(|x| seen.lock().unwrap().push(*x)) => |x: u32| format!("<{x}>")
    ];
    assert_eq!(pipeline.run("3".into()).await.unwrap(), "<9>");
    assert_eq!(*seen.lock().unwrap(), [9]);
    let offset = 10;
    assert_eq!(pipeline![|x: u32| x + offset].run(1).await.unwrap(), 11);
}

/// A manual implementation of `Stage`.
#[derive(Clone)]
struct Scale(u32);

impl Accepts<u32> for Scale {
    type Out = u32;
}

impl<S: Send + Sync> Stage<u32, S> for Scale {
    async fn call(&self, input: u32, _: &StageContext<'_, S>) -> Result<u32, StageError> {
        Ok(input * self.0)
    }
}

#[tokio::test]
async fn any_value_that_is_a_stage_can_be_used_in_braces() {
    let sub = pipeline![double => { Scale(10) }];
    let pipeline = pipeline![parse => { sub.clone() } => { sub.boxed() } => { Scale(2) }];
    assert_eq!(pipeline.run("1".into()).await.unwrap(), 800);
}

#[tokio::test]
async fn a_pipeline_longer_than_the_longest_tuple_nests_automatically() {
    let long = pipeline![
        double => |x| x + 1 => |x| x + 1 => |x| x + 1 => |x| x + 1 => |x| x + 1 => |x| x + 1 => |x| x + 1 =>
        |x| x + 1 => |x| x + 1 => |x| x + 1 => |x| x + 1 => |x| x + 1 => |x| x + 1 => |x| x + 1 => |x| x + 1 =>
        |x| x + 1 => |x| x + 1 => |x| x + 1 => |x| x + 1 => |x| x + 1 => |x| x + 1 => |x| x + 1 => |x| x + 1 =>
        double
    ];
    assert_eq!(long.run(1).await.unwrap(), 50);
}

#[stage]
fn extension(path: &Path) -> Option<String> {
    path.extension().map(|extension| extension.to_string_lossy().into_owned())
}

#[stage]
fn total(numbers: &[u32], extra: &Option<u32>) -> u32 {
    numbers.iter().chain(extra).sum()
}

#[stage]
fn keep(word: &'static str) -> usize {
    word.len()
}

#[stage]
fn own<'a>(word: Cow<'a, str>) -> Cow<'a, str> {
    word
}

#[tokio::test]
async fn borrowed_parameters_take_owned_inputs() {
    assert_eq!(pipeline![extension].run("a/b.csv".into()).await.unwrap().as_deref(), Some("csv"));
    assert_eq!(pipeline![total].run((vec![1, 2], Some(3))).await.unwrap(), 6);
    assert_eq!(pipeline![keep].run("word").await.unwrap(), 4);
    let text = String::from("text");
    assert_eq!(pipeline![own].run(Cow::from(&*text)).await.unwrap(), "text");
}

#[tokio::test]
async fn a_stage_may_be_declared_inside_a_function_and_share_its_name_with_a_variable() {
    #[stage]
    fn local(x: u32) -> u32 {
        x + 1
    }
    let double = 5;
    assert_eq!(pipeline![local => double].run(double).await.unwrap(), 12);
}

#[test]
fn a_stage_function_is_still_a_function() {
    assert_eq!(add(1, 2), 3);
    assert_eq!(parse("7"), Ok(7));
}

/// A stage without a policy adds nothing to the size of the pipeline.
#[test]
fn a_pipeline_of_stages_without_policies_is_the_size_of_its_settings() {
    let one = pipeline![double];
    let three = pipeline![double => double => double];
    assert_eq!(size_of_val(&one), size_of_val(&three));
}
