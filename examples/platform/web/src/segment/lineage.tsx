// The lineage as a graph from left to right: what a segment is made of, and what is made of it.
import "@xyflow/react/dist/style.css";
import dagre from "@dagrejs/dagre";
import { Background, Controls, Handle, MarkerType, Position, ReactFlow, type Edge, type Node, type NodeProps } from "@xyflow/react";
import { useMemo } from "react";
import { useNavigate } from "react-router";
import type { Lineage } from "../api/types";
import { count } from "../lib/format";
import { Empty } from "../ui/states";

const WIDTH = 216;
const HEIGHT = 64;

type Data = { name: string; size: number | null; enabled: boolean; current: boolean; segment: number | null };

function SegmentNode({ data }: NodeProps<Node<Data>>) {
  return (
    <div className={`flex h-16 w-[216px] flex-col justify-center rounded-[10px] border px-4 ${data.current ? "border-accent bg-accent-soft" : "border-line-strong bg-surface"} ${data.enabled ? "" : "opacity-60"}`}>
      <Handle type="target" position={Position.Left} isConnectable={false} />
      <p className="truncate text-sm font-semibold" title={data.name}>{data.name}</p>
      <p className="text-[0.8rem] text-muted">{data.size === null ? "not run yet" : `${count(data.size)} users`}{!data.enabled && " · paused"}</p>
      <Handle type="source" position={Position.Right} isConnectable={false} />
    </div>
  );
}

const TYPES = { segment: SegmentNode };
const WORDS = { operand: "combined", condition: "a condition", reused: "reused" } as const;

/** Where each node stands, in the order of dependence. */
function layOut(lineage: Lineage): { nodes: Node<Data>[]; edges: Edge[] } {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: "LR", nodesep: 28, ranksep: 110 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const node of lineage.nodes) graph.setNode(String(node.rule_id), { width: WIDTH, height: HEIGHT });
  for (const edge of lineage.edges) graph.setEdge(String(edge.from), String(edge.to));
  dagre.layout(graph);
  return {
    nodes: lineage.nodes.map((node) => {
      const { x, y } = graph.node(String(node.rule_id)) as { x: number; y: number };
      const current = node.rule_id === lineage.rule_id;
      return { id: String(node.rule_id), type: "segment", position: { x: x - WIDTH / 2, y: y - HEIGHT / 2 }, data: { name: node.rule_name, size: node.row_count, enabled: node.enabled, current, segment: node.segment_id ?? null }, ariaLabel: `${node.rule_name}, ${node.row_count ?? "no"} users${current ? ", this segment" : ""}` };
    }),
    edges: lineage.edges.map((edge, index) => ({
      id: `${edge.from}-${edge.to}-${index}`, source: String(edge.from), target: String(edge.to), label: WORDS[edge.kind], animated: edge.kind === "reused", ariaLabel: edge.reason,
      style: { stroke: "var(--muted)", strokeDasharray: edge.kind === "reused" ? "5 4" : undefined }, markerEnd: { type: MarkerType.ArrowClosed, color: "var(--muted)" },
      labelStyle: { fill: "var(--muted)", fontSize: 11 }, labelBgStyle: { fill: "var(--raised)" },
    })),
  };
}

export default function LineageGraph({ lineage }: { lineage: Lineage }) {
  const navigate = useNavigate();
  const { nodes, edges } = useMemo(() => layOut(lineage), [lineage]);
  const open = (node: Node<Data>) => {
    if (Number(node.id) === lineage.rule_id) return;
    void navigate(node.data.segment ? `/segments/${node.data.segment}?tab=lineage` : `/rules/edit/${node.id}`);
  };
  if (lineage.edges.length === 0) return <Empty icon="graph" title="It stands by itself">No other rule is used by this one, and none uses it.</Empty>;
  return (
    <>
      <div className="h-[26rem]">
        <ReactFlow key={lineage.rule_id} nodes={nodes} edges={edges} nodeTypes={TYPES} fitView fitViewOptions={{ padding: 0.15, maxZoom: 1.1 }} minZoom={0.2} nodesDraggable={false} nodesConnectable={false} proOptions={{ hideAttribution: false }} onNodeClick={(_, node) => open(node)} colorMode={document.documentElement.dataset.theme === "dark" ? "dark" : "light"}>
          <Background gap={22} color="var(--line)" bgColor="var(--raised)" />
          <Controls showInteractive={false} />
        </ReactFlow>
      </div>
      <ul className="divide-y divide-line border-t border-line text-sm">
        {lineage.edges.map((edge, i) => {
          const name = (id: number) => lineage.nodes.find((n) => n.rule_id === id);
          const [from, to] = [name(edge.from), name(edge.to)];
          const link = (n: typeof from) => n && <button type="button" className="link text-left" onClick={() => void navigate(n.segment_id ? `/segments/${n.segment_id}?tab=lineage` : `/rules/edit/${n.rule_id}`)}>{n.rule_name}</button>;
          return <li key={i} className="flex flex-wrap items-center gap-x-2 px-5 py-2.5">{link(from)}<span className="text-muted">→</span>{link(to)}<span className="text-[0.8rem] text-muted">{edge.reason}</span></li>;
        })}
      </ul>
    </>
  );
}
