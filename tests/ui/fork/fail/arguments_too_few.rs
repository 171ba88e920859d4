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

#[stage]
fn render(user: User, orders: Vec<u32>) -> String {
    format!("{}: {orders:?}", user.name)
}

fn main() {
    let page = pipeline!(|id: u64| {
        let user = fetch_user(id);
        render(user)
    });
    println!("{:?}", page.run_blocking(7));
}
