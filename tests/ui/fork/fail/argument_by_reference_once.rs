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
fn rank(user: &User, orders: &[u32]) -> f64 {
    user.name.len() as f64 / orders.len() as f64
}

#[stage]
fn show(user: User, score: f64) -> String {
    format!("{}: {score}", user.name)
}

fn main() {
    let page = pipeline!(|id: u64| {
        let user = fetch_user(id);
        let orders = fetch_orders(id);
        let score = rank(&user, orders);
        show(user, score)
    });
    println!("{:?}", page.run_blocking(7));
}
