use std::collections::HashMap;
use std::fmt::Display;
use std::hash::Hash;
use std::str::FromStr;

use pipeline::{pipeline, stage};

#[stage]
fn decode<T>(line: &str) -> Result<T, T::Err>
where
    T: FromStr + Send,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    line.parse()
}

#[stage(retries = 2)]
async fn repeat<T: Clone + Send + Sync + 'static, const N: usize>(
    value: T,
) -> Result<[T; N], std::fmt::Error> {
    Ok(std::array::from_fn(|_| value.clone()))
}

#[stage(concurrency = 2, timeout = "1s")]
async fn count<K, const N: usize>(keys: [K; N]) -> HashMap<K, usize>
where
    K: Eq + Hash + Send,
{
    let mut counts = HashMap::new();
    for key in keys {
        *counts.entry(key).or_default() += 1;
    }
    counts
}

#[stage(blocking)]
fn label<T: Display + Send + 'static, const LOUD: bool, const MARK: char>(value: T) -> String {
    if LOUD {
        format!("{value}{MARK}")
    } else {
        value.to_string()
    }
}

#[stage]
fn lookup<T: Send + Sync + Clone>(_key: u8, #[state] table: &Vec<T>) -> Option<T> {
    table.first().cloned()
}

fn main() {
    let counted = pipeline![decode::<u64> => repeat::<_, 3> => count => |counts| counts.len()];
    assert_eq!(counted.run_blocking("42".to_owned()).unwrap(), 1);
    let inferred = pipeline![decode => |x: i8| x => label::<_, true, '!'>.timeout("1s")];
    assert_eq!(inferred.run_blocking("-4".to_owned()).unwrap(), "-4!");
    let looked_up = pipeline![lookup::<&'static str>].with(vec!["BER"]);
    assert_eq!(looked_up.run_blocking(0).unwrap(), Some("BER"));
}
