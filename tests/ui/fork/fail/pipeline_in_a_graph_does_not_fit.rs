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
    let sizes = pipeline![|text: String| text.len()];
    let page = pipeline!(|id: u64| {
        let user = fetch_user(id);
        let size = { sizes }(user);
        (size, id)
    });
    println!("{:?}", page.run_blocking(7));
}
