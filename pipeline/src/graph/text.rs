//! Displays a graph as text for a terminal: one line per step, with the branches of a fork below it.

use std::fmt;
use std::iter::Peekable;
use std::slice::Iter;

use super::model::Graph;
use super::model::Node;
use super::model::NodeKind;
use super::model::OutlineEntry;
use super::names::short_step;
use super::names::short_type;
use super::names::truncated;
use crate::stage::plan::ForkKind;

/// The maximum length of a title, in characters. The column limits keep most lines within about 120 characters.
const TITLE: usize = 44;

/// The maximum length of a type, in characters.
const TYPE: usize = 32;

/// The maximum length of a source location, in characters.
const LOCATION: usize = 28;

/// The columns of a line: the step, its types, its location, and its policy or metrics.
type Row = [String; 4];

/// The steps as a tree, with their types, policies and source locations; with a report, their metrics instead of the
/// latter two.
impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut entries = self.outline.iter().peekable();
        let mut rows = Vec::new();
        while entries.peek().is_some() {
            let steps = parse_steps(self, &mut entries);
            push_steps(self, &steps, &Prefix::default(), &mut rows);
            // Parsing stops before the end only at a mark that has no `Open` before it. Skip that mark.
            entries.next();
        }
        let end_title = |kind: NodeKind| {
            let node = self.nodes.iter().find(|node| node.kind == kind);
            node.map(|node| node.label().title).unwrap_or_default()
        };
        // A row with a title only does not widen the columns.
        let columns = rows.iter().filter(|row| row[1..].iter().any(|cell| !cell.is_empty()));
        let widths: [usize; 4] = std::array::from_fn(|column| {
            columns.clone().map(|row| row[column].chars().count()).max().unwrap_or(0)
        });
        writeln!(f, "{}\n│", end_title(NodeKind::Input))?;
        for row in &rows {
            let cells = row.iter().zip(widths).filter(|(_, width)| *width > 0);
            let cells: Vec<_> = cells.map(|(cell, width)| format!("{cell:width$}")).collect();
            writeln!(f, "{}", cells.join("   ").trim_end())?;
        }
        write!(f, "│\n{}", end_title(NodeKind::Output))
    }
}

/// A step, or a fork with its branches.
enum TreeStep<'a> {
    Node(&'a Node),
    Fork {
        group: usize,
        branches: Vec<Branch<'a>>,
        /// The names of the values that a graph returns.
        outputs: &'a [String],
    },
}

struct Branch<'a> {
    name: &'a str,
    needs: &'a [String],
    steps: Vec<TreeStep<'a>>,
}

/// Parses the outline into a tree, up to the end of the branch.
fn parse_steps<'a>(graph: &'a Graph, entries: &mut Peekable<Iter<'a, OutlineEntry>>) -> Vec<TreeStep<'a>> {
    let mut steps = Vec::new();
    let is_step = |entry: &&OutlineEntry| matches!(entry, OutlineEntry::Node(_) | OutlineEntry::Open(_));
    while let Some(entry) = entries.next_if(is_step) {
        steps.push(match *entry {
            OutlineEntry::Open(group) => parse_fork(graph, group, entries),
            OutlineEntry::Node(index) => match graph.nodes.get(index) {
                Some(node) => TreeStep::Node(node),
                None => continue,
            },
            OutlineEntry::Branch { .. } | OutlineEntry::Close { .. } => break,
        });
    }
    steps
}

fn parse_fork<'a>(
    graph: &'a Graph,
    group: usize,
    entries: &mut Peekable<Iter<'a, OutlineEntry>>,
) -> TreeStep<'a> {
    let mut branches = Vec::new();
    let mut outputs: &[String] = &[];
    while let Some(entry) = entries.peek().copied() {
        match entry {
            OutlineEntry::Close { needs } => {
                entries.next();
                outputs = needs;
                break;
            }
            OutlineEntry::Branch { name, needs } => {
                entries.next();
                branches.push(Branch { name, needs, steps: parse_steps(graph, entries) });
            }
            OutlineEntry::Node(_) | OutlineEntry::Open(_) => {
                branches.push(Branch { name: "", needs: &[], steps: parse_steps(graph, entries) });
            }
        }
    }
    TreeStep::Fork { group, branches, outputs }
}

/// The text before the titles of a branch, and, if the branch is a call of a graph, its variable and arguments.
#[derive(Default)]
struct Prefix<'a> {
    /// Before the first line.
    first: String,
    /// Before the other lines.
    rest: String,
    variable: &'a str,
    arguments: Option<&'a [String]>,
}

impl Prefix<'_> {
    /// The full title of a step, such as `├─ user = fetch_user(id)` for the first step of a call.
    fn title(&self, is_first: bool, title: &str) -> String {
        if !is_first {
            return format!("{}{title}", self.rest);
        }
        let binding = if self.variable.is_empty() { String::new() } else { format!("{} = ", self.variable) };
        let arguments =
            self.arguments.map(|arguments| format!("({})", arguments.join(", "))).unwrap_or_default();
        truncated(&format!("{}{binding}{title}{arguments}", self.first), TITLE)
    }
}

/// Appends the rows of a branch.
fn push_steps(graph: &Graph, steps: &[TreeStep<'_>], prefix: &Prefix<'_>, rows: &mut Vec<Row>) {
    for (index, step) in steps.iter().enumerate() {
        match step {
            TreeStep::Node(node) => rows.push(row(node, |title| prefix.title(index == 0, title))),
            TreeStep::Fork { group, branches, outputs } => {
                let Some(group) = graph.groups.get(*group) else { continue };
                // A `match` already has a row: that of its choice.
                if group.fork != ForkKind::Route || index == 0 {
                    rows.push(title_row(prefix.title(index == 0, group.label())));
                }
                push_branches(graph, group.fork, branches, outputs, &prefix.rest, rows);
            }
        }
    }
}

/// Appends the rows of a fork's branches, and of a graph's output.
fn push_branches(
    graph: &Graph,
    fork: ForkKind,
    branches: &[Branch<'_>],
    outputs: &[String],
    indent: &str,
    rows: &mut Vec<Row>,
) {
    let last = branches.len().saturating_sub(1);
    // No row is needed if the output is the value of the last call, which then has no name.
    let has_output_row = match (branches.last(), outputs) {
        (Some(call), [value]) if call.name.is_empty() => *value != format!("#{}", branches.len()),
        (_, outputs) => !outputs.is_empty(),
    };
    for (index, branch) in branches.iter().enumerate() {
        let is_last = index == last && !has_output_row;
        let first = format!("{indent}{}", if is_last { "└─ " } else { "├─ " });
        let rest = format!("{indent}{}", if is_last { "   " } else { "│  " });
        match fork {
            ForkKind::Graph => {
                let prefix = Prefix { first, rest, variable: branch.name, arguments: Some(branch.needs) };
                push_steps(graph, &branch.steps, &prefix, rows);
            }
            ForkKind::Route => {
                rows.push(title_row(truncated(&format!("{first}{}", branch.name), 2 * TITLE)));
                let prefix = Prefix { first: rest.clone(), rest, ..Prefix::default() };
                push_steps(graph, &branch.steps, &prefix, rows);
            }
            ForkKind::All | ForkKind::First => {
                let prefix = Prefix { first, rest, ..Prefix::default() };
                push_steps(graph, &branch.steps, &prefix, rows);
            }
        }
    }
    if has_output_row {
        rows.push(title_row(format!("{indent}└─ gives {}", outputs.join(", "))));
    }
}

fn title_row(title: String) -> Row {
    [title, String::new(), String::new(), String::new()]
}

fn row(node: &Node, title: impl Fn(&str) -> String) -> Row {
    let types = match (node.input(), node.output()) {
        _ if node.kind == NodeKind::Choice => String::new(),
        (Some(input), Some(output)) => format!("{} → {}", short_type(input, TYPE), short_type(output, TYPE)),
        _ => String::new(),
    };
    let location = node.location.map(|it| truncated_start(&format!("{}:{}", it.file(), it.line()), LOCATION));
    // The location of `closure at src/main.rs:7` has a column of its own.
    let name = match (&location, node.name.split_once(" at ")) {
        (Some(_), Some((kind, _))) => kind.to_owned(),
        _ => short_step(&node.name),
    };
    let title = title(&truncated(&name, TITLE));
    match (&node.metrics, location) {
        (Some(_), _) => [title, types, String::new(), node.metric_texts().join(", ")],
        (None, location) => [title, types, location.unwrap_or_default(), node.policy()],
    }
}

/// Truncates a text at its start to `max_chars` characters, the first of which is then `…`.
fn truncated_start(text: &str, max_chars: usize) -> String {
    let length = text.chars().count();
    if length <= max_chars {
        return text.to_owned();
    }
    ['…'].into_iter().chain(text.chars().skip(length + 1 - max_chars)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::samples;

    /// The text without locations, which change with the samples.
    fn text_of(graph: &Graph) -> String {
        let mut graph = graph.clone();
        graph.nodes.iter_mut().for_each(|node| node.location = None);
        graph.to_string()
    }

    #[test]
    fn the_calls_of_a_graph_are_written_like_code() {
        assert_eq!(
            text_of(&Graph::new(&samples::dashboard(), "app::UserId", Some("app::Page"))),
            "\
UserId
│
graph
├─ user = fetch_user(input)            UserId → User                             3 retries, exponential from 100ms, timeout 5s, concurrency 4, rate 100/s
├─ orders = fetch_orders(input)        UserId → Vec<Order>                       timeout 250ms
├─ news = fetch_news()                 () → Vec<News>                            timeout 250ms
├─ score = score(user, orders)         (User, Vec<Order>) → Score
└─ render(user, orders, news, score)   (User, Vec<Order>, Vec<News>, S… → Page
│
Page"
        );
    }

    #[test]
    fn branches_are_below_their_fork() {
        assert_eq!(
            text_of(&Graph::new(&samples::deep(), "alloc::string::String", None)),
            "\
String
│
all
├─ read                         String → Raw
│  first that succeeds
│  ├─ quick                     Raw → Parsed                    timeout 250ms
│  └─ all
│     ├─ left                   Raw → u32
│     └─ right                  Raw → u64
│     merge                     (u32, u64) → Parsed
└─ measure                      String → usize
graph
├─ score = rate(input)          (Parsed, usize) → Score
├─ pair = all(input)
│  ├─ who                       (Parsed, usize) → User
│  └─ what                      (Parsed, usize) → Order
├─ page = render(score, pair)   (Score, (User, Order)) → Page
├─ log(pair)                    (User, Order) → ()
└─ gives page
send                            Page → String
│
String"
        );
    }

    #[test]
    fn a_pattern_has_a_line_and_does_not_widen_the_columns() {
        let text = text_of(&Graph::new(&samples::router(), "alloc::string::String", None));
        assert!(
            text.contains("\nmatch at main.rs:12\n├─ Kind::Csv { head, .. } | Kind::Tsv(head)\n│  split "),
            "{text}"
        );
        assert!(text.contains("\n└─ _\nstore "), "{text}");
        assert!(text.contains("\nsniff             String → Raw\n"), "{text}");
    }

    #[test]
    fn a_step_has_its_location() {
        let text = Graph::new(&samples::linear(), "alloc::string::String", None).to_string();
        assert!(
            text.lines().any(|line| line.starts_with("parse ") && line.contains("graph/samples.rs:")),
            "{text}"
        );
        assert_eq!(truncated_start("src/a/rather/deep/folder/main.rs:12", 16), "…lder/main.rs:12");
        assert_eq!(truncated_start("main.rs:12", 10), "main.rs:12");
    }

    #[tokio::test(start_paused = true)]
    async fn with_a_report_steps_have_metrics() {
        let (graph, report) = samples::run().await;
        let text = graph.with_report(&report).to_string();
        assert!(text.contains("\nCheck   200 calls, 8 failed (4 %)\n"), "{text}");
        assert!(text.contains("\nFetch   192 calls, p99 2"), "{text}");
        assert!(text.contains("ms, slow\nStore   192 calls, p99 1."), "{text}");
    }
}
