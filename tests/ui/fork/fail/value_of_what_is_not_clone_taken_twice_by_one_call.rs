use pipeline::{pipeline, stage};

struct User {
    name: String,
}

#[stage]
async fn fetch_user(id: u64) -> User {
    User {
        name: format!("user {id}"),
    }
}

#[stage]
fn swap(one: User, other: User) -> (User, User) {
    (other, one)
}

fn main() {
    let page = pipeline!(|id: u64| {
        let user = fetch_user(id);
        swap(user, user)
    });
    println!("{:?}", page.run_blocking(7));
}
