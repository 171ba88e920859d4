//! Text for a terminal: a step a line, the branches of a fork below it.

use std::fmt;
use std::iter::Peekable;
use std::slice::Iter;

use super::model::Graph;
use super::model::Line;
use super::model::Node;
use super::model::NodeKind;
use super::names::capped;
use super::names::short_step;
use super::names::short_type;
use crate::stage::plan::ForkKind;

/// The widest that the columns get, in characters, but for the last: so that most lines keep to about 120.
const TITLE: usize = 44;

const TYPE: usize = 32;

const PLACE: usize = 28;

/// The step, its types, its place, and its policy or what came of it.
type Row = [String; 4];

pub(super) fn tree(graph: &Graph, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut lines = graph.outline.iter().peekable();
    let mut rows = Vec::new();
    while lines.peek().is_some() {
        let steps = steps(graph, &mut lines);
        sequence(graph, &steps, &Lead::default(), &mut rows);
        // Only a mark without its opening one stands where steps end before the outline does.
        lines.next();
    }
    let end = |kind: NodeKind| {
        let node = graph.nodes.iter().find(|node| node.kind == kind);
        node.map(|node| node.label().title).unwrap_or_default()
    };
    // What stands alone in its line needs no column.
    let columns = rows.iter().filter(|row| row[1..].iter().any(|cell| !cell.is_empty()));
    let widths: [usize; 4] = std::array::from_fn(|column| {
        columns.clone().map(|row| row[column].chars().count()).max().unwrap_or(0)
    });
    writeln!(f, "{}\n│", end(NodeKind::Input))?;
    for row in &rows {
        let cells = row.iter().zip(widths).filter(|(_, width)| *width > 0);
        let cells: Vec<_> = cells.map(|(cell, width)| format!("{cell:width$}")).collect();
        writeln!(f, "{}", cells.join("   ").trim_end())?;
    }
    write!(f, "│\n{}", end(NodeKind::Output))
}

/// A step, or a fork with what is in it.
pub(crate) enum Step<'a> {
    Node(&'a Node),
    ForkKind { group: usize, branches: Vec<Branch<'a>>, gives: &'a [String] },
}

pub(crate) struct Branch<'a> {
    name: &'a str,
    needs: &'a [String],
    steps: Vec<Step<'a>>,
}

/// The outline as a tree, up to the mark at the end of the branch.
fn steps<'a>(graph: &'a Graph, lines: &mut Peekable<Iter<'a, Line>>) -> Vec<Step<'a>> {
    let mut found = Vec::new();
    while let Some(line) = lines.next_if(|line| matches!(line, Line::Node(_) | Line::Open(_))) {
        found.push(match *line {
            Line::Open(group) => fork(graph, group, lines),
            Line::Node(index) => match graph.nodes.get(index) {
                Some(node) => Step::Node(node),
                None => continue,
            },
            Line::Branch { .. } | Line::Close { .. } => break,
        });
    }
    found
}

fn fork<'a>(graph: &'a Graph, group: usize, lines: &mut Peekable<Iter<'a, Line>>) -> Step<'a> {
    let mut branches = Vec::new();
    let mut gives: &[String] = &[];
    while let Some(line) = lines.peek().copied() {
        match line {
            Line::Close { needs } => {
                lines.next();
                gives = needs;
                break;
            }
            Line::Branch { name, needs } => {
                lines.next();
                branches.push(Branch { name, needs, steps: steps(graph, lines) });
            }
            Line::Node(_) | Line::Open(_) => {
                branches.push(Branch { name: "", needs: &[], steps: steps(graph, lines) });
            }
        }
    }
    Step::ForkKind { group, branches, gives }
}

/// What stands in front of the lines of a branch, and around the first step of one that is a call.
#[derive(Default)]
struct Lead<'a> {
    first: String,
    rest: String,
    name: &'a str,
    needs: Option<&'a [String]>,
}

impl Lead<'_> {
    /// The title of a step: `├─ user = fetch_user(id)` of the first step of a call.
    fn title(&self, is_first: bool, title: &str) -> String {
        if !is_first {
            return format!("{}{title}", self.rest);
        }
        let name = if self.name.is_empty() { String::new() } else { format!("{} = ", self.name) };
        let needs = self.needs.map(|needs| format!("({})", needs.join(", "))).unwrap_or_default();
        capped(&format!("{}{name}{title}{needs}", self.first), TITLE)
    }
}

fn sequence(graph: &Graph, steps: &[Step<'_>], lead: &Lead<'_>, rows: &mut Vec<Row>) {
    for (index, step) in steps.iter().enumerate() {
        match step {
            Step::Node(node) => rows.push(row(node, |title| lead.title(index == 0, title))),
            Step::ForkKind { group, branches, gives } => {
                let Some(group) = graph.groups.get(*group) else { continue };
                // Of a `match` there is a line already: the choice.
                if group.fork != ForkKind::Route || index == 0 {
                    rows.push(only(lead.title(index == 0, group.label())));
                }
                forked(graph, group.fork, branches, gives, &lead.rest, rows);
            }
        }
    }
}

fn forked(
    graph: &Graph,
    fork: ForkKind,
    branches: &[Branch<'_>],
    gives: &[String],
    indent: &str,
    rows: &mut Vec<Row>,
) {
    let last = branches.len().saturating_sub(1);
    // The value of the last call is what a graph gives, if nothing else is said.
    let says_more = match (branches.last(), gives) {
        (Some(call), [value]) if call.name.is_empty() => *value != format!("#{}", branches.len()),
        (_, gives) => !gives.is_empty(),
    };
    for (index, branch) in branches.iter().enumerate() {
        let ends = index == last && !says_more;
        let first = format!("{indent}{}", if ends { "└─ " } else { "├─ " });
        let rest = format!("{indent}{}", if ends { "   " } else { "│  " });
        match fork {
            ForkKind::Graph => {
                let lead = Lead { first, rest, name: branch.name, needs: Some(branch.needs) };
                sequence(graph, &branch.steps, &lead, rows);
            }
            ForkKind::Route => {
                rows.push(only(capped(&format!("{first}{}", branch.name), 2 * TITLE)));
                let lead = Lead { first: rest.clone(), rest, ..Lead::default() };
                sequence(graph, &branch.steps, &lead, rows);
            }
            ForkKind::All | ForkKind::First => {
                sequence(graph, &branch.steps, &Lead { first, rest, ..Lead::default() }, rows);
            }
        }
    }
    if says_more {
        rows.push(only(format!("{indent}└─ gives {}", gives.join(", "))));
    }
}

fn only(title: String) -> Row {
    [title, String::new(), String::new(), String::new()]
}

fn row(node: &Node, title: impl Fn(&str) -> String) -> Row {
    let types = match (node.input(), node.output()) {
        _ if node.kind == NodeKind::Choice => String::new(),
        (Some(input), Some(output)) => format!("{} → {}", short_type(input, TYPE), short_type(output, TYPE)),
        _ => String::new(),
    };
    let place = node.at.map(|at| tail(&format!("{}:{}", at.file(), at.line()), PLACE));
    // `closure at src/main.rs:7` has its place beside it.
    let name = match (&place, node.name.split_once(" at ")) {
        (Some(_), Some((what, _))) => what.to_owned(),
        _ => short_step(&node.name),
    };
    let title = title(&capped(&name, TITLE));
    match (&node.figures, place) {
        (Some(_), _) => [title, types, String::new(), node.words().join(", ")],
        (None, place) => [title, types, place.unwrap_or_default(), node.policy()],
    }
}

/// The end of a text, where it has more characters than that.
fn tail(text: &str, room: usize) -> String {
    let length = text.chars().count();
    if length <= room {
        return text.to_owned();
    }
    ['…'].into_iter().chain(text.chars().skip(length + 1 - room)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    /// The text without the places, which change with the samples.
    fn text_of(graph: &Graph) -> String {
        let mut graph = graph.clone();
        graph.nodes.iter_mut().for_each(|node| node.at = None);
        graph.to_string()
    }

    #[test]
    fn a_graph_reads_like_its_calls() {
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
    fn branches_stand_below_their_fork() {
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
    fn patterns_have_a_line_and_take_no_column() {
        let text = text_of(&Graph::new(&samples::router(), "alloc::string::String", None));
        assert!(
            text.contains("\nmatch at main.rs:12\n├─ Kind::Csv { head, .. } | Kind::Tsv(head)\n│  split "),
            "{text}"
        );
        assert!(text.contains("\n└─ _\nstore "), "{text}");
        assert!(text.contains("\nsniff             String → Raw\n"), "{text}");
    }

    #[test]
    fn a_step_has_its_place() {
        let text = Graph::new(&samples::line(), "alloc::string::String", None).to_string();
        assert!(
            text.lines().any(|line| line.starts_with("parse ") && line.contains("graph/samples.rs:")),
            "{text}"
        );
        assert_eq!(tail("src/a/rather/deep/folder/main.rs:12", 16), "…lder/main.rs:12");
        assert_eq!(tail("main.rs:12", 10), "main.rs:12");
    }

    #[tokio::test(start_paused = true)]
    async fn with_a_report_it_says_what_came_of_it() {
        let (graph, report) = samples::run().await;
        let text = graph.with_report(&report).to_string();
        assert!(text.contains("\nCheck   200 calls, 8 failed (4 %)\n"), "{text}");
        assert!(text.contains("\nFetch   192 calls, p99 2"), "{text}");
        assert!(text.contains("ms, slow\nStore   192 calls, p99 1."), "{text}");
    }
}
