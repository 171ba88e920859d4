//! The whole job, against the server over a real socket. Nothing here waits: the faults that make a client wait are
//! tested without one, in `faults.rs` and `fetch.rs`.

use std::error::Error;
use std::num::NonZeroU64;
use std::path::PathBuf;

use pipeline::{ErrorKind, Failure};
use reqwest::{Client, StatusCode, Url};

use crate::client;
use crate::faults::{Fault, Faults};
use crate::fetch::FetchError;
use crate::job::{Job, JobError};
use crate::server::Server;
use crate::store::Database;
use crate::store::tests::in_memory;
use crate::summary::Summary;

type Tested = Result<(), Box<dyn Error>>;

fn client() -> Result<Client, reqwest::Error> {
    client::client().no_proxy().build()
}

async fn ingest(url: &Url, db: &Database) -> Result<Summary, Box<dyn Error>> {
    let job = Job {
        url: url.clone(),
        http: client()?,
        database: PathBuf::from("in memory"),
        db: db.clone(),
        page_size: NonZeroU64::new(100).ok_or("100 is 0")?,
        concurrency: 8,
    };
    job.run().await.map_err(|error| match error {
        JobError::Source(error) => error.into(),
        JobError::Database(error) => error.into(),
    })
}

#[tokio::test]
async fn every_page_and_every_row_is_accounted_for() -> Tested {
    let server = Server::start(Faults::default()).await?;
    let summary = ingest(server.url(), &in_memory()).await?;

    assert!(summary.is_success(), "{summary}");
    assert_eq!((summary.pages(), summary.pages_done(), summary.requests()), (34, 34, 34));
    assert_eq!((summary.rows_expected, summary.rows_read()), (Some(3376), 3376));
    assert_eq!((summary.rows_stored, summary.rejected().count()), (3364, 12));
    let codes: Vec<_> = summary.rejected().map(|rejected| rejected.code.as_str()).collect();
    assert_eq!(codes.join(" "), "CLD HHH MIB MQT RCA RDR ROP ROR SCE SKA SPN YAP");
    Ok(())
}

#[tokio::test]
async fn running_twice_leaves_the_same_rows() -> Tested {
    let server = Server::start(Faults::default()).await?;
    let db = in_memory();
    let first = ingest(server.url(), &db).await?;
    let second = ingest(server.url(), &db).await?;

    assert_eq!((first.rows_before, first.rows_after), (0, 3364));
    assert_eq!((second.rows_before, second.rows_after), (3364, 3364));
    assert_eq!(second.rows_stored, 3364);
    Ok(())
}

#[tokio::test]
async fn a_page_that_is_not_there_fails_alone_at_once_and_by_name() -> Tested {
    let server = Server::start(Faults::new([(7, vec![Fault::Status(StatusCode::NOT_FOUND)])])).await?;
    let summary = ingest(server.url(), &in_memory()).await?;

    let failures: Vec<_> = summary.failures().collect();
    let [Failure { index: 6, error, .. }] = failures.as_slice() else { panic!("{summary}") };
    assert_eq!((error.stage(), error.kind(), error.attempts()), ("fetch", ErrorKind::Failed, 1));
    assert!(!summary.is_success());
    assert_eq!((summary.pages(), summary.pages_done(), summary.rows_read()), (34, 33, 3276));
    assert_eq!(summary.failed_requests.len(), 1);
    assert!(summary.to_string().contains("page   7: stage `fetch` failed"), "{summary}");
    Ok(())
}

#[tokio::test]
async fn a_database_that_cannot_be_written_fails_batches_and_their_rows_are_missed() -> Tested {
    let server = Server::start(Faults::default()).await?;
    let db = in_memory();
    db.lock().pragma_update(None, "query_only", true)?;
    let summary = ingest(server.url(), &db).await?;

    assert!(!summary.is_success());
    assert!(summary.failures().all(|failure| failure.error.stage() == "upsert"), "{summary}");
    assert_eq!((summary.pages_done(), summary.rows_read(), summary.rows_stored), (34, 3376, 0));
    assert!(summary.to_string().contains("3,364 were neither stored nor rejected"), "{summary}");
    Ok(())
}

#[tokio::test]
async fn a_page_of_half_the_length_is_an_error_and_not_a_short_page() -> Tested {
    let server = Server::start(Faults::new([(1, vec![Fault::Cut])])).await?;
    let http = client()?;
    let page = || async {
        let response = http.get(server.url().clone()).send().await?;
        response.text().await
    };
    assert!(page().await.is_err());
    assert_eq!(page().await?.lines().count(), 3377);
    Ok(())
}

#[tokio::test]
async fn a_busy_server_says_when_to_come_back() -> Tested {
    let server = Server::start(Faults::new([(1, vec![Fault::BusyForSeconds(60)])])).await?;
    let response = client()?.get(server.url().clone()).send().await?;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers()["retry-after"], "60");
    Ok(())
}

#[tokio::test]
async fn an_address_without_rows_is_a_clear_error() -> Tested {
    let server = Server::start(Faults::default()).await?;
    let elsewhere = server.url().join("/elsewhere")?;
    let error = ingest(&elsewhere, &in_memory()).await.err().ok_or("there is nothing there")?;
    assert_eq!(error.to_string().split(" in ").next(), Some("stage `count` failed"), "{error}");
    let refused = error.source().and_then(|error| error.downcast_ref());
    assert!(matches!(refused, Some(FetchError::Refused { status: StatusCode::NOT_FOUND, .. })), "{error:?}");
    Ok(())
}
