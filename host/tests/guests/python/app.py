"""A step, its compensation and its table, in Python: it takes goods out of an inventory."""

import json

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.migrations import Migration
from wit_world.imports import publisher, spans
from wit_world.imports.calls import Failure_Rejected, Failure_Retry, Postponement, Rejection
from wit_world.imports.database import Connection
from wit_world.imports.values import Error_Duplicate, Value_Integer

LABEL = "stock"


def move(product_id: int, amount: int) -> int:
    """Takes goods out, or puts them back: how many rows that changed, none when there were not enough."""
    return Connection.open(LABEL).execute(
        "UPDATE stock SET inventory = inventory - ? WHERE id = ? AND inventory >= ?",
        [Value_Integer(amount), Value_Integer(product_id), Value_Integer(amount)],
    )


def note() -> None:
    """A savepoint: what fails in it is undone with it, and the step goes on."""
    with Connection.open(LABEL).begin() as savepoint:
        try:
            savepoint.execute("UPDATE stock SET inventory = 0", [])
            savepoint.execute("INSERT INTO stock (id, inventory) VALUES (1, 0)", [])
            savepoint.commit()
        except Err as error:
            if not isinstance(error.value, Error_Duplicate):
                raise


class Step(exports.Step):
    def step(self, ctx, input):
        item = json.loads(input)
        match item.get("mode"):
            case "crash":
                raise TypeError("a defect, on purpose")
            case "forget":
                Connection.open(LABEL).query("SELECT * FROM nowhere", [])
            case "wait":
                raise Err(Failure_Retry(Postponement("not now", 250)))
        with spans.Span("take") as span:
            span.set("product", spans.Attribute_Text(str(item["product_id"])))
            if move(item["product_id"], item["amount"]) != 1:
                raise Err(Failure_Rejected(Rejection("out-of-stock", f"there are fewer than {item['amount']}")))
            note()
            found = Connection.open(LABEL).query(
                "SELECT inventory FROM stock WHERE id = ?", [Value_Integer(item["product_id"])]
            )
            left = found.rows[0][0].value
            publisher.publish("stock.taken", str(item["product_id"]), json.dumps({"left": left}))
        return json.dumps({
            "saga": ctx.saga_id,
            "left": left,
            "key": ctx.idempotency_key,
            "customer": ctx.principal.subject if ctx.principal else None,
        })

    def compensate(self, ctx, input, output):
        item = json.loads(input)
        if output is not None and json.loads(output)["saga"] == ctx.saga_id:
            move(item["product_id"], -item["amount"])


class Migrations(exports.Migrations):
    def migrations(self, label, dialect):
        return [
            Migration(1, "stock", [
                "CREATE TABLE stock (id INTEGER PRIMARY KEY, inventory INTEGER NOT NULL)",
                "INSERT INTO stock (id, inventory) VALUES (1, 10)",
            ])
        ]
