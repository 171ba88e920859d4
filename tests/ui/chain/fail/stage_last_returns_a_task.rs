use pipeline::{pipeline, stage};
use tokio::task::JoinHandle;

#[stage]
fn count(text: String) -> JoinHandle<usize> {
    tokio::spawn(async move { text.len() })
}

#[stage]
async fn wait(task: JoinHandle<usize>) -> Result<usize, tokio::task::JoinError> {
    task.await
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // Between two stages a task is a value like any other.
    let _ = pipeline![count => wait].run("a".to_owned()).await;
    let _ = pipeline![count].run("a".to_owned()).await;
}
