//! Which rules need which: order, levels, cycles, dependents.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use datafusion::common::HashMap;

use petgraph::Direction;
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{Bfs, Dfs, Reversed};

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
    graph: DiGraph<i64, ()>,
    places: HashMap<i64, NodeIndex>,
}

impl RuleGraph {
    /// The graph of rules with the ids of those that each needs.
    pub fn new(rules: impl IntoIterator<Item = (i64, Vec<i64>)>) -> Self {
        let mut graph = RuleGraph::default();
        for (rule, needs) in rules {
            let then = graph.place(rule);
            for needed in needs {
                let first = graph.place(needed);
                graph.graph.update_edge(first, then, ());
            }
        }
        graph
    }

    fn place(&mut self, rule: i64) -> NodeIndex {
        *self.places.entry(rule).or_insert_with(|| self.graph.add_node(rule))
    }

    fn rule(&self, place: NodeIndex) -> i64 {
        self.graph.node_weight(place).copied().unwrap_or_default()
    }

    fn beside(&self, rule: i64, direction: Direction) -> Vec<i64> {
        let Some(place) = self.places.get(&rule) else { return Vec::new() };
        let beside = self.graph.neighbors_directed(*place, direction);
        let mut found: Vec<i64> = beside.map(|place| self.rule(place)).collect();
        found.sort_unstable();
        found
    }

    /// The rules that need `rule` directly, ascending.
    #[must_use]
    pub fn dependents(&self, rule: i64) -> Vec<i64> {
        self.beside(rule, Direction::Outgoing)
    }

    /// The rules that `rule` needs directly, ascending.
    #[must_use]
    pub fn needs(&self, rule: i64) -> Vec<i64> {
        self.beside(rule, Direction::Incoming)
    }

    /// `rules` and everything that they need, at any distance.
    #[must_use]
    pub fn with_ancestors(&self, rules: impl IntoIterator<Item = i64>) -> BTreeSet<i64> {
        let reversed = Reversed(&self.graph);
        let mut found = BTreeSet::new();
        for rule in rules {
            let Some(place) = self.places.get(&rule).filter(|_| !found.contains(&rule)) else {
                continue;
            };
            let mut search = Bfs::new(reversed, *place);
            while let Some(next) = search.next(reversed) {
                found.insert(self.rule(next));
            }
        }
        found
    }

    /// All rules that need `rule`, at any distance: those whose segments a change of it affects.
    #[must_use]
    pub fn affected(&self, rule: i64) -> BTreeSet<i64> {
        let mut found = BTreeSet::new();
        let Some(place) = self.places.get(&rule) else { return found };
        // On a cycle, a rule needs itself: the search begins beside it.
        let mut search = Dfs::empty(&self.graph);
        for first in self.graph.neighbors(*place) {
            search.move_to(first);
            while let Some(next) = search.next(&self.graph) {
                found.insert(self.rule(next));
            }
        }
        found
    }

    /// These rules and all that they need, in order, and at the end `last`.
    pub(crate) fn order_of(
        &self,
        rules: impl IntoIterator<Item = i64>,
        last: Option<i64>,
    ) -> Vec<i64> {
        let wanted = self.with_ancestors(rules).into_iter();
        let part = RuleGraph::new(wanted.map(|rule| (rule, self.needs(rule))));
        let mut order: Vec<i64> = part.order();
        order.retain(|rule| Some(*rule) != last);
        order.extend(last);
        order
    }

    /// The rules by their distance from those that need none: every rule is in the level after
    /// the last of those that it needs. Rules on a cycle and those that need them are left out.
    #[must_use]
    pub fn levels(&self) -> Vec<Vec<i64>> {
        let mut level_of: BTreeMap<i64, usize> = BTreeMap::new();
        let mut levels: Vec<Vec<i64>> = Vec::new();
        for rule in self.order() {
            let needs = self.needs(rule);
            let level =
                needs.iter().filter_map(|need| level_of.get(need)).max().map_or(0, |top| top + 1);
            level_of.insert(rule, level);
            if levels.len() <= level {
                levels.push(Vec::new());
            }
            if let Some(rules) = levels.get_mut(level) {
                rules.push(rule);
            }
        }
        levels.iter_mut().for_each(|rules| rules.sort_unstable());
        levels
    }

    /// Every rule after those that it needs, else by id; rules on a cycle and those that need
    /// them are left out.
    #[must_use]
    pub fn order(&self) -> Vec<i64> {
        let incoming = |place| self.graph.neighbors_directed(place, Direction::Incoming).count();
        let mut waiting: Vec<usize> = self.graph.node_indices().map(incoming).collect();
        let free = self.graph.node_indices().filter(|place| incoming(*place) == 0);
        let mut ready: BinaryHeap<Reverse<(i64, NodeIndex)>> =
            free.map(|place| Reverse((self.rule(place), place))).collect();
        let mut order = Vec::with_capacity(waiting.len());
        while let Some(Reverse((rule, place))) = ready.pop() {
            order.push(rule);
            for dependent in self.graph.neighbors(place) {
                if let Some(count) = waiting.get_mut(dependent.index()) {
                    *count -= 1;
                    if *count == 0 {
                        ready.push(Reverse((self.rule(dependent), dependent)));
                    }
                }
            }
        }
        order
    }

    /// Cycles, each with the rules on it in the order in which each needs the next, the lowest
    /// first. Every rule that is on any cycle is on one of these.
    #[must_use]
    pub fn cycles(&self) -> Vec<Vec<i64>> {
        let mut cycles: Vec<Vec<i64>> = Vec::new();
        for knot in tarjan_scc(&self.graph) {
            let knot: BTreeSet<i64> = knot.into_iter().map(|place| self.rule(place)).collect();
            let mut told: BTreeSet<i64> = BTreeSet::new();
            for rule in &knot {
                let alone = knot.len() == 1 && !self.needs(*rule).contains(rule);
                if alone || told.contains(rule) {
                    continue;
                }
                let mut cycle = self.round(*rule, &knot);
                told.extend(&cycle);
                let lowest = cycle.iter().enumerate().min_by_key(|(_, rule)| **rule);
                let at = lowest.map_or(0, |(at, _)| at);
                cycle.rotate_left(at);
                cycles.push(cycle);
            }
        }
        cycles.sort();
        cycles.dedup();
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
    fn every_rule_of_a_knot_is_told() {
        let graph = RuleGraph::new([(1, vec![2, 3]), (2, vec![1]), (3, vec![4]), (4, vec![1])]);
        assert_eq!(graph.cycles(), [vec![1, 2], vec![1, 3, 4]]);
    }

    #[test]
    fn levels_and_what_a_change_affects() {
        let needs = [(1, vec![]), (2, vec![1]), (3, vec![1, 2]), (4, vec![1]), (5, vec![6, 3])];
        let graph = RuleGraph::new(needs.into_iter().chain([(6, vec![6])]));
        assert_eq!(graph.levels(), [vec![1], vec![2, 4], vec![3]]);
        assert_eq!(graph.affected(2), BTreeSet::from([3, 5]));
        assert_eq!(graph.affected(6), BTreeSet::from([5, 6]));
        assert_eq!(graph.affected(9), BTreeSet::new());
        assert_eq!(graph.order_of([3], Some(7)), [1, 2, 3, 7]);
    }

    #[test]
    fn ancestors_at_any_distance() {
        let graph = RuleGraph::new([(1, vec![]), (2, vec![1]), (3, vec![2]), (9, vec![])]);
        assert_eq!(graph.with_ancestors([3]), BTreeSet::from([1, 2, 3]));
    }
}
