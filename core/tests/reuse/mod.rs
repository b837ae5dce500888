//! What one rule's segment says about another rule: the pairs that have to be told apart, random
//! ones held against the row oracle, and whole sets of rules that are answered from one another.

mod contained;
mod equals;
mod ground;
mod growing;
mod pairs;
mod planted;
mod planting;
mod sets;
mod stale;
mod traps;
