//! Which other rules a rule refers to.

use super::{Group, Node, Operand, Rule, RuleRef};

/// Every rule that a rule refers to.
pub(crate) fn references(rule: &Rule) -> Vec<&RuleRef> {
    fn of_group<'a>(group: &'a Group, found: &mut Vec<&'a RuleRef>) {
        for node in &group.rules {
            match node {
                Node::Group(inner) => of_group(inner, found),
                Node::Segments(condition) => found.extend(&condition.rules),
                Node::Condition(condition) => {
                    if let Operand::Rank { among: Some(among), .. } = &condition.operand {
                        of_group(among, found);
                    }
                }
                Node::Sequence(_) | Node::Disabled(_) => {}
            }
        }
    }
    let mut found: Vec<&RuleRef> = rule.depends_on.iter().collect();
    rule.conditions.iter().for_each(|group| of_group(group, &mut found));
    found
}
