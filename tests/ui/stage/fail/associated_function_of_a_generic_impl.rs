use std::fmt::Display;

use pipeline::stage;

struct Labels<T>(T);

impl<T> Labels<T>
where
    T: Display,
{
    fn first(&self) -> String {
        self.0.to_string()
    }

    /// Puts a label in front.
    #[stage(retries = 2, timeout = "1s")]
    pub async fn label(text: String) -> String {
        format!("label: {text}")
    }
}

fn main() {
    let _ = Labels(1).first();
}
