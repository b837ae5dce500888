//! Stage 3: which rules need which -> [`RuleGraph`]: order, cycles, dependents.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;
use petgraph::{Direction, visit::Bfs};

/// Rules and the rules that they need.
///
/// ```
/// use segmentry::RuleGraph;
/// let graph = RuleGraph::new([(1, vec![]), (2, vec![1]), (3, vec![1]), (4, vec![2, 3])]);
/// assert_eq!(graph.order(), [1, 2, 3, 4]);
/// assert_eq!(graph.dependents(1), [2, 3]);
/// assert!(graph.cycles().is_empty()); // a diamond is no cycle
/// ```
#[derive(Clone, Debug, Default)]
pub struct RuleGraph {
    /// An edge leads from a rule to one that needs it.
    graph: DiGraphMap<i64, ()>,
}

impl RuleGraph {
    /// The graph of rules with the ids of those that each needs.
    pub fn new(rules: impl IntoIterator<Item = (i64, Vec<i64>)>) -> Self {
        let mut graph = DiGraphMap::new();
        for (rule, needs) in rules {
            graph.add_node(rule);
            for needed in needs {
                graph.add_edge(needed, rule, ());
            }
        }
        RuleGraph { graph }
    }

    /// The rules that need `rule` directly, ascending.
    #[must_use]
    pub fn dependents(&self, rule: i64) -> Vec<i64> {
        let mut found: Vec<i64> =
            self.graph.neighbors_directed(rule, Direction::Outgoing).collect();
        found.sort_unstable();
        found
    }

    /// The rules that `rule` needs directly, ascending.
    #[must_use]
    pub fn needs(&self, rule: i64) -> Vec<i64> {
        let mut found: Vec<i64> =
            self.graph.neighbors_directed(rule, Direction::Incoming).collect();
        found.sort_unstable();
        found
    }

    /// `rules` and everything that they need, at any distance.
    #[must_use]
    pub fn with_ancestors(&self, rules: impl IntoIterator<Item = i64>) -> BTreeSet<i64> {
        let reversed = petgraph::visit::Reversed(&self.graph);
        let mut found = BTreeSet::new();
        for rule in rules {
            if found.contains(&rule) || !self.graph.contains_node(rule) {
                continue;
            }
            let mut search = Bfs::new(reversed, rule);
            while let Some(next) = search.next(reversed) {
                found.insert(next);
            }
        }
        found
    }

    /// Every rule after those that it needs, else by id; rules on a cycle and those that need
    /// them are left out.
    #[must_use]
    pub fn order(&self) -> Vec<i64> {
        let mut waiting: BTreeMap<i64, usize> = self
            .graph
            .nodes()
            .map(|rule| (rule, self.graph.neighbors_directed(rule, Direction::Incoming).count()))
            .collect();
        let mut ready: BTreeSet<i64> =
            waiting.iter().filter(|(_, count)| **count == 0).map(|(rule, _)| *rule).collect();
        let mut order = Vec::with_capacity(waiting.len());
        while let Some(rule) = ready.pop_first() {
            order.push(rule);
            for dependent in self.graph.neighbors_directed(rule, Direction::Outgoing) {
                if let Some(count) = waiting.get_mut(&dependent) {
                    *count -= 1;
                    if *count == 0 {
                        ready.insert(dependent);
                    }
                }
            }
        }
        order
    }

    /// Every cycle: the rules on it in the order in which each needs the next, the lowest first.
    #[must_use]
    pub fn cycles(&self) -> Vec<Vec<i64>> {
        let knots = tarjan_scc(&self.graph).into_iter();
        let mut cycles: Vec<Vec<i64>> = knots
            .filter_map(|knot| {
                let lowest = knot.iter().min().copied()?;
                let alone = knot.len() == 1 && !self.graph.contains_edge(lowest, lowest);
                (!alone).then(|| self.round(lowest, &knot.into_iter().collect()))
            })
            .collect();
        cycles.sort();
        cycles
    }

    /// A shortest way from `start` through what it needs back to `start`, within a knot.
    fn round(&self, start: i64, knot: &BTreeSet<i64>) -> Vec<i64> {
        let mut came_from: BTreeMap<i64, i64> = BTreeMap::new();
        let mut queue = std::collections::VecDeque::from([start]);
        while let Some(rule) = queue.pop_front() {
            for needed in self.needs(rule).into_iter().filter(|needed| knot.contains(needed)) {
                if needed == start {
                    let mut way = vec![rule];
                    let mut at = rule;
                    while let Some(before) = came_from.get(&at) {
                        way.push(*before);
                        at = *before;
                    }
                    way.reverse();
                    return way;
                }
                if needed != start && !came_from.contains_key(&needed) {
                    came_from.insert(needed, rule);
                    queue.push_back(needed);
                }
            }
        }
        vec![start]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cycles_are_told_in_order() {
        let graph =
            RuleGraph::new([(1, vec![2]), (2, vec![3]), (3, vec![1]), (4, vec![1]), (5, vec![5])]);
        assert_eq!(graph.cycles(), [vec![1, 2, 3], vec![5]]);
        assert_eq!(graph.order(), Vec::<i64>::new());
    }

    #[test]
    fn ancestors_at_any_distance() {
        let graph = RuleGraph::new([(1, vec![]), (2, vec![1]), (3, vec![2]), (9, vec![])]);
        assert_eq!(graph.with_ancestors([3]), BTreeSet::from([1, 2, 3]));
    }
}
