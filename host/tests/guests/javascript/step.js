// A step, its compensation and its table, in JavaScript: it takes goods out of an inventory.
import { Connection } from "skald:sql/database@0.1.0";
import { publish } from "skald:events/publisher@0.1.0";
import { Span } from "skald:trace/spans@0.1.0";

const LABEL = "stock";

// A 64-bit number is a BigInt in one engine for JavaScript and a Number in the other. What came from the host shows
// which it is; `Number(x)` reads either.
const integer = (example, number) => ({
  tag: "integer",
  val: typeof example === "bigint" ? BigInt(number) : Number(number),
});

// What an import has thrown is an Error; what the contract calls the error is its payload.
const reason = (error) => error?.payload ?? error;

const drop = (resource) => resource[Symbol.dispose ?? Symbol.for("dispose")]();

// Takes goods out, or puts them back. The number of rows that changed tells whether there were enough.
const move = (ctx, { product_id, amount }) =>
  Connection.open(LABEL).execute(
    "UPDATE stock SET inventory = inventory - ? WHERE id = ? AND inventory >= ?",
    [amount, product_id, amount].map((number) => integer(ctx.sagaId, number)),
  );

// A savepoint: what fails in it is undone with it, and the step goes on.
const note = (ctx) => {
  const savepoint = Connection.open(LABEL).begin();
  try {
    savepoint.execute("UPDATE stock SET inventory = 0", []);
    savepoint.execute("INSERT INTO stock (id, inventory) VALUES (1, 0)", []);
    savepoint.commit();
  } catch (error) {
    if (reason(error).tag !== "duplicate") throw error;
  } finally {
    drop(savepoint);
  }
};

export const step = {
  step(ctx, input) {
    const item = JSON.parse(input);
    if (item.mode === "crash") throw new TypeError("a defect, on purpose");
    if (item.mode === "forget") Connection.open(LABEL).query("SELECT * FROM nowhere", []);
    if (item.mode === "wait") throw { tag: "retry", val: { detail: "not now", afterMs: 250 } };
    const span = new Span("take");
    span.set("product", { tag: "text", val: String(item.product_id) });
    if (move(ctx, item) !== 1)
      throw { tag: "rejected", val: { code: "out-of-stock", detail: `there are fewer than ${item.amount}` } };
    note(ctx);
    const [[left]] = Connection.open(LABEL).query("SELECT inventory FROM stock WHERE id = ?", [
      integer(ctx.sagaId, item.product_id),
    ]).rows;
    publish("stock.taken", String(item.product_id), JSON.stringify({ left: Number(left.val) }));
    drop(span);
    return JSON.stringify({
      saga: Number(ctx.sagaId),
      left: Number(left.val),
      key: ctx.idempotencyKey,
      customer: ctx.principal?.subject,
    });
  },

  compensate(ctx, input, output) {
    const item = JSON.parse(input);
    // None is undefined in one engine and null in the other: `!= null` is neither.
    if (output != null && JSON.parse(output).saga === Number(ctx.sagaId))
      move(ctx, { product_id: item.product_id, amount: -item.amount });
  },
};

export const migrations = {
  migrations(label, dialect) {
    return [
      {
        version: 1,
        name: "stock",
        statements: [
          "CREATE TABLE stock (id INTEGER PRIMARY KEY, inventory INTEGER NOT NULL)",
          "INSERT INTO stock (id, inventory) VALUES (1, 10)",
        ],
      },
    ];
  },
};
