//! The page, and what it is made of.

use std::fmt;

use pipeline::{Pipeline, Stage, pipeline, stage};
use serde::{Deserialize, Serialize};

use crate::site::{ApiError, Site, is_transient};

#[derive(Debug, Clone, Copy)]
pub(crate) struct UserId(pub(crate) usize);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) home: Airport,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) from: String,
    pub(crate) to: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Airport {
    pub(crate) iata: String,
    pub(crate) name: String,
    pub(crate) city: String,
    pub(crate) latitude: f64,
    pub(crate) longitude: f64,
}

#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) user: User,
    pub(crate) orders: Vec<Order>,
    pub(crate) news: Vec<String>,
    pub(crate) ideas: Vec<Airport>,
}

#[stage(retries = 2, delay = "20ms", timeout = "1s", retry_if = is_transient)]
async fn fetch_user(UserId(id): UserId, #[state] site: &Site) -> Result<User, ApiError> {
    site.get(&format!("/users/{id}")).await
}

/// The server is not always available for this. A user who may not see them has not to ask twice.
#[stage(retries = 4, delay = "20ms", timeout = "1s", retry_if = is_transient)]
async fn fetch_orders(UserId(id): UserId, #[state] site: &Site) -> Result<Vec<Order>, ApiError> {
    site.get(&format!("/users/{id}/orders")).await
}

/// They are the same for all. Sometimes the request gets stuck, and another one does not.
#[stage(retries = 2, delay = "20ms", timeout = "300ms", retry_if = is_transient)]
async fn fetch_news(#[state] site: &Site) -> Result<Vec<String>, ApiError> {
    site.get("/news").await
}

/// What is near to where the user was last, and new.
#[stage(retries = 2, delay = "20ms", timeout = "1s", retry_if = is_transient)]
async fn recommend(user: &User, orders: &[Order], #[state] site: &Site) -> Result<Vec<Airport>, ApiError> {
    let seen: Vec<_> = orders.iter().map(|order| order.to.as_str()).collect();
    let near = seen.last().copied().unwrap_or(&user.home.iata);
    site.get(&format!("/ideas?near={near}&seen={}", seen.join(","))).await
}

/// Takes everything by value. It is the last to ask for any of it, so all of it moves, and nothing is copied.
#[stage]
fn render(user: User, orders: Vec<Order>, news: Vec<String>, ideas: Vec<Airport>) -> Page {
    Page { user, orders, news, ideas }
}

/// A page, from a user's number. The first three calls start at once, `recommend` when two of them are done.
pub(crate) fn dashboard() -> Pipeline<UserId, impl Stage<UserId, Site, Out = Page>> {
    pipeline!(|id: UserId| {
        let user = fetch_user(id);
        let orders = fetch_orders(id);
        let news = fetch_news();
        let ideas = recommend(user, orders);
        render(user, orders, news, ideas)
    })
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "user {}", self.0)
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, orders, news, ideas } = self;
        let rule = "─".repeat(64);
        writeln!(f, "{rule}\n  {}, at home at {}\n{rule}", user.name, user.home.name)?;
        let flights: Vec<_> = orders.iter().map(|Order { from, to }| format!("{from} to {to}")).collect();
        writeln!(f, "  Your flights   {}", flights.join(", "))?;
        for (index, airport) in ideas.iter().enumerate() {
            let title = if index == 0 { "New to you" } else { "" };
            writeln!(f, "  {title:<14} {}, {} ({})", airport.city, airport.name, airport.iata)?;
        }
        for (index, line) in news.iter().enumerate() {
            writeln!(f, "  {:<14} {line}", if index == 0 { "News" } else { "" })?;
        }
        f.write_str(&rule)
    }
}
