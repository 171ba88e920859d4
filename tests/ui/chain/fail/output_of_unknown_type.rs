use pipeline::pipeline;

fn main() {
    let sum = pipeline![|list: Vec<u32>| list.into_iter().map(u64::from).sum()];
    let _ = sum.run_blocking(vec![1]);
}
