//! A page out of what four requests say, each sent as soon as it can be.
//!
//! ```text
//! cargo run --example dashboard
//! ```
//!
//! The page of a traveller needs the user, the orders, the news, and ideas where to go next; for these one has to know
//! the user and the orders. `page.rs` says that as it would be said in a row, and it runs as a graph: three requests
//! leave at once, the fourth when two of them are answered. The server inside this program (`desk.rs`) takes its
//! time, now and then is unavailable or hangs, and has one user who is locked out: that page fails, at once, and
//! what was still under way for it is dropped.
//!
//! It exits with 1 if a page that should come does not.

mod desk;
mod page;
mod server;
mod site;

use std::process::ExitCode;
use std::time::Duration;

use pipeline::{ErrorMode, Report, StageError, StageReport};
use reqwest::StatusCode;

use crate::desk::USERS;
use crate::page::{Page, UserId, dashboard};
use crate::server::Server;
use crate::site::{ApiError, Site};

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let server = Server::start().await?;
    let dashboard = dashboard().with(Site::new(server.url().clone())?).on_error(ErrorMode::Collect);
    println!("{}\n", dashboard.graph());

    // One page. A stream gives both what comes out and, at the end, the report.
    let mut pages = dashboard.stream([UserId(1)]);
    let page = pages.next().await.ok_or("there is no page")??;
    let report = pages.report().await;
    println!("{page}\n");
    print_cost(&report);

    // The pages of all, in order, all at once.
    let ids = (1..=USERS).map(UserId);
    println!("\nThe pages of all, at once:\n");
    let mut pages = dashboard.stream(ids.clone());
    let mut made = 0;
    for id in ids {
        let Some(outcome) = pages.next().await else { break };
        match outcome {
            Ok(Page { user, orders, ideas, .. }) => {
                made += 1;
                let next = ideas.first().map_or("nowhere", |airport| airport.city.as_str());
                println!("  {id}  {:<20}  flights: {}, the next one to {next}?", user.name, orders.len());
            }
            Err(failure) => println!("  {id}  {}", in_words(&failure.error)),
        }
    }
    let report = pages.report().await;
    println!("\n{report}");

    let dropped: usize = report.stages().iter().map(StageReport::cancelled).sum();
    println!("\n{dropped} requests were dropped, since the page that they were for had failed already.");
    if made == USERS - 1 && report.items_failed() == 1 {
        Ok(ExitCode::SUCCESS)
    } else {
        eprintln!("error: all pages but one should be there, and they are not");
        Ok(ExitCode::FAILURE)
    }
}

/// What one page cost, beside what it would cost to ask one after another. Of a single call any percentile is its time.
fn print_cost(report: &Report) {
    let calls = || report.stages().iter().filter_map(|stage| Some((stage.name(), stage.p50()?)));
    for (name, time) in calls().filter(|(_, time)| time.as_millis() > 0) {
        println!("  {name:<14} {:>4} ms", time.as_millis());
    }
    let sum: Duration = calls().map(|(_, time)| time).sum();
    println!(
        "  in all         {:>4} ms, one after another {} ms",
        report.elapsed().as_millis(),
        sum.as_millis()
    );
}

/// What a reader is told; the rest is for the log.
fn in_words(error: &StageError) -> String {
    match error.downcast_ref() {
        Some(ApiError::Refused { status: StatusCode::FORBIDDEN, .. }) => {
            "no page: the account is locked".to_owned()
        }
        _ => format!("no page: {error:#}"),
    }
}
