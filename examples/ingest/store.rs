//! The database.

use std::path::Path;
use std::time::Duration;

use pipeline::stage;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{QueryBuilder, SqlitePool};

use crate::airports::Checked;
use crate::rejected::Rejected;

/// One connection for each call of [`upsert`] that may be under way.
const CONNECTIONS: u32 = 4;

/// SQLite takes at most 32,766 values in a statement, and a row has seven.
const ROWS_PER_STATEMENT: usize = 1000;

/// What became of the rows of a page.
#[derive(Debug)]
pub(crate) struct Stored {
    /// How many rows the page has: the sum of the other two.
    pub(crate) read: u64,
    pub(crate) written: u64,
    pub(crate) rejected: Vec<Rejected>,
}

/// Opens the file, and makes it and its table where they are not there.
pub(crate) async fn open(file: &Path) -> Result<SqlitePool, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(Duration::from_secs(1));
    connect(options, CONNECTIONS).await
}

async fn connect(options: SqliteConnectOptions, connections: u32) -> Result<SqlitePool, sqlx::Error> {
    let db = SqlitePoolOptions::new().max_connections(connections).connect_with(options).await?;
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

/// Stores a page in one transaction: all of its airports, or none. One that is there already is brought up to date.
///
/// SQLite lets one connection write at a time, here or in another program. Who has waited a second for the lock gives
/// its connection back, and comes again later.
#[stage(concurrency = 4, retries = 5, delay = "50ms", jitter, retry_if = is_locked)]
pub(crate) async fn upsert(page: &Checked, #[state] db: &SqlitePool) -> Result<Stored, sqlx::Error> {
    // A transaction that begins by reading could not turn to writing once another one has written.
    let mut transaction = db.begin_with("BEGIN IMMEDIATE").await?;
    let mut written = 0;
    for airports in page.airports.chunks(ROWS_PER_STATEMENT) {
        let mut statement = QueryBuilder::new(
            "INSERT INTO airports (iata, name, city, state, country, latitude, longitude) ",
        );
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
        written += statement.build().execute(&mut *transaction).await?.rows_affected();
    }
    transaction.commit().await?;
    Ok(Stored { read: page.read, written, rejected: page.rejected.clone() })
}

/// Whether somebody else was writing: SQLITE_BUSY is 5 and SQLITE_LOCKED is 6, with details above the lowest byte.
fn is_locked(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| matches!(code & 0xff, 5 | 6))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::airports::Airport;

    /// A database of its own for a test. It lives as long as its one connection.
    pub(crate) async fn in_memory() -> SqlitePool {
        connect(SqliteConnectOptions::new().in_memory(true), 1).await.expect("there is memory for a database")
    }

    fn page(codes: impl IntoIterator<Item = usize>, name: &str) -> Checked {
        let airports = codes.into_iter().map(|code| Airport {
            iata: format!("A{code}"),
            name: name.to_owned(),
            city: "City".to_owned(),
            state: "ST".to_owned(),
            country: "USA".to_owned(),
            latitude: 1.0,
            longitude: 2.0,
        });
        let airports: Vec<_> = airports.collect();
        Checked { read: airports.len() as u64, airports, rejected: Vec::new() }
    }

    #[tokio::test]
    async fn storing_a_page_twice_leaves_its_rows_once_and_as_they_were_last() -> Result<(), sqlx::Error> {
        let db = in_memory().await;
        upsert(&page(0..3, "old"), &db).await?;
        let again = upsert(&page(1..4, "new"), &db).await?;

        assert_eq!(again.written, 3);
        let names: Vec<(String, String)> =
            sqlx::query_as("SELECT iata, name FROM airports ORDER BY iata").fetch_all(&db).await?;
        let expected = [("A0", "old"), ("A1", "new"), ("A2", "new"), ("A3", "new")];
        assert_eq!(names, expected.map(|(iata, name)| (iata.to_owned(), name.to_owned())));
        Ok(())
    }

    #[tokio::test]
    async fn a_page_may_have_more_rows_than_one_statement_takes() -> Result<(), sqlx::Error> {
        let db = in_memory().await;
        let stored = upsert(&page(0..=2 * ROWS_PER_STATEMENT, "many"), &db).await?;
        assert_eq!(stored.written, 2001);
        assert_eq!(rows(&db).await?, 2001);
        Ok(())
    }

    #[tokio::test]
    async fn a_page_with_nothing_to_store_is_no_error() -> Result<(), sqlx::Error> {
        let db = in_memory().await;
        assert_eq!(upsert(&page(0..0, ""), &db).await?.written, 0);
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
