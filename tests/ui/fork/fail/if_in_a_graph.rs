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
async fn fetch_orders(id: u64) -> Vec<u32> {
    (0..3).filter(|order| u64::from(*order) < id).collect()
}

#[stage]
fn render(user: User, orders: Vec<u32>) -> String {
    format!("{}: {orders:?}", user.name)
}

fn main() {
    let page = pipeline!(|id: u64| {
        let user = fetch_user(id);
        let orders = fetch_orders(id);
        if orders.is_empty() {
            close(id);
        }
        render(user, orders)
    });
    println!("{:?}", page.run_blocking(7));
}
