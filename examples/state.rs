//! What stages share: a database, a setting, and what each item knows of itself.

use pipeline::{Context, Provide, StageError, pipeline, stage};
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

/// A stage asks for a resource by its type, so each has a type of its own.
#[derive(Debug)]
struct TaxPercent(i64);

/// All that the stages of this program may ask for: each field provides its type.
#[derive(Debug, Provide)]
struct App {
    db: SqlitePool,
    tax: TaxPercent,
}

/// A price, in cents.
#[stage]
async fn net_price(product: &str, #[state] db: &SqlitePool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT cents FROM prices WHERE product = ?").bind(product).fetch_one(db).await
}

#[stage]
fn with_tax(cents: i64, #[state] tax: &TaxPercent) -> i64 {
    cents + cents * tax.0 / 100
}

#[stage]
async fn sell(cents: i64, #[state] db: &SqlitePool, #[context] cx: &Context) -> Result<String, sqlx::Error> {
    let line = i64::try_from(cx.index()).unwrap_or(i64::MAX);
    sqlx::query("INSERT INTO sales (line, cents) VALUES (?, ?)").bind(line).bind(cents).execute(db).await?;
    Ok(format!("{}.{:02}", cents / 100, cents % 100))
}

#[tokio::main]
async fn main() -> Result<(), sqlx::Error> {
    let db = shop().await?;
    // Without `.with(app)`, or with a state that has no `SqlitePool`, this would not compile.
    let checkout = pipeline![net_price => with_tax => sell].with(App { db: db.clone(), tax: TaxPercent(20) });

    let basket = ["tea", "unicorn", "kettle"];
    let results = checkout.settle(basket.map(str::to_owned)).await;
    for (product, result) in basket.iter().zip(results) {
        match result {
            Ok(price) => println!("{product:<8} {price:>6}"),
            Err(error) => println!("{product:<8} {}", in_words(&error)),
        }
    }
    let (sales, cents): (i64, i64) =
        sqlx::query_as("SELECT count(*), sum(cents) FROM sales").fetch_one(&db).await?;
    println!("{sales} sales, {}.{:02} in all", cents / 100, cents % 100);
    Ok(())
}

/// The stage's own error is still there, with its type.
fn in_words(error: &StageError) -> String {
    match error.downcast_ref() {
        Some(sqlx::Error::RowNotFound) => "is not for sale".to_owned(),
        _ => error.to_string(),
    }
}

/// A database in memory lives as long as its connection, so there is one, and it is kept.
async fn shop() -> Result<SqlitePool, sqlx::Error> {
    let options = SqliteConnectOptions::new().in_memory(true);
    let pool = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
    let db = pool.connect_with(options).await?;
    sqlx::raw_sql(
        "CREATE TABLE prices (product TEXT PRIMARY KEY, cents INTEGER NOT NULL);
         CREATE TABLE sales (line INTEGER NOT NULL, cents INTEGER NOT NULL);
         INSERT INTO prices VALUES ('tea', 350), ('kettle', 2499);",
    )
    .execute(&db)
    .await?;
    Ok(db)
}
