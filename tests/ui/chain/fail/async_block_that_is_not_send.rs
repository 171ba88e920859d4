use std::rc::Rc;

use pipeline::pipeline;

fn main() {
    let waits = pipeline![|x: u32| async move {
        let shared = Rc::new(x);
        tokio::task::yield_now().await;
        *shared
    }];
    let _ = waits.run_blocking(1);
}
