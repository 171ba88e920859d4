#![deny(warnings)]

use pipeline::{pipeline, stage};

#[stage(retries = 3, delay = "1ms", max_delay = "2s", timeout = "5s", deadline = "1m")]
async fn fetch(url: &str) -> Result<String, std::io::Error> {
    Ok(url.to_owned())
}

#[stage]
fn length(body: &str) -> Result<usize, String> {
    if body.is_empty() { Err("empty".to_owned()) } else { Ok(body.len()) }
}

#[stage(blocking)]
fn hash(x: usize) -> usize {
    x ^ 7
}

mod stages {
    #[pipeline::stage]
    pub(crate) fn decode<T: From<u8> + Send>(x: usize) -> Result<T, std::num::TryFromIntError> {
        Ok(T::from(x.try_into()?))
    }
}

fn main() {
    let hashed = pipeline![
        fetch.name("first").retries(0)
            => fetch.retries(5).backoff("linear").delay("2ms").max_delay("3s").jitter()
            => fetch.delay("1s").timeout("1s").deadline("2s").concurrency(2).rate("5/100ms")
            => length.retries(1).deadline("1s")
            => hash.timeout("1s")
            => stages::decode::<u32>.retries(2)
    ];
    assert_eq!(hashed.run_blocking("BER".to_owned()).unwrap(), 4);
}
