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

fn list(id: u64) -> Vec<u32> {
    vec![0; id as usize]
}

fn main() {
    let page = pipeline!(|id: u64| {
        let user = fetch_user(id);
        let orders = list(id);
        render(user, orders)
    });
    println!("{:?}", page.run_blocking(7));
}
