use pipeline::{pipeline, stage};

#[derive(Clone)]
struct Order {
    price: u32,
}

#[stage]
fn price(order: &Order) -> u32 {
    order.price
}

async fn total(orders: &[Order]) -> u32 {
    let prices = pipeline![price].unordered().collect(orders.iter()).await;
    prices.map(|prices| prices.iter().sum()).unwrap_or(0)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let orders = [Order { price: 1 }];
    let _ = total(&orders).await;
    let _ = pipeline![price].drain(orders).await;
}
