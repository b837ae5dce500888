// Fields of a small platform, as the server lists them.
import type { Field } from "../src/api/types";
import { operatorsOf } from "../src/rule/language";

const field = (table: string | null, name: string, type: string, values: string[] | null = null): Field => ({ name, table, type, operators: operatorsOf(type), values });
const payments = (table: string) => [
  field(table, "transaction_id", "integer"), field(table, "amount", "decimal"), field(table, "category", "string", ["Dining", "Travel"]),
  field(table, "merchant", "string"), field(table, "transaction_date", "timestamp"),
];

export const FIELDS: Field[] = [
  field("users", "user_id", "integer"), field("users", "name", "string"), field("users", "city", "string", ["Delhi", "Mumbai"]), field("users", "city_tier", "integer"),
  field("users", "income", "decimal"), field("users", "is_churned", "boolean"), field("users", "signup_date", "date"), field("users", "last_seen", "timestamp"), field("users", "tags", "list<string>"),
  field(null, "total_spend", "decimal"), field(null, "home", "point"), ...payments("credit_card_transactions"), ...payments("upi_transactions"),
  { name: "segment", table: null, type: "segment", operators: ["in", "notIn"], values: null }, field(null, "bucket", "integer"),
];
