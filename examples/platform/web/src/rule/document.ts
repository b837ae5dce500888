// A rule's conditions as the form holds them, and back, without any loss.
//
// The form holds react-querybuilder's group. Each rule in it carries its whole condition as `value`, so that every member
// of the language, known to the form or not, stays as it is. How a group was written is remembered in `shape`.
import { generateID, type RuleGroupType, type RuleType } from "react-querybuilder";
import type { Document } from "../api/types";
import type { Json } from "../lib/json";

/** A condition in the form. `left` says with which member the document leaves it out. */
export type FormRule = RuleType<string, string, Document> & { left?: Left };

/** How a group stands in the document. */
export type Shape =
  | "list" // [a, b], which means `and`
  | "mixed" // [a, "or", b, "and", c], `and` binding tighter
  | "mixed-part" // the `and` of a mixed list, which has no brackets of its own
  | "one" // a single condition where a list could stand
  | "group";

type Left = "disabled" | "muted" | "both";

export interface FormGroup extends RuleGroupType<FormRule> {
  shape?: Shape;
  left?: Left;
  /** Members that the document wrote although they say nothing, or that the form has no control for. */
  written?: Document;
  rules: (FormRule | FormGroup)[];
}

const isObject = (value: unknown): value is Document => typeof value === "object" && value !== null && !Array.isArray(value) && !("text" in value && value.constructor !== Object);
const isGroup = (value: Json): value is Document => isObject(value) && "rules" in value;
export const isFormGroup = (node: FormRule | FormGroup): node is FormGroup => "rules" in node;

/** A condition as a node of the form. */
export function formRule(condition: Document): FormRule {
  const { disabled, muted, id: _id, path: _path, ...rest } = condition;
  const left = leftBy(disabled, muted);
  return { id: generateID(), field: "condition", operator: "=", value: withFalse(rest, disabled, muted), ...(left && { muted: true, left }) };
}

function leftBy(disabled: Json | undefined, muted: Json | undefined): Left | undefined {
  if (disabled === true) return muted === true ? "both" : "disabled";
  return muted === true ? "muted" : undefined;
}

/** `disabled: false` says nothing, and stays where it was written. */
function withFalse(rest: Document, disabled: Json | undefined, muted: Json | undefined): Document {
  return { ...rest, ...(disabled === false && { disabled }), ...(muted === false && { muted }) };
}

/** Conditions in any form that the language takes, as a group of the form. */
export function toForm(conditions: Json | undefined): FormGroup {
  if (conditions === undefined || conditions === null) return { id: generateID(), combinator: "and", rules: [], shape: "list" };
  if (Array.isArray(conditions)) return groupOf(conditions, "list");
  if (isGroup(conditions)) return namedGroup(conditions);
  return { id: generateID(), combinator: "and", rules: [formRule(conditions as unknown as Document)], shape: "one" };
}

function namedGroup(group: Document): FormGroup {
  const { combinator, not, rules, disabled, muted, id: _id, path: _path, ...rest } = group;
  const members = Array.isArray(rules) ? rules : [rules as Json];
  const form = groupOf(members, "group");
  const written = withFalse({ ...rest, ...(combinator === undefined && { combinator: null }) }, disabled, muted);
  const left = leftBy(disabled, muted);
  return {
    ...form,
    shape: form.shape === "mixed" ? "mixed" : "group",
    combinator: typeof combinator === "string" ? combinator.toLowerCase() : form.combinator,
    ...(not !== undefined && { not: not === true }),
    ...(left && { muted: true, left }),
    written: { ...written, group: true },
  };
}

function groupOf(members: Json[], shape: Shape): FormGroup {
  if (!members.some((member) => typeof member === "string")) return { id: generateID(), combinator: "and", rules: members.map(node), shape };
  const parts: FormGroup["rules"][] = [[]];
  for (const member of members) {
    if (typeof member !== "string") parts.at(-1)!.push(node(member));
    else if (member.toLowerCase() === "or") parts.push([]);
  }
  const rules = parts.map((part) => (part.length === 1 ? part[0]! : ({ id: generateID(), combinator: "and", rules: part, shape: "mixed-part" } satisfies FormGroup)));
  if (rules.length > 1) return { id: generateID(), combinator: "or", rules, shape: "mixed" };
  return { id: generateID(), combinator: "and", rules: parts[0]!, shape: "mixed" };
}

function node(member: Json): FormRule | FormGroup {
  return Array.isArray(member) || isGroup(member) ? toForm(member) : formRule(member as unknown as Document);
}

/** The conditions that a group of the form says. */
export function fromForm(group: FormGroup): Json {
  const plain = group.combinator === "and" && group.not !== true && group.muted !== true && !group.written?.group;
  if (group.shape === "one" && plain && group.rules.length === 1) return fromNode(group.rules[0]!);
  if ((group.shape === "list" || group.shape === "one") && plain) return group.rules.map(fromNode);
  const mixed = group.shape === "mixed" ? mixedMembers(group) : null;
  if (mixed && !group.written?.group && group.not !== true && group.muted !== true) return mixed;
  return { ...ownMembers(group, mixed !== null), rules: mixed ?? group.rules.map(fromNode) };
}

function ownMembers(group: FormGroup, mixed: boolean): Document {
  const { group: _group, combinator: unwritten, ...written } = group.written ?? {};
  const silent = unwritten === null && (mixed || group.combinator === "and");
  return {
    ...(!silent && { combinator: group.combinator }),
    ...(group.not !== undefined && { not: group.not }),
    ...written,
    ...leftMembers(group),
  };
}

function leftMembers({ muted, left }: { muted?: boolean; left?: Left }): Document {
  if (!muted) return {};
  return { ...((left === "disabled" || left === "both") && { disabled: true }), ...(left !== "disabled" && { muted: true }) };
}

/** The members of a mixed list with their words, unless the group was changed so that it is none any more. */
function mixedMembers(group: FormGroup): Json[] | null {
  const word = (rules: Json[], by: string) => rules.flatMap((rule, i) => (i === 0 ? [rule] : [by, rule]));
  if (group.combinator === "and") return word(group.rules.map(fromNode), "and");
  const parts = group.rules.map((rule) => {
    const isPart = isFormGroup(rule) && rule.shape === "mixed-part" && rule.combinator === "and" && !rule.not && !rule.muted && rule.rules.length > 0;
    return isPart ? word(rule.rules.map(fromNode), "and") : [fromNode(rule)];
  });
  return parts.flatMap((part, i) => (i === 0 ? part : ["or", ...part]));
}

function fromNode(rule: FormRule | FormGroup): Json {
  if (!isFormGroup(rule)) return { ...rule.value, ...leftMembers(rule) };
  // Inside of other groups a list is written as a group, which every reader of the language takes.
  return fromForm(rule.shape === "mixed-part" ? { ...rule, shape: "group" } : rule);
}

/** A JSON Pointer to each node of a form's group, from the pointer to the conditions. */
export function pointers(group: FormGroup, base: string): Map<string, string> {
  const found = new Map<string, string>();
  const walk = (here: FormGroup, path: string) => {
    found.set(here.id ?? "", path);
    const written = fromForm(here);
    const inside = Array.isArray(written) ? path : `${path}/rules`;
    const members = Array.isArray(written) ? written : isObject(written) && Array.isArray(written.rules) ? written.rules : null;
    const step = (rule: FormRule | FormGroup, at: string) => (isFormGroup(rule) ? walk(rule, at) : void found.set(rule.id ?? "", at));
    if (!members) return here.rules.forEach((rule) => step(rule, path));
    let index = 0;
    for (const rule of here.rules) {
      const flat = members.some((m) => typeof m === "string") && isFormGroup(rule) && rule.shape === "mixed-part";
      for (const part of flat ? (rule as FormGroup).rules : [rule]) {
        step(part, `${inside}/${index}`);
        index += members[index + 1] === "and" || members[index + 1] === "or" ? 2 : 1;
      }
    }
  };
  walk(group, base);
  return found;
}
