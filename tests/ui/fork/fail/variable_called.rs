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
    let count = |user: User| user.name.len();
    let page = pipeline!(|id: u64| {
        let user = fetch_user(id);
        let size = count(user);
        size
    });
    println!("{:?}", page.run_blocking(7));
}
