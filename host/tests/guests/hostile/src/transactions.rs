//! What is done to the step's transaction.

use skald_sdk::saga::{Context, Failure};
use skald_sdk::sql::Connection;

/// Does it; none when the mode is no affair of the database.
pub fn act(ctx: &Context, mode: &str, n: u32) -> Option<Result<String, Failure>> {
    let act: fn(&Connection, &Context, u32) -> Result<(), Failure> = match mode {
        "write" => |db, ctx, _| note(db, ctx.saga_id),
        "write-and-trap" => |db, ctx, _| {
            note(db, ctx.saga_id)?;
            let inner = db.begin()?;
            inner.execute(
                "INSERT INTO note (id, body) VALUES (?, 'inner')",
                &[(ctx.saga_id + 1).into()],
            )?;
            panic!("in the middle of a transaction")
        },
        "write-and-reject" => |db, ctx, _| {
            note(db, ctx.saga_id)?;
            Err(Failure::rejected("changed-my-mind", "after writing"))
        },
        // It is neither committed nor dropped: the host must not commit it.
        "leak" => |db, ctx, _| {
            let inner = db.begin()?;
            inner.execute(
                "INSERT INTO note (id, body) VALUES (?, 'leaked')",
                &[ctx.saga_id.into()],
            )?;
            std::mem::forget(inner);
            Ok(())
        },
        "late-statement" => |db, ctx, _| {
            let inner = db.begin()?;
            inner.commit()?;
            let late = inner.execute("INSERT INTO note (id, body) VALUES (?, 'late')", &[ctx.saga_id.into()]);
            if late.is_err() {
                Ok(())
            } else {
                Err(Failure::rejected("accepted", "an ended transaction took it"))
            }
        },
        "commit-by-hand" => |db, ctx, _| {
            note(db, ctx.saga_id)?;
            db.execute("COMMIT", &[])?;
            Ok(())
        },
        "connections" => |_, _, n| {
            let held: Vec<_> = (0..n).map(|_| Connection::open("hostile")).collect();
            std::mem::forget(held);
            Ok(())
        },
        "other-database" => |_, _, _| {
            let other = Connection::open("other")?;
            other.execute("INSERT INTO note (id, body) VALUES (1, 'elsewhere')", &[])?;
            Ok(())
        },
        "ungranted" => |_, _, _| Connection::open("payment").map(drop).map_err(Into::into),
        _ => return None,
    };
    let db = match Connection::open("hostile") {
        Ok(db) => db,
        Err(error) => return Some(Err(error.into())),
    };
    Some(act(&db, ctx, n).map(|()| "null".to_owned()))
}

fn note(db: &Connection, id: u64) -> Result<(), Failure> {
    db.execute("INSERT INTO note (id, body) VALUES (?, 'step')", &[id.into()])?;
    Ok(())
}
