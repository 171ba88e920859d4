//! The database.

use std::path::Path;
use std::time::Duration;

use pipeline::stage;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{QueryBuilder, SqlitePool};

use crate::airports::Airport;

/// Opens the file, and makes it and its table where they are not there.
pub(crate) async fn open(file: &Path) -> Result<SqlitePool, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(Duration::from_secs(1));
    connect(options).await
}

async fn connect(options: SqliteConnectOptions) -> Result<SqlitePool, sqlx::Error> {
    let db = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
    sqlx::query(
        "CREATE TABLE IF NOT EXISTS airports (
            iata TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            city TEXT NOT NULL,
            state TEXT NOT NULL,
            country TEXT NOT NULL,
            latitude REAL NOT NULL,
            longitude REAL NOT NULL
        )",
    )
    .execute(&db)
    .await?;
    Ok(db)
}

/// How many airports there are.
pub(crate) async fn rows(db: &SqlitePool) -> Result<u64, sqlx::Error> {
    sqlx::query_scalar("SELECT count(*) FROM airports").fetch_one(db).await
}

/// Stores a batch, and says how many rows it wrote. It is one statement, which writes all of them or none. An airport
/// that is there already is brought up to date.
///
/// SQLite lets one connection write at a time, so the others wait for the permit, which is cheaper than to wait for the
/// file. Another program may hold that all the same: who has waited a second for it comes again later.
///
/// (A statement takes 32,766 values, and a row has seven: a batch may have 4,680 rows.)
#[stage(concurrency = 1, retries = 5, delay = "50ms", jitter, retry_if = is_locked)]
pub(crate) async fn upsert(airports: &[Airport], #[state] db: &SqlitePool) -> Result<u64, sqlx::Error> {
    let mut statement =
        QueryBuilder::new("INSERT INTO airports (iata, name, city, state, country, latitude, longitude) ");
    statement.push_values(airports, |mut row, airport| {
        row.push_bind(&airport.iata)
            .push_bind(&airport.name)
            .push_bind(&airport.city)
            .push_bind(&airport.state)
            .push_bind(&airport.country)
            .push_bind(airport.latitude)
            .push_bind(airport.longitude);
    });
    statement.push(
        " ON CONFLICT (iata) DO UPDATE SET name = excluded.name, city = excluded.city, state = excluded.state,
         country = excluded.country, latitude = excluded.latitude, longitude = excluded.longitude",
    );
    Ok(statement.build().execute(db).await?.rows_affected())
}

/// Whether somebody else was writing: SQLITE_BUSY is 5 and SQLITE_LOCKED is 6, with details above the lowest byte.
pub(crate) fn is_locked(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| matches!(code & 0xff, 5 | 6))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A database of its own for a test. It lives as long as its one connection.
    pub(crate) async fn in_memory() -> SqlitePool {
        connect(SqliteConnectOptions::new().in_memory(true)).await.expect("there is memory for a database")
    }

    fn batch(codes: std::ops::Range<u32>, name: &str) -> Vec<Airport> {
        let airports = codes.map(|code| Airport {
            iata: format!("A{code}"),
            name: name.to_owned(),
            city: "City".to_owned(),
            state: "ST".to_owned(),
            country: "USA".to_owned(),
            latitude: 1.0,
            longitude: 2.0,
        });
        airports.collect()
    }

    #[tokio::test]
    async fn storing_a_row_twice_leaves_it_once_and_as_it_was_last() -> Result<(), sqlx::Error> {
        let db = in_memory().await;
        upsert(&batch(0..3, "old"), &db).await?;
        assert_eq!(upsert(&batch(1..4, "new"), &db).await?, 3);

        let names: Vec<(String, String)> =
            sqlx::query_as("SELECT iata, name FROM airports ORDER BY iata").fetch_all(&db).await?;
        let expected = [("A0", "old"), ("A1", "new"), ("A2", "new"), ("A3", "new")];
        assert_eq!(names, expected.map(|(iata, name)| (iata.to_owned(), name.to_owned())));
        Ok(())
    }

    #[tokio::test]
    async fn a_batch_may_have_as_many_rows_as_a_statement_has_values_for() -> Result<(), sqlx::Error> {
        let db = in_memory().await;
        assert_eq!(upsert(&batch(0..4680, "many"), &db).await?, 4680);
        assert_eq!(rows(&db).await?, 4680);
        Ok(())
    }

    #[tokio::test]
    async fn only_a_locked_database_is_worth_another_try() -> Result<(), sqlx::Error> {
        let db = in_memory().await;
        let mistake =
            sqlx::query("SELECT nothing FROM nowhere").execute(&db).await.expect_err("no such table");
        assert!(!is_locked(&mistake));

        let file = std::env::temp_dir().join(format!("ingest-test-{}.db", std::process::id()));
        let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
        let options = options.busy_timeout(Duration::ZERO);
        let db = SqlitePoolOptions::new().max_connections(2).connect_with(options).await?;
        let first = db.begin_with("BEGIN IMMEDIATE").await?;
        let second = db.begin_with("BEGIN IMMEDIATE").await.map(drop).expect_err("the first one is writing");
        first.rollback().await?;
        db.close().await;
        let _ = std::fs::remove_file(file);
        assert!(is_locked(&second), "{second}");
        Ok(())
    }
}
