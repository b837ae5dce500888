// Writes documents/*.json: queries made by the functions of react-querybuilder, as formatQuery gives them.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import * as rqb from "@react-querybuilder/core";
import { parseJsonLogic } from "@react-querybuilder/core/parseJsonLogic";
import { parseMongoDB } from "@react-querybuilder/core/parseMongoDB";
import { parseSQL } from "@react-querybuilder/core/parseSQL";

const { QueryManager, add, convertFromIC, convertToIC, formatQuery, group, insert } = rqb;
const { joinWith, move, regenerateIDs, remove, transformQuery, ungroup, update } = rqb;

const folder = new URL("./documents/", import.meta.url);
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);

// Ids look like those of the package and are the same every time.
let ids = 0;
const idGenerator = () => `00000000-0000-4000-8000-${String(++ids).padStart(12, "0")}`;

const fields = ["country", "home_country", "name", "age", "age_limit", "spend", "joined", "active", "tags", "orders"];
const manager = new QueryManager(undefined, { fields: fields.map((name) => ({ name, label: name })), idGenerator });
const createRule = () => manager.createRule();
const createRuleGroup = (independent) => manager.createRuleGroup(independent);

const write = (name, query, format = "json") => {
  const own = format === "json" ? regenerateIDs(query, { idGenerator }) : query;
  writeFileSync(new URL(`${name}.json`, folder), formatQuery(own, format) + "\n");
};
// What is not to be touched by regenerateIDs.
const raw = (name, query) => writeFileSync(new URL(`${name}.json`, folder), formatQuery(query, "json") + "\n");

const rule = (field, operator, value = "", more = {}) => ({ ...createRule(), field, operator, value, ...more });
const query = (...rules) => rules.reduce((all, one) => add(all, one, []), createRuleGroup());
const any = (...rules) => update(query(...rules), "combinator", "or", []);
const free = (...rules) => rules.reduce((all, one) => add(all, one, []), createRuleGroup(true));
const not = (all, path = []) => update(all, "not", true, path);

const india = () => rule("country", "=", "IN");
const over40 = () => rule("age", ">", "40");
const active = () => rule("active", "=", true);
const bob = () => rule("name", "beginsWith", "Bob");

// Every operator of the default set, with the values that the default editors give.
const values = {
  "=": ["country", "IN"],
  "!=": ["country", "IN"],
  "<": ["age", "34"],
  ">": ["age", "34"],
  "<=": ["age", "34"],
  ">=": ["spend", "120.5"],
  contains: ["name", "Bob"],
  beginsWith: ["name", "B"],
  endsWith: ["name", "y"],
  doesNotContain: ["name", "o"],
  doesNotBeginWith: ["name", "Bob"],
  doesNotEndWith: ["name", "e"],
  null: ["country", ""],
  notNull: ["country", ""],
  in: ["country", "IN,FR"],
  notIn: ["country", "IN,US"],
  between: ["age", "27,34"],
  notBetween: ["age", "27,34"],
};
const names = { "=": "equal", "!=": "not-equal", "<": "less", ">": "greater", "<=": "less-or-equal", ">=": "greater-or-equal" };
for (const { name } of rqb.defaultOperators) {
  const [field, value] = values[name];
  write(`operator-${names[name] ?? name}`, query(rule(field, name, value)));
}

// Values.
write("list-in", query(rule("country", "in", ["IN", "FR"])));
write("list-not-in", query(rule("country", "notIn", ["IN", "US"])));
write("list-between", query(rule("age", "between", ["27", "34"])));
write("list-between-numbers", query(rule("age", "between", [27, 34])));
write("list-not-between", query(rule("spend", "notBetween", [0, 120.5])));
write("list-in-numbers", query(rule("age", "in", [27, 61])), "json_without_ids");
write("text-in-numbers", query(rule("age", "in", "27, 61")));
write("text-in-with-a-comma", query(rule("name", "in", joinWith(["Bob, Jr.", "chandra"]))));
write("text-in-empty", query(rule("country", "in", "")));
write("text-not-in-empty", query(rule("country", "notIn", "")));
write("text-between-dates", query(rule("joined", "between", "2024-01-01,2024-06-30")));
write("text-date", query(rule("joined", ">", "2024-02-29")));
write("text-percent", query(rule("name", "contains", "%_")));
write("text-empty", query(rule("name", "=", "")));
write("text-with-spaces", query(rule("age", "=", " 27 ")));
write("number", query(rule("spend", "<", 80)));
write("boolean", query(active()));
write("list-column-contains", query(rule("tags", "contains", "vip")));
write("list-column-does-not-contain", query(rule("tags", "doesNotContain", "vip")));
write("trait", query(rule("orders", ">=", "2")));
write("trait-with-a-window", query(rule("orders", ">=", "2", { window: { last: "30 days" } })));
write("numerified", rqb.numerifyValues(query(rule("age", "between", ["27", "34"]), rule("spend", ">", "100")), { parseNumbers: true, fields: manager.getFields() }));
write("value-source-value", query(rule("country", "=", "US", { valueSource: "value" })));
write("value-source-field", query(rule("country", "=", "home_country", { valueSource: "field" })));
write("value-source-field-numbers", query(rule("age", ">=", "age_limit", { valueSource: "field" })));
write("value-source-field-not", not(query(rule("age", ">", "age_limit", { valueSource: "field" }))));
write("null-beside-a-field", query(rule("age_limit", "null", "age", { valueSource: "field" })));

// Groups.
write("empty", createRuleGroup());
write("empty-or", update(createRuleGroup(), "combinator", "or", []));
write("empty-not", not(createRuleGroup()));
write("empty-independent", createRuleGroup(true));
write("and", query(india(), over40()));
write("or", any(india(), over40()));
write("or-without-ids", any(india(), over40()), "json_without_ids");
write("not", not(query(india())));
write("not-or", not(any(india(), over40())));
write("group-in-group", query(active(), any(india(), bob())));
write("group-with-not", query(active(), not(any(india(), bob()))));
write("three-deep", any(bob(), query(india(), not(any(over40(), query(rule("orders", ">=", 3), active()))))));
write("empty-group-in-or", any(over40(), createRuleGroup()));
write("empty-or-group-in-and", query(over40(), update(createRuleGroup(), "combinator", "or", [])));

// The functions that change queries.
write("updated", update(update(query(india()), "operator", "!=", [0]), "value", "US", [0]));
write("updated-field", update(update(query(india()), "field", "home_country", [0]), "value", "BR", [0]));
write("moved", move(any(bob(), over40(), query(india())), [1], [2, 0]));
write("moved-down", move(query(bob(), any(india(), over40())), [0], "down"));
write("cloned", move(any(bob(), query(active())), [0], [1, 0], { clone: true }));
write("grouped", update(group(query(active(), india(), bob()), [1], [2]), "combinator", "or", [1]));
write("ungrouped", ungroup(query(active(), query(india(), over40())), [1]));
write("removed", remove(query(active(), india(), over40()), [2]));
write("inserted", insert(query(active()), any(india(), bob()), [0]));
write("with-paths", transformQuery(query(active(), any(india(), bob())), { omitPath: false }));
raw("twice-regenerated", regenerateIDs(regenerateIDs(query(active(), any(india(), bob())), { idGenerator }), { idGenerator }));

// Independent combinators.
write("independent", free(india(), over40()));
write("independent-one", free(india()));
write("independent-or", update(free(india(), over40()), "combinator", "or", [1]));
write("independent-and-or", update(free(india(), over40(), bob()), "combinator", "or", [3]));
write("independent-or-and", update(free(bob(), india(), active()), "combinator", "or", [1]));
write("independent-from-groups", convertToIC(query(active(), not(any(india(), bob())))));
write("independent-not", not(update(free(india(), over40()), "combinator", "or", [1])));
write("independent-and-back", convertFromIC(update(free(bob(), india(), active()), "combinator", "or", [1])));
write("independent-without-ids", update(free(india(), over40(), bob()), "combinator", "or", [3]), "json_without_ids");
write("independent-with-one-off", update(update(free(india(), over40(), bob()), "combinator", "or", [3]), "disabled", true, [0]));
write("independent-with-a-side-off", update(update(free(india(), bob()), "combinator", "or", [1]), "disabled", true, [0]));
write("independent-moved", move(update(free(bob(), india(), active()), "combinator", "or", [1]), [4], [0]));

// What is off.
write("disabled-rule", update(query(india(), over40()), "disabled", true, [1]));
write("disabled-group", update(query(active(), any(india(), bob())), "disabled", true, [1]));
write("disabled-all", update(query(india()), "disabled", true, []));
write("disabled-in-or", update(any(india()), "disabled", true, [0]));
write("disabled-rules-of-a-group", update(any(over40(), query(india())), "disabled", true, [1, 0]));
write("disabled-unfinished", query(india(), { ...createRule(), disabled: true }));
write("muted-rule", update(query(india(), over40()), "muted", true, [1]));
write("muted-group", update(query(active(), any(india(), bob())), "muted", true, [1]));
write("enabled-again", update(update(query(india(), over40()), "disabled", true, [1]), "disabled", false, [1]));
write("unmuted", update(update(query(india(), over40()), "muted", true, [1]), "muted", false, [1]));

// Other languages that the package reads.
const sql = "country in ('IN', 'FR') and not (age between 27 and 34) or name like 'Bob%'";
write("from-sql", parseSQL(sql));
write("from-sql-lists", parseSQL(sql, { listsAsArrays: true }));
write("from-sql-independent", parseSQL(sql, { independentCombinators: true }));
write("from-sql-null", parseSQL("country is null or age_limit is null and spend is not null"));
write("from-json-logic", parseJsonLogic({ and: [{ ">": [{ var: "age" }, 40] }, { in: [{ var: "country" }, ["IN", "FR"]] }] }, { listsAsArrays: true }));
write("from-json-logic-between", parseJsonLogic({ "<=": [27, { var: "age" }, 34] }));
write("from-mongodb", parseMongoDB({ $or: [{ country: "US" }, { age: { $gte: 61 } }, { name: { $regex: "^ch" } }] }));

// What the language does not have.
write("refused-xor", update(query(india(), over40()), "combinator", "xor", []));
write("refused-placeholder", query(new QueryManager(undefined, { idGenerator }).createRule()));
write("refused-number-not-given", query(rule("age", "=", "")));
write("refused-half-a-range", query(rule("age", "between", "27,")));
write("refused-range-backwards", query(rule("age", "between", "34,27")));
write("refused-range-of-fields", query(rule("age", "between", "age_limit,spend", { valueSource: "field" })));
write("refused-list-of-fields", query(rule("country", "in", "home_country,name", { valueSource: "field" })));
write("refused-match-mode", query(rule("tags", "=", query(rule("", "=", "vip")), { match: { mode: "all" } })));
write("refused-unknown-field", query(rule("city", "=", "Pune")));
write("refused-extra-member", query(rule("country", "=", "IN", { readonly: true })));
write("refused-boolean-as-text", query(rule("active", "!=", "true")));
