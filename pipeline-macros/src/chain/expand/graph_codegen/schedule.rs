//! When the calls of a graph run: rows and columns, from what each waits for.

/// Calls, by their numbers, in the order in which they run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Schedule {
    Call(usize),
    /// Each after all of the one before.
    Series(Vec<Schedule>),
    /// Side by side, and nothing in one waits for anything in another.
    Parallel(Vec<Schedule>),
    /// Neither: each begins when what it waits for is there.
    NonSeriesParallel(Vec<usize>),
}

impl Schedule {
    /// Of calls in the order in which they are written, each with those that it waits for. There is at least one.
    ///
    /// The decomposition of a partial order into series and parallel parts: what is not connected by "before" runs side by
    /// side; what is not connected by "neither before nor after" runs one after another; what is connected by both is a
    /// tangle.
    pub(crate) fn new(dependencies: &[Vec<usize>]) -> Self {
        let mut before = vec![vec![false; dependencies.len()]; dependencies.len()];
        for (call, dependencies) in dependencies.iter().enumerate() {
            for &need in dependencies {
                for reachable in &mut before[..need] {
                    reachable[call] |= reachable[need];
                }
                before[need][call] = true;
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
    // Of two groups all pairs are comparable, so the first of each say which comes first.
    let series = connected(&calls, &|a, b| !comparable(a, b));
    if series.len() > 1 {
        return Schedule::Series(all(series));
    }
    Schedule::NonSeriesParallel(calls)
}

/// The groups of calls that are connected, each in order, in the order of their first calls.
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
    fn what_does_not_depend_on_each_other_is_side_by_side() {
        assert_eq!(schedule(&[&[], &[], &[]]), Parallel(vec![Call(0), Call(1), Call(2)]));
    }

    #[test]
    fn what_depends_on_all_before_it_comes_after() {
        let dashboard = schedule(&[&[], &[], &[0, 1], &[0, 2]]);
        assert_eq!(dashboard, Series(vec![Parallel(vec![Call(0), Call(1)]), Call(2), Call(3)]));
    }

    #[test]
    fn a_branch_goes_on_while_others_run() {
        let branches = schedule(&[&[], &[], &[0], &[1, 2]]);
        assert_eq!(branches, Series(vec![Parallel(vec![Series(vec![Call(0), Call(2)]), Call(1)]), Call(3)]));
    }

    #[test]
    fn the_smallest_tangle_is_an_n() {
        // 2 waits for 0 alone, 3 for both: no order of rows and columns starts each as soon as it can.
        let non_series_parallel = schedule(&[&[], &[], &[0], &[0, 1], &[2, 3]]);
        assert_eq!(non_series_parallel, Series(vec![NonSeriesParallel(vec![0, 1, 2, 3]), Call(4)]));
    }

    #[test]
    fn needs_reach_through_others() {
        assert_eq!(schedule(&[&[], &[0], &[1], &[0]]).calls(), [0, 1, 2, 3]);
        assert_eq!(schedule(&[&[], &[0], &[1]]), Series(vec![Call(0), Call(1), Call(2)]));
    }
}
