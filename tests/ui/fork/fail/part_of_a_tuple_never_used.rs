use pipeline::{pipeline, stage};

#[derive(Clone)]
struct User {
    name: String,
}

#[stage]
async fn both(id: u64) -> (User, Vec<u32>) {
    (User { name: String::new() }, vec![0; id as usize])
}

fn main() {
    let page = pipeline!(|id: u64| {
        let (user, orders) = both(id);
        user
    });
    println!("{:?}", page.run_blocking(7));
}
