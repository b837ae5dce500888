//! Sets of values of one subject as unions of intervals, with the exact algebra of sets.
//!
//! An interval runs from one *cut* to another; a cut lies just before or just after a point. Whole
//! units have cuts before points only, so that `<= 3` and `< 4` are the same set.

use std::cmp::Ordering;
use std::ops::Bound;
use std::sync::Arc;

use crate::document::Number;

/// One value. A subject has values of one kind only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Point {
    Int(i128),
    Double(Double),
    Ratio(Number),
    Text(Arc<str>),
}

/// A finite double in the order of numbers; both zeros are one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Double(f64);

impl Double {
    pub(crate) fn new(value: f64) -> Double {
        Double(if value == 0.0 { 0.0 } else { value })
    }
}

impl PartialEq for Double {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Double {}

impl PartialOrd for Double {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Double {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl std::hash::Hash for Double {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

/// A place between values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Cut {
    /// Before every value.
    Start,
    /// Before the point, or (`true`) after it.
    At(Point, bool),
    /// After every value.
    End,
}

impl Cut {
    pub(crate) fn before(point: Point) -> Cut {
        match point {
            // Nothing comes before the empty text.
            Point::Text(text) if text.is_empty() => Cut::Start,
            point => Cut::At(point, false),
        }
    }

    pub(crate) fn after(point: Point) -> Cut {
        match point {
            Point::Int(unit) => {
                unit.checked_add(1).map_or(Cut::End, |u| Cut::before(Point::Int(u)))
            }
            point => Cut::At(point, true),
        }
    }
}

/// A set of values: ascending, disjoint intervals that do not touch.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Set(Vec<(Cut, Cut)>);

impl Set {
    /// Every value.
    pub(crate) fn full() -> Set {
        Set(vec![(Cut::Start, Cut::End)])
    }

    /// Of intervals in any order; those that end before they start are empty.
    pub(crate) fn of(intervals: impl IntoIterator<Item = (Cut, Cut)>) -> Set {
        let mut intervals: Vec<_> =
            intervals.into_iter().filter(|(low, high)| low < high).collect();
        intervals.sort_unstable();
        let mut merged: Vec<(Cut, Cut)> = Vec::with_capacity(intervals.len());
        for (low, high) in intervals {
            match merged.last_mut() {
                Some(last) if low <= last.1 => last.1 = high.max(last.1.clone()),
                _ => merged.push((low, high)),
            }
        }
        Set(merged)
    }

    pub(crate) fn points(points: impl IntoIterator<Item = Point>) -> Set {
        Set::of(points.into_iter().map(|point| (Cut::before(point.clone()), Cut::after(point))))
    }

    /// The whole numbers from `low` to `high`, both included.
    pub(crate) fn ints(low: i128, high: i128) -> Set {
        Set::of([(Cut::before(Point::Int(low)), Cut::after(Point::Int(high)))])
    }

    pub(crate) fn at_least(low: Point) -> Set {
        Set::of([(Cut::before(low), Cut::End)])
    }

    pub(crate) fn bounds(ranges: impl IntoIterator<Item = (Bound<Point>, Bound<Point>)>) -> Set {
        Set::of(ranges.into_iter().map(|(low, high)| {
            let low = match low {
                Bound::Unbounded => Cut::Start,
                Bound::Included(point) => Cut::before(point),
                Bound::Excluded(point) => Cut::after(point),
            };
            let high = match high {
                Bound::Unbounded => Cut::End,
                Bound::Included(point) => Cut::after(point),
                Bound::Excluded(point) => Cut::before(point),
            };
            (low, high)
        }))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[cfg(test)]
    fn union(&self, other: &Set) -> Set {
        Set::of(self.0.iter().chain(&other.0).cloned())
    }

    pub(crate) fn intersect(&self, other: &Set) -> Set {
        let (mut one, mut two) = (self.0.iter().peekable(), other.0.iter().peekable());
        let mut found = Vec::new();
        while let (Some(a), Some(b)) = (one.peek(), two.peek()) {
            let (low, high) = ((&a.0).max(&b.0), (&a.1).min(&b.1));
            if low < high {
                found.push((low.clone(), high.clone()));
            }
            if a.1 <= b.1 {
                one.next()
            } else {
                two.next()
            };
        }
        Set(found)
    }

    /// Every value that is not in the set.
    pub(crate) fn complement(&self) -> Set {
        let mut found = Vec::with_capacity(self.0.len() + 1);
        let mut from = Cut::Start;
        for (low, high) in &self.0 {
            if from < *low {
                found.push((from, low.clone()));
            }
            from = high.clone();
        }
        if from < Cut::End {
            found.push((from, Cut::End));
        }
        Set(found)
    }

    pub(crate) fn is_subset(&self, of: &Set) -> bool {
        let mut wide = of.0.iter().peekable();
        self.0.iter().all(|(low, high)| {
            while wide.next_if(|interval| interval.1 <= *low).is_some() {}
            wide.peek().is_some_and(|interval| interval.0 <= *low && *high <= interval.1)
        })
    }

    /// The values one by one, if every interval is a single point and there are at most `limit`.
    pub(crate) fn singles<'a>(&'a self, limit: usize) -> Option<Vec<&'a Point>> {
        if self.0.len() > limit {
            return None;
        }
        let point = |interval: &'a (Cut, Cut)| match interval {
            (Cut::At(point, false), high) if *high == Cut::after(point.clone()) => Some(point),
            // Nothing comes before the empty text.
            (Cut::Start, Cut::At(point @ Point::Text(text), true)) if text.is_empty() => {
                Some(point)
            }
            _ => None,
        };
        self.0.iter().map(point).collect()
    }

    /// The set of all values from the least value of the set on.
    pub(crate) fn upwards(&self) -> Set {
        Set::of(self.0.first().map(|(low, _)| (low.clone(), Cut::End)))
    }

    /// The set of all values up to the greatest of the set.
    pub(crate) fn downwards(&self) -> Set {
        Set::of(self.0.last().map(|(_, high)| (Cut::Start, high.clone())))
    }
}

/// The texts that begin with `prefix`, which follow one another in the order of code points.
pub(crate) fn beginning_with(prefix: &str) -> Set {
    let low = Cut::before(Point::Text(prefix.into()));
    let high = match after_all(prefix) {
        Some(text) => Cut::before(Point::Text(text.into())),
        None => Cut::End,
    };
    Set::of([(low, high)])
}

/// The least text that comes after every text with this prefix.
fn after_all(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        // Past U+D7FF come the surrogates, which are no characters.
        let next = match last {
            '\u{D7FF}' => Some('\u{E000}'),
            last => char::from_u32(u32::from(last) + 1),
        };
        if let Some(next) = next {
            text.push(next);
            return Some(text);
        }
    }
    None
}

/// The longest text with which every text of the set begins.
pub(crate) fn common_prefix(set: &Set) -> String {
    let Some((Cut::At(Point::Text(low), _), _)) = set.0.first() else { return String::new() };
    let mut prefix: &str = low;
    while !prefix.is_empty() && !set.is_subset(&beginning_with(prefix)) {
        let shorter = prefix.char_indices().next_back().map_or(0, |(at, _)| at);
        prefix = prefix.get(..shorter).unwrap_or("");
    }
    prefix.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ints(ranges: &[(i128, i128)]) -> Set {
        ranges.iter().fold(Set::default(), |all, (low, high)| all.union(&Set::ints(*low, *high)))
    }

    #[test]
    fn whole_numbers_that_touch_are_one_interval() {
        assert_eq!(ints(&[(1, 2), (3, 4)]), ints(&[(1, 4)]));
        let below = Set::bounds([(Bound::Unbounded, Bound::Excluded(Point::Int(4)))]);
        let at_most = Set::bounds([(Bound::Unbounded, Bound::Included(Point::Int(3)))]);
        assert_eq!(below, at_most);
    }

    #[test]
    fn the_algebra_of_sets() {
        let (a, b) = (ints(&[(1, 5), (10, 20)]), ints(&[(4, 12), (19, 30)]));
        assert_eq!(a.intersect(&b), ints(&[(4, 5), (10, 12), (19, 20)]));
        assert_eq!(a.complement().complement(), a);
        assert_eq!(a.complement().union(&a), Set::full());
        assert!(a.intersect(&b).is_subset(&a) && !a.is_subset(&b));
        assert!(ints(&[(2, 3), (11, 11)]).is_subset(&a));
        assert_eq!(ints(&[(2, 2), (7, 7)]).singles(5).map(|points| points.len()), Some(2));
        assert_eq!(a.singles(5), None);
        let texts = Set::points(["", "x"].map(|text| Point::Text(text.into())));
        assert_eq!(texts.singles(5).map(|points| points.len()), Some(2));
    }

    #[test]
    fn prefixes_are_intervals() {
        let text = |text: &str| Set::points([Point::Text(text.into())]);
        assert!(text("Mumbai").is_subset(&beginning_with("Mum")));
        assert!(!text("Mun").is_subset(&beginning_with("Mum")));
        assert!(beginning_with("Mumbai").is_subset(&beginning_with("Mum")));
        assert!(text("x\u{10FFFF}\u{10FFFF}y").is_subset(&beginning_with("x\u{10FFFF}")));
        assert_eq!(beginning_with(""), Set::full());
        assert_eq!(common_prefix(&beginning_with("Mum")), "Mum");
        assert_eq!(common_prefix(&text("Mum").union(&text("Mus"))), "Mu");
        assert_eq!(common_prefix(&Set::full()), "");
    }
}
