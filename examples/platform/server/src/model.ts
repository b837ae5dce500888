// What the platform's tables mean: those of the original, and where a user lives.

const PAYMENTS = ["credit_card_transactions", "upi_transactions"];

export const MODEL = {
  users: { table: "users", key: "user_id" },
  events: {
    credit_card_transactions: { user: "user_id", time: "transaction_date" },
    upi_transactions: { user: "user_id", time: "transaction_date" },
  },
  traits: {
    total_spend: { aggregate: "sum", field: "amount", events: PAYMENTS },
    transaction_count: { aggregate: "count", events: PAYMENTS },
    average_payment: { aggregate: "avg", field: "amount", events: PAYMENTS },
    home: { latitude: "lat", longitude: "lon" },
  },
  timezone: "UTC",
};
