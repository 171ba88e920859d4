//! What stages share: a database, a setting, and what each item knows of itself.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pipeline::{Context, Provide, StageError, pipeline, stage};
use rusqlite::Connection;

/// One connection, which the stages use in turn. Clones share it.
#[derive(Debug, Clone)]
struct Database(Arc<Mutex<Connection>>);

impl Database {
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stage asks for a resource by its type, so each has a type of its own.
#[derive(Debug)]
struct TaxPercent(i64);

/// All that the stages of this program may ask for: each field provides its type.
#[derive(Debug, Provide)]
struct App {
    db: Database,
    tax: TaxPercent,
}

/// A price, in cents.
#[stage(blocking)]
fn net_price(product: &str, #[state] db: &Database) -> rusqlite::Result<i64> {
    db.lock().query_row("SELECT cents FROM prices WHERE product = ?", [product], |row| row.get(0))
}

#[stage]
fn with_tax(cents: i64, #[state] tax: &TaxPercent) -> i64 {
    cents + cents * tax.0 / 100
}

#[stage(blocking)]
fn sell(cents: i64, #[state] db: &Database, #[context] cx: &Context) -> rusqlite::Result<String> {
    let line = i64::try_from(cx.index()).unwrap_or(i64::MAX);
    db.lock().execute("INSERT INTO sales (line, cents) VALUES (?, ?)", [line, cents])?;
    Ok(format!("{}.{:02}", cents / 100, cents % 100))
}

#[tokio::main]
async fn main() -> rusqlite::Result<()> {
    let db = shop()?;
    // Without `.with(app)`, or with a state that has no `Database`, this would not compile.
    let checkout = pipeline![net_price => with_tax => sell].with(App { db: db.clone(), tax: TaxPercent(20) });

    let basket = ["tea", "unicorn", "kettle"];
    let results = checkout.settle(basket.map(str::to_owned)).await;
    for (product, result) in basket.iter().zip(results) {
        match result {
            Ok(price) => println!("{product:<8} {price:>6}"),
            Err(error) => println!("{product:<8} {}", in_words(&error)),
        }
    }
    let sums = "SELECT count(*), sum(cents) FROM sales";
    let (sales, cents): (i64, i64) = db.lock().query_row(sums, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    println!("{sales} sales, {}.{:02} in all", cents / 100, cents % 100);
    Ok(())
}

/// The stage's own error is still there, with its type.
fn in_words(error: &StageError) -> String {
    match error.downcast_ref() {
        Some(rusqlite::Error::QueryReturnedNoRows) => "is not for sale".to_owned(),
        _ => error.to_string(),
    }
}

fn shop() -> rusqlite::Result<Database> {
    let db = Connection::open_in_memory()?;
    db.execute_batch(
        "CREATE TABLE prices (product TEXT PRIMARY KEY, cents INTEGER NOT NULL);
         CREATE TABLE sales (line INTEGER NOT NULL, cents INTEGER NOT NULL);
         INSERT INTO prices VALUES ('tea', 350), ('kettle', 2499);",
    )?;
    Ok(Database(Arc::new(Mutex::new(db))))
}
