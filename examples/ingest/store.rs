//! The database.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pipeline::stage;
use rusqlite::{Connection, ErrorCode, params};

use crate::airports::Airport;

const UPSERT: &str = "
    INSERT INTO airports (iata, name, city, state, country, latitude, longitude) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (iata) DO UPDATE SET name = excluded.name, city = excluded.city, state = excluded.state,
        country = excluded.country, latitude = excluded.latitude, longitude = excluded.longitude";

/// One connection, which clones share. When the last clone is dropped, SQLite removes the files beside its own.
#[derive(Debug, Clone)]
pub(crate) struct Database(Arc<Mutex<Connection>>);

impl Database {
    /// A panic during a transaction rolls it back, so a poisoned lock is safe to use.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens the file, and makes it and its table where they are not there.
pub(crate) fn open(file: &Path) -> rusqlite::Result<Database> {
    let db = Connection::open(file)?;
    db.busy_timeout(Duration::from_secs(1))?;
    db.pragma_update(None, "journal_mode", "wal")?;
    db.pragma_update(None, "synchronous", "normal")?;
    with_table(db)
}

fn with_table(db: Connection) -> rusqlite::Result<Database> {
    db.execute_batch(
        "CREATE TABLE IF NOT EXISTS airports (
            iata TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            city TEXT NOT NULL,
            state TEXT NOT NULL,
            country TEXT NOT NULL,
            latitude REAL NOT NULL,
            longitude REAL NOT NULL
        )",
    )?;
    Ok(Database(Arc::new(Mutex::new(db))))
}

/// How many airports there are.
pub(crate) fn rows(db: &Database) -> rusqlite::Result<u64> {
    db.lock().query_row("SELECT count(*) FROM airports", [], |row| row.get(0))
}

/// Stores a batch, and says how many rows it wrote. It is one transaction, which writes all of them or none. An airport
/// that is there already is brought up to date.
///
/// SQLite blocks the thread that calls it, so this runs on the blocking pool; and one call at a time, since all calls share
/// one connection. Another program may hold the file: a call that waited a second for it fails and is tried again later.
#[stage(blocking, concurrency = 1, retries = 5, delay = "50ms", jitter, retry_if = is_locked)]
pub(crate) fn upsert(airports: &[Airport], #[state] db: &Database) -> rusqlite::Result<u64> {
    let mut db = db.lock();
    let transaction = db.transaction()?;
    let mut upsert = transaction.prepare(UPSERT)?;
    let mut rows = 0;
    for Airport { iata, name, city, state, country, latitude, longitude } in airports {
        rows += upsert.execute(params![iata, name, city, state, country, latitude, longitude])? as u64;
    }
    drop(upsert);
    transaction.commit()?;
    Ok(rows)
}

/// Whether somebody else was writing.
pub(crate) fn is_locked(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A database of its own for a test. It lives as long as its one connection.
    pub(crate) fn in_memory() -> Database {
        Connection::open_in_memory().and_then(with_table).expect("there is memory for a database")
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

    #[test]
    fn storing_a_row_twice_leaves_it_once_and_as_it_was_last() -> rusqlite::Result<()> {
        let db = in_memory();
        upsert(&batch(0..3, "old"), &db)?;
        assert_eq!(upsert(&batch(1..4, "new"), &db)?, 3);

        let db = db.lock();
        let mut names = db.prepare("SELECT iata, name FROM airports ORDER BY iata")?;
        let names = names.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let names: Vec<(String, String)> = names.collect::<Result<_, _>>()?;
        let expected = [("A0", "old"), ("A1", "new"), ("A2", "new"), ("A3", "new")];
        assert_eq!(names, expected.map(|(iata, name)| (iata.to_owned(), name.to_owned())));
        Ok(())
    }

    #[test]
    fn a_batch_is_stored_as_a_whole_or_not_at_all() -> rusqlite::Result<()> {
        let db = in_memory();
        db.lock().execute_batch(
            "CREATE TRIGGER full BEFORE INSERT ON airports WHEN (SELECT count(*) FROM airports) >= 3
             BEGIN SELECT RAISE(ABORT, 'full'); END",
        )?;
        assert_eq!(upsert(&batch(0..2, "first"), &db)?, 2);
        upsert(&batch(2..5, "second"), &db).expect_err("there is room for one more");
        assert_eq!(rows(&db)?, 2);
        Ok(())
    }

    #[test]
    fn only_a_locked_database_is_worth_another_try() -> rusqlite::Result<()> {
        let db = in_memory();
        let mistake = db.lock().execute_batch("SELECT nothing FROM nowhere").expect_err("no such table");
        assert!(!is_locked(&mistake));

        let file = std::env::temp_dir().join(format!("ingest-test-{}.db", std::process::id()));
        let open = || Connection::open(&file).and_then(with_table);
        let (first, second) = (open()?, open()?);
        second.lock().busy_timeout(Duration::ZERO)?;
        first.lock().execute_batch("BEGIN IMMEDIATE")?;
        let refused = upsert(&batch(0..1, "late"), &second).expect_err("the first one is writing");
        first.lock().execute_batch("ROLLBACK")?;
        let stored = upsert(&batch(0..1, "late"), &second);
        drop((first, second));
        let _ = std::fs::remove_file(file);
        assert!(is_locked(&refused), "{refused}");
        assert_eq!(stored?, 1);
        Ok(())
    }
}
