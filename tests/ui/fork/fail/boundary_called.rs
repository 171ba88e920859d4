use pipeline::{pipeline, stage};

#[stage]
async fn fetch_orders(id: u64) -> Vec<u32> {
    (0..3).filter(|order| u64::from(*order) < id).collect()
}

fn main() {
    let page = pipeline!(|id: u64| {
        let orders = fetch_orders(id);
        let order = each(orders);
        order
    });
    println!("{:?}", page.run_blocking(7));
}
