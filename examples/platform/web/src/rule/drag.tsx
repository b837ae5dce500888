// Dragging conditions and groups within one builder. The same is done from the keyboard by the buttons to move up and down.
import { useRef } from "react";
import { getParentPath, isAncestor, move, type Path } from "react-querybuilder";
import { Icon } from "../ui/icon";
import type { FormGroup } from "./document";

let dragged: { builder: string; path: Path } | null = null;

export function DragHandle({ path }: { path: Path }) {
  const begin = (event: React.DragEvent<HTMLSpanElement>) => {
    const builder = event.currentTarget.closest<HTMLElement>("[data-builder]");
    if (!builder) return;
    event.stopPropagation();
    dragged = { builder: builder.dataset.builder ?? "", path };
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", "condition");
    const card = event.currentTarget.closest<HTMLElement>("[data-path]");
    if (card) event.dataTransfer.setDragImage(card, 12, 12);
  };
  return <span className="drag-handle" draggable aria-hidden="true" title="Drag to another place" onDragStart={begin} onDragEnd={() => (dragged = null)}><Icon name="drag" size={14} /></span>;
}

/** Where the thing that is dragged would go: before or after the node under the pointer, or into a group. */
function target(event: React.DragEvent, builder: string): { element: HTMLElement; path: Path; side: "before" | "after" | "into" } | null {
  const element = (event.target as HTMLElement).closest<HTMLElement>("[data-path]");
  if (!dragged || dragged.builder !== builder || !element) return null;
  if (element.closest<HTMLElement>("[data-builder]")?.dataset.builder !== builder) return null;
  const path = JSON.parse(element.dataset.path ?? "[]") as Path;
  if (isAncestor(dragged.path, path) || String(dragged.path) === String(path)) return null;
  const box = element.getBoundingClientRect();
  if (path.length === 0) return { element, path, side: "into" };
  const group = element.classList.contains("ruleGroup");
  const edge = group ? Math.min(20, box.height / 3) : box.height / 2;
  const side = event.clientY - box.top < edge ? "before" : box.bottom - event.clientY <= edge ? "after" : "into";
  return { element, path, side };
}

export function useDrag(builder: string, query: FormGroup, onChange: (query: FormGroup) => void) {
  const marked = useRef<HTMLElement | null>(null);
  const mark = (element: HTMLElement | null, side = "") => {
    if (marked.current && marked.current !== element) delete marked.current.dataset.drop;
    if (element) element.dataset.drop = side;
    marked.current = element;
  };
  return {
    onDragOver: (event: React.DragEvent) => {
      const found = target(event, builder);
      if (!found) return mark(null);
      event.preventDefault();
      event.stopPropagation();
      mark(found.element, found.side);
    },
    onDragLeave: (event: React.DragEvent) => { if (!event.currentTarget.contains(event.relatedTarget as Node)) mark(null); },
    onDrop: (event: React.DragEvent) => {
      const found = target(event, builder);
      mark(null);
      if (!found || !dragged) return;
      event.preventDefault();
      event.stopPropagation();
      const { path } = dragged;
      dragged = null;
      const count = (at: Path) => at.reduce<FormGroup>((group, index) => group.rules[index] as FormGroup, query).rules.length;
      const to = found.side === "into" ? [...found.path, count(found.path)] : [...getParentPath(found.path), found.path.at(-1)! + (found.side === "after" ? 1 : 0)];
      onChange(move(query as never, path, to) as unknown as FormGroup);
    },
  };
}
