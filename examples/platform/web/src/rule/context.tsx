// What the editors of conditions know of where they stand: fields, names of rules, problems, and their JSON Pointer.
import { createContext, useContext, useMemo } from "react";
import type { Problem } from "../api/client";
import type { Field } from "../api/types";

export interface Surroundings {
  fields: Field[];
  rules: { id: number; name: string }[];
  problems: Problem[];
  /** The rule that is edited, which can't name itself. */
  self?: number;
}

export const SurroundingsContext = createContext<Surroundings>({ fields: [], rules: [], problems: [] });
export const useSurroundings = () => useContext(SurroundingsContext);

/** Whether conditions are about users, or about the rows of event tables. */
export type Scope = { of: "users" } | { of: "events"; tables: string[] };
export const ScopeContext = createContext<Scope>({ of: "users" });

/** Pointers of the nodes of the builder that one stands in, by their ids. */
export const PointersContext = createContext<Map<string, string>>(new Map());

export interface Tables { users: Field[]; traits: Field[]; points: Field[]; events: Map<string, Field[]> }

/** The fields sorted by what they are of: the first table is the users'. */
export function useTables(): Tables {
  const { fields } = useSurroundings();
  return useMemo(() => {
    const users = fields.find((f) => f.table !== null)?.table;
    const events = new Map<string, Field[]>();
    for (const field of fields) if (field.table && field.table !== users) events.set(field.table, [...(events.get(field.table) ?? []), field]);
    const own = fields.filter((f) => f.table === null && f.name !== "segment" && f.name !== "bucket");
    return { users: fields.filter((f) => f.table !== null && f.table === users), traits: own.filter((f) => !f.type.startsWith("point")), points: own.filter((f) => f.type.startsWith("point")), events };
  }, [fields]);
}

/** Columns that all of these tables have. */
export function columnsOf(tables: Tables, names: string[]): Field[] {
  const [first, ...rest] = names.map((name) => tables.events.get(name) ?? []);
  return (first ?? []).filter((field) => rest.every((columns) => columns.some((c) => c.name === field.name)));
}

/** Fields that a condition may be about here. */
export function useScopeFields(): Field[] {
  const scope = useContext(ScopeContext);
  const tables = useTables();
  return scope.of === "users" ? [...tables.users, ...tables.traits, ...tables.points] : columnsOf(tables, scope.tables);
}

/** The problems at a pointer or below it. */
export function useProblems(pointer: string | undefined): Problem[] {
  const { problems } = useSurroundings();
  if (pointer === undefined) return [];
  return problems.filter((p) => p.path === pointer || p.path?.startsWith(`${pointer}/`));
}

export function ProblemList({ problems, id }: { problems: Problem[]; id?: string }) {
  if (problems.length === 0) return null;
  return (
    <ul id={id} role="alert" className="basis-full">
      {problems.map((p, i) => <li key={i} className="problem"><span aria-hidden="true">•</span><span>{p.message.charAt(0).toUpperCase() + p.message.slice(1)}{p.hint && <span className="text-muted"> – {p.hint}</span>}</span></li>)}
    </ul>
  );
}
