use pipeline::{pipeline, stage};

#[derive(Clone)]
struct User {
    name: String,
}

#[stage]
async fn fetch_user(id: u64) -> User {
    User {
        name: format!("user {id}"),
    }
}

fn main() {
    let page = pipeline!(|id: u64| {
        let user = fetch_user(id);
        (user.name.parse::<u32>()?, id)
    });
    println!("{:?}", page.run_blocking(7));
}
