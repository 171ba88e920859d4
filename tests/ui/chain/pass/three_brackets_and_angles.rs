use pipeline::{pipeline, stage};

#[stage]
fn parse(line: &str) -> Result<u32, std::num::ParseIntError> {
    line.parse()
}

#[stage]
fn decode<T: std::str::FromStr<Err = std::num::ParseIntError> + Send>(line: &str) -> Result<T, T::Err> {
    line.parse()
}

#[stage]
fn double(x: u32) -> u32 {
    2 * x
}

fn main() {
    let text = || "21".to_owned();
    assert_eq!(pipeline![parse => double].run_blocking(text()).unwrap(), 42);
    assert_eq!(pipeline!(parse => double).run_blocking(text()).unwrap(), 42);
    assert_eq!(pipeline! { parse => double }.run_blocking(text()).unwrap(), 42);
    assert_eq!(pipeline! {< parse => double >}.run_blocking(text()).unwrap(), 42);
    assert_eq!(
        pipeline![< String: parse => double >]
            .run_blocking(text())
            .unwrap(),
        42
    );
    assert_eq!(pipeline!(< decode::<u32> >).run_blocking(text()).unwrap(), 21);
    assert_eq!(pipeline![decode::<u32>].run_blocking(text()).unwrap(), 21);
    assert_eq!(pipeline![parse].run_blocking(text()).unwrap(), 21);
}
