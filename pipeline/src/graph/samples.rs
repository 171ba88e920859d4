//! Sample plans for the tests of graphs, with the marks that `pipeline!` generates.

use std::num::NonZeroU32;
use std::panic::Location;
use std::time::Duration;

use super::model::Graph;
use crate::call::stage_context::StageContext;
use crate::chain::Chain;
use crate::error::kind::ErrorKind;
use crate::error::panic_origin::CallSite;
use crate::error::stage_error::StageError;
use crate::error::step_id::StepId;
use crate::pipeline::value::Pipeline;
use crate::report::summary::Report;
use crate::run::settings::ErrorMode;
use crate::stage::attribute::Backoff;
use crate::stage::attribute::Growth;
use crate::stage::attribute::Policy;
use crate::stage::attribute::Rate;
use crate::stage::contract::Accepts;
use crate::stage::contract::Stage;
use crate::stage::embedded::Embedded;
use crate::stage::plan::ForkKind;
use crate::stage::plan::Plan;

pub(super) struct Raw;

pub(super) struct Parsed;

pub(super) struct UserId;

pub(super) struct User;

pub(super) struct Order;

pub(super) struct News;

pub(super) struct Score;

pub(super) struct Page;

impl Plan {
    /// Adds a stage without options.
    #[track_caller]
    pub(super) fn bare<In, Out>(&mut self, name: &'static str) -> &mut Self {
        self.with::<In, Out>(Policy::new(name))
    }

    #[track_caller]
    fn with<In, Out>(&mut self, policy: Policy) -> &mut Self {
        let before = self.steps().len();
        self.stage(policy);
        self.describe::<In, Out>(before, Location::caller());
        self
    }
}

pub(super) fn patient(name: &'static str) -> Policy {
    let mut policy = Policy::new(name);
    policy.retries = 3;
    policy.timeout = Some(Duration::from_secs(5));
    policy.concurrency = NonZeroU32::new(4);
    policy.rate = Rate::new(100, Duration::from_secs(1));
    policy
}

pub(super) fn hasty(name: &'static str) -> Policy {
    let mut policy = Policy::new(name);
    policy.timeout = Some(Duration::from_millis(250));
    policy
}

pub(super) fn stubborn(name: &'static str) -> Policy {
    let mut policy = Policy::new(name);
    policy.retries = 1;
    policy.backoff = Backoff { growth: Growth::Linear, jitter: true, ..Backoff::DEFAULT };
    policy.backoff.max_delay = Duration::from_secs(2);
    policy.deadline = Some(Duration::from_secs(90));
    policy
}

/// `fetch => parse => batch(500) => store`
pub(super) fn linear() -> Plan {
    let mut plan = Plan::default();
    plan.with::<String, Raw>(patient("fetch")).bare::<Raw, Result<Vec<Parsed>, std::io::Error>>("parse");
    let before = plan.steps().len();
    plan.boundary("batch(500)");
    plan.describe::<Parsed, Vec<Parsed>>(before, Location::caller());
    plan.with::<Vec<Parsed>, usize>(stubborn("store"));
    plan
}

/// A graph: `score` needs `user` and `orders`, and `render` needs all four values.
pub(super) fn dashboard() -> Plan {
    let mut plan = Plan::default();
    plan.open(ForkKind::Graph);
    plan.branch("user", &[0]);
    plan.with::<UserId, User>(patient("fetch_user"));
    plan.branch("orders", &[0]);
    plan.with::<UserId, Vec<Order>>(hasty("fetch_orders"));
    plan.branch("news", &[]);
    plan.with::<(), Vec<News>>(hasty("fetch_news"));
    plan.branch("score", &[1, 2]);
    plan.bare::<(User, Vec<Order>), Score>("score");
    plan.branch("", &[1, 2, 3, 4]);
    plan.bare::<(User, Vec<Order>, Vec<News>, Score), Page>("render");
    plan.close(&[5]);
    plan
}

/// A `match` with four branches of different lengths: one contains a fork, one has no step.
pub(super) fn router() -> Plan {
    let mut plan = Plan::default();
    plan.bare::<String, Raw>("sniff");
    let before = plan.steps().len();
    plan.step("match at src/main.rs:12");
    plan.describe::<Raw, Raw>(before, Location::caller());
    plan.open(ForkKind::Route);
    plan.branch("Kind::Csv { head, .. } | Kind::Tsv(head)", &[]);
    plan.bare::<Raw, Vec<String>>("split")
        .bare::<Vec<String>, Parsed>("columns")
        .bare::<Parsed, Parsed>("check");
    plan.branch("Kind::Json(\"v2\") if strict", &[]);
    plan.with::<Raw, Parsed>(hasty("parse_json"));
    plan.branch("Kind::Image(_)", &[]);
    plan.open(ForkKind::All);
    plan.branch("", &[]);
    plan.bare::<Raw, Vec<u8>>("thumbnail");
    plan.branch("", &[]);
    plan.with::<Raw, String>(patient("recognize"));
    plan.close(&[]);
    plan.bare::<(Vec<u8>, String), Parsed>("describe");
    plan.branch("_", &[]);
    plan.close(&[]);
    plan.bare::<Parsed, usize>("store");
    plan
}

/// `(primary | mirror => unpack | cache)`
pub(super) fn mirror() -> Plan {
    let mut plan = Plan::default();
    plan.open(ForkKind::First);
    plan.branch("", &[]);
    plan.with::<String, Raw>(patient("primary"));
    plan.branch("", &[]);
    plan.with::<String, Vec<u8>>(hasty("mirror")).bare::<Vec<u8>, Raw>("unpack");
    plan.branch("", &[]);
    plan.bare::<String, Raw>("cache");
    plan.close(&[]);
    plan.bare::<Raw, Parsed>("parse");
    plan
}

/// Nested forks, and consecutive forks.
pub(super) fn deep() -> Plan {
    let mut plan = Plan::default();
    plan.open(ForkKind::All);
    plan.branch("", &[]);
    plan.bare::<String, Raw>("read");
    plan.open(ForkKind::First);
    plan.branch("", &[]);
    plan.with::<Raw, Parsed>(hasty("quick"));
    plan.branch("", &[]);
    plan.open(ForkKind::All);
    plan.branch("", &[]);
    plan.bare::<Raw, u32>("left");
    plan.branch("", &[]);
    plan.bare::<Raw, u64>("right");
    plan.close(&[]);
    plan.bare::<(u32, u64), Parsed>("merge");
    plan.close(&[]);
    plan.branch("", &[]);
    plan.bare::<String, usize>("measure");
    plan.close(&[]);
    plan.open(ForkKind::Graph);
    plan.branch("score", &[0]);
    plan.bare::<(Parsed, usize), Score>("rate");
    plan.branch("pair", &[0]);
    plan.open(ForkKind::All);
    plan.branch("", &[]);
    plan.bare::<(Parsed, usize), User>("who");
    plan.branch("", &[]);
    plan.bare::<(Parsed, usize), Order>("what");
    plan.close(&[]);
    plan.branch("page", &[1, 2]);
    plan.bare::<(Score, (User, Order)), Page>("render");
    plan.branch("", &[2]);
    plan.bare::<(User, Order), ()>("log");
    plan.close(&[3]);
    plan.bare::<Page, String>("send");
    plan
}

#[cfg(feature = "svg")]
pub(super) fn all() -> [(&'static str, Graph); 5] {
    [
        ("linear", Graph::new(&linear(), "alloc::string::String", None)),
        ("dashboard", Graph::new(&dashboard(), "app::UserId", Some("app::Page"))),
        ("router", Graph::new(&router(), "alloc::string::String", None)),
        ("mirror", Graph::new(&mirror(), "alloc::string::String", None)),
        ("deep", Graph::new(&deep(), "alloc::string::String", None)),
    ]
}

/// A run of three stages over 200 numbers: `Check` fails on multiples of 25, `Fetch` takes 200 ms, `Store` 1 ms.
pub(super) async fn run() -> (Graph, Report) {
    let mut plan = Plan::default();
    let mut chain = Chain((Embedded::new(Check), Embedded::new(Fetch), Embedded::new(Store)));
    Accepts::<u64>::__register(&mut chain, &mut plan);
    let pipeline = Pipeline::<u64, _>::planned(chain, plan).on_error(ErrorMode::Lenient);
    let report = pipeline.drain(1..=200).await.expect("a Lenient run returns its report");
    (pipeline.graph(), report)
}

macro_rules! stages {
    ($($name:ident: |$x:ident| $body:expr;)*) => {$(
        struct $name;

        impl Accepts<u64> for $name {
            type Out = u64;
        }

        impl Stage<u64> for $name {
            async fn call(&self, $x: u64, _: &StageContext<'_>) -> Result<u64, StageError> {
                $body
            }
        }
    )*};
}

stages! {
    Check: |x| if x.is_multiple_of(25) {
        let site = CallSite::of("Check", StepId::NONE);
        Err(StageError::new(site, ErrorKind::Failed, None, Duration::ZERO, Vec::new()))
    } else {
        Ok(x)
    };
    Fetch: |x| {
        tokio::time::sleep(Duration::from_millis(200)).await;
        Ok(x)
    };
    Store: |x| {
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok(x)
    };
}
