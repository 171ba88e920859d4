use pipeline::pipeline;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let _ = pipeline![|x| x => each].run(vec![1, 2]).await;
}
