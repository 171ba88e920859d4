use pipeline::{pipeline, stage};

#[stage]
fn code<'a>(line: &'a str) -> Option<&'a str> {
    line.split(',').next()
}

#[stage]
fn is_known(code: Option<String>) -> bool {
    code.is_some()
}

fn main() {
    println!(
        "{:?}",
        pipeline![code => is_known].run_blocking("BER,52.36".to_owned())
    );
}
