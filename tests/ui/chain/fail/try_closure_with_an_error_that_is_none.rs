use pipeline::pipeline;

struct Empty;

fn main() {
    let length = pipeline![String: try |text| if text.is_empty() { Err(Empty) } else { Ok(text.len()) }];
    let _ = length.run_blocking("four".to_owned());
}
