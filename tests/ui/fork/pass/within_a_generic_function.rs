#![deny(warnings)]

use std::fmt::{Debug, Display};

use pipeline::{Pipeline, Stage, pipeline, stage};

#[stage]
async fn show<T: Display + Sync + Send>(value: &T) -> String {
    value.to_string()
}

#[stage]
fn pair<T: Send, U: Send>(one: T, other: U) -> (T, U) {
    (one, other)
}

#[stage]
fn keep<T: Send>(value: T) -> T {
    value
}

fn shown<T>() -> Pipeline<T, impl Stage<T, (), Out = (String, T)>>
where
    T: Display + Clone + Send + Sync + 'static,
{
    pipeline![(show::<T>, keep::<T>) => pair::<String, T>]
}

fn shown_twice<T, U>(label: U) -> Pipeline<T, impl Stage<T, (), Out = ((String, T), (U, String))>>
where
    T: Display + Clone + Send + Sync + 'static,
    U: Clone + Debug + Send + Sync + 'static,
{
    pipeline!(|value: T| {
        let text = show::<T>(value);
        let kept = keep::<T>(value);
        let first = pair::<String, T>(text, kept);
        let again = show::<T>(value);
        let second = pair::<U, String>(label, again);
        pair::<(String, T), (U, String)>(first, second)
    })
}

fn either<T>() -> Pipeline<Option<T>, impl Stage<Option<T>, (), Out = String>>
where
    T: Display + Clone + Send + Sync + 'static,
{
    pipeline![match {
        Some(value) => value => (show::<T> | |_| String::new()),
        None => "nothing".to_owned() => keep::<String>,
    }]
}

fn main() {
    let text = "7".to_owned();
    assert_eq!(shown::<u8>().run_blocking(7).unwrap(), (text.clone(), 7));
    assert_eq!(
        shown_twice::<u8, _>("seven").run_blocking(7).unwrap(),
        ((text.clone(), 7), ("seven", text.clone()))
    );
    assert_eq!(either::<u8>().run_blocking(Some(7)).unwrap(), text);
    assert_eq!(either::<u8>().run_blocking(None).unwrap(), "nothing");
}
