//! When the calls of a graph run: in series or in parallel, from their dependencies.

/// When calls, each a number, run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Schedule {
    Call(usize),
    /// One part after another.
    Series(Vec<Schedule>),
    /// Concurrently, without dependencies between the parts.
    Parallel(Vec<Schedule>),
    /// Neither in series nor in parallel: each call starts when its dependencies are done.
    NonSeriesParallel(Vec<usize>),
}

impl Schedule {
    /// The schedule of calls in the order of the source, from the dependencies of each. There is at least one call.
    ///
    /// The series-parallel decomposition of a partial order: components that no dependency connects run in parallel;
    /// components of the complement run in series; a group that is connected in both is not series-parallel.
    pub(crate) fn new(dependencies: &[Vec<usize>]) -> Self {
        let mut before = vec![vec![false; dependencies.len()]; dependencies.len()];
        for (call, dependencies) in dependencies.iter().enumerate() {
            for &dependency in dependencies {
                for reachable in &mut before[..dependency] {
                    reachable[call] |= reachable[dependency];
                }
                before[dependency][call] = true;
            }
        }
        let comparable = |a: usize, b: usize| before[a][b] || before[b][a];
        decompose((0..dependencies.len()).collect(), &comparable)
    }

    pub(crate) fn calls(&self) -> Vec<usize> {
        match self {
            Self::Call(call) => vec![*call],
            Self::NonSeriesParallel(calls) => calls.clone(),
            Self::Series(parts) | Self::Parallel(parts) => parts.iter().flat_map(Self::calls).collect(),
        }
    }
}

fn decompose(calls: Vec<usize>, comparable: &dyn Fn(usize, usize) -> bool) -> Schedule {
    if let [call] = calls[..] {
        return Schedule::Call(call);
    }
    let all =
        |groups: Vec<Vec<usize>>| groups.into_iter().map(|calls| decompose(calls, comparable)).collect();
    let parallel = connected(&calls, comparable);
    if parallel.len() > 1 {
        return Schedule::Parallel(all(parallel));
    }
    // All pairs of two groups are comparable, so the first calls of the groups have the order of the groups.
    let series = connected(&calls, &|a, b| !comparable(a, b));
    if series.len() > 1 {
        return Schedule::Series(all(series));
    }
    Schedule::NonSeriesParallel(calls)
}

/// The connected components, each in order, in the order of their first calls.
fn connected(calls: &[usize], linked: &dyn Fn(usize, usize) -> bool) -> Vec<Vec<usize>> {
    let mut rest = calls.to_vec();
    let mut groups = Vec::new();
    while !rest.is_empty() {
        let mut group = vec![rest.remove(0)];
        let mut next = 0;
        while next < group.len() {
            let call = group[next];
            let (found, others) = rest.into_iter().partition(|&other| linked(call, other));
            group.extend::<Vec<_>>(found);
            rest = others;
            next += 1;
        }
        group.sort_unstable();
        groups.push(group);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::Schedule::{self, Call, NonSeriesParallel, Parallel, Series};

    fn schedule(dependencies: &[&[usize]]) -> Schedule {
        Schedule::new(&dependencies.iter().map(|dependencies| dependencies.to_vec()).collect::<Vec<_>>())
    }

    #[test]
    fn independent_calls_run_in_parallel() {
        assert_eq!(schedule(&[&[], &[], &[]]), Parallel(vec![Call(0), Call(1), Call(2)]));
    }

    #[test]
    fn a_call_that_depends_on_all_before_it_runs_in_series() {
        let dashboard = schedule(&[&[], &[], &[0, 1], &[0, 2]]);
        assert_eq!(dashboard, Series(vec![Parallel(vec![Call(0), Call(1)]), Call(2), Call(3)]));
    }

    #[test]
    fn a_branch_continues_while_others_run() {
        let branches = schedule(&[&[], &[], &[0], &[1, 2]]);
        assert_eq!(branches, Series(vec![Parallel(vec![Series(vec![Call(0), Call(2)]), Call(1)]), Call(3)]));
    }

    #[test]
    fn the_smallest_non_series_parallel_order_is_an_n() {
        // 2 waits for 0 alone, 3 for both: no series-parallel order starts each as soon as it can.
        let non_series_parallel = schedule(&[&[], &[], &[0], &[0, 1], &[2, 3]]);
        assert_eq!(non_series_parallel, Series(vec![NonSeriesParallel(vec![0, 1, 2, 3]), Call(4)]));
    }

    #[test]
    fn dependencies_are_transitive() {
        assert_eq!(schedule(&[&[], &[0], &[1], &[0]]).calls(), [0, 1, 2, 3]);
        assert_eq!(schedule(&[&[], &[0], &[1]]), Series(vec![Call(0), Call(1), Call(2)]));
    }
}
