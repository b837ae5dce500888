//! Where a rule's segment comes from and what comes from it, to read and to draw.

use std::fmt;

use chrono::{DateTime, Utc};
use petgraph::dot::Dot;
use petgraph::graph::DiGraph;
use serde::{Deserialize, Serialize};

/// A rule with all rules that its segment comes from and all that come from it.
///
/// It serializes as JSON, and [`Lineage::to_mermaid`] and [`Lineage::to_dot`] draw it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Lineage {
    /// The rule that was asked about.
    pub rule_id: i64,
    /// The rules, ascending by id.
    pub nodes: Vec<LineageNode>,
    /// Which comes from which.
    pub edges: Vec<LineageEdge>,
}

/// A rule of a [`Lineage`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LineageNode {
    /// The rule.
    pub rule_id: i64,
    /// Its name.
    pub rule_name: String,
    /// How many members its segment has; `None` before the first refresh.
    pub row_count: Option<u64>,
    /// The instant that its segment is about.
    #[serde(with = "crate::document::instant::option")]
    pub as_of: Option<DateTime<Utc>>,
    /// Whether it takes part in its schedule.
    pub enabled: bool,
}

/// Why one rule's segment comes from another's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LineageEdge {
    /// The rule whose segment is used.
    pub from: i64,
    /// The rule that uses it.
    pub to: i64,
    /// Where it is used.
    pub kind: LineageKind,
    /// The same in words.
    pub reason: String,
}

/// Where one rule uses another's segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum LineageKind {
    /// In its `depends_on`.
    Operand,
    /// In a condition on the field `segment`.
    Condition,
    /// Nowhere in its wording: the last refresh found that it answers a part of the rule.
    Reused,
}

impl Lineage {
    /// The lineage as a Mermaid flow chart, from left to right; what was reused is dotted.
    #[must_use]
    pub fn to_mermaid(&self) -> String {
        let mut text = "graph LR\n".to_owned();
        for node in &self.nodes {
            let label = node.to_string().lines().map(escaped).collect::<Vec<_>>().join("<br/>");
            text.push_str(&format!("  r{}[\"{label}\"]\n", node.rule_id));
        }
        for LineageEdge { from, to, kind, reason } in &self.edges {
            let reason = escaped(reason);
            text.push_str(&match kind {
                LineageKind::Reused => format!("  r{from} -. \"{reason}\" .-> r{to}\n"),
                _ => format!("  r{from} -- \"{reason}\" --> r{to}\n"),
            });
        }
        text.push_str(&format!("  style r{} stroke-width:3px\n", self.rule_id));
        text
    }

    /// The lineage in Graphviz's language, from left to right; what was reused is dashed.
    #[must_use]
    pub fn to_dot(&self) -> String {
        let mut graph: DiGraph<&LineageNode, &LineageEdge> = DiGraph::new();
        let places: Vec<_> =
            self.nodes.iter().map(|node| (node.rule_id, graph.add_node(node))).collect();
        let place = |id: i64| places.iter().find(|(rule, _)| *rule == id).map(|(_, place)| *place);
        for edge in &self.edges {
            if let (Some(from), Some(to)) = (place(edge.from), place(edge.to)) {
                graph.add_edge(from, to, edge);
            }
        }
        let edge_style = |_: &_, edge: petgraph::graph::EdgeReference<'_, &LineageEdge>| match edge
            .weight()
            .kind
        {
            LineageKind::Reused => "style=dashed".to_owned(),
            _ => String::new(),
        };
        let node_style = |_: &_, (_, node): (_, &&LineageNode)| {
            let pen = if node.rule_id == self.rule_id { " penwidth=3" } else { "" };
            format!("shape=box{pen}")
        };
        let config = [petgraph::dot::Config::RankDir(petgraph::dot::RankDir::LR)];
        Dot::with_attr_getters(&graph, &config, &edge_style, &node_style).to_string()
    }
}

/// The name and the count, as they stand on a node.
impl fmt::Display for LineageNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.rule_name.replace(['\n', '\r'], " ");
        match self.row_count {
            Some(1) => write!(f, "{name}\n1 user"),
            Some(count) => write!(f, "{name}\n{count} users"),
            None => write!(f, "{name}\nnot refreshed yet"),
        }
    }
}

impl fmt::Display for LineageEdge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

/// A text within Mermaid's quotes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("#quot;"),
            '#' => out.push_str("#35;"),
            '&' => out.push_str("#amp;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            // Backquotes at both ends of a label switch to Markdown.
            '`' => out.push_str("#96;"),
            letter if letter.is_control() => out.push(' '),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawings_escape_what_would_end_a_label() {
        let node = |rule_id, name: &str, row_count| LineageNode {
            rule_id,
            rule_name: name.to_owned(),
            row_count,
            as_of: None,
            enabled: true,
        };
        let edge = |from, to, kind, reason: &str| LineageEdge {
            from,
            to,
            kind,
            reason: reason.to_owned(),
        };
        let lineage = Lineage {
            rule_id: 2,
            nodes: vec![node(1, "say \"hi\"\n<b>", Some(3)), node(2, "Größe; `x`", None)],
            edges: vec![
                edge(1, 2, LineageKind::Operand, "UNION, operand 1"),
                edge(1, 2, LineageKind::Reused, "equal to /conditions/0"),
            ],
        };
        assert_eq!(
            lineage.to_mermaid(),
            "graph LR\n  r1[\"say #quot;hi#quot; #lt;b#gt;<br/>3 users\"]\n  \
             r2[\"Größe; #96;x#96;<br/>not refreshed yet\"]\n  \
             r1 -- \"UNION, operand 1\" --> r2\n  r1 -. \"equal to /conditions/0\" .-> r2\n  \
             style r2 stroke-width:3px\n"
        );
        let dot = lineage.to_dot();
        assert!(dot.contains("say \\\"hi\\\" <b>"), "{dot}");
        assert!(dot.contains("style=dashed") && dot.contains("rankdir=\"LR\""), "{dot}");
    }
}
