use pipeline::pipeline;

fn main() {
    let inner = pipeline![|found: Option<Result<u32, String>>| found.unwrap()];
    let _ = inner.run_blocking(None);
}
