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
fn greet(user: User) -> String {
    format!("Hello, {}", user.name)
}

#[stage]
fn sign(user: User) -> String {
    format!("Yours, {}", user.name)
}

fn main() {
    let page = pipeline!(|id: u64| {
        let user = fetch_user(id);
        let greeting = greet(user);
        let end = sign(user);
        (greeting, end)
    });
    println!("{:?}", page.run_blocking(7));
}
