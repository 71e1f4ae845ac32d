//! The floor: the same purchase written by hand, as fast as we know how. One writer thread for each
//! file, and a group commit of up to 64 writes, each under a savepoint of its own.
//!
//! `fenced` adds what any hand-written saga needs to be safe against redelivery: a row for each step
//! that says it was done. The figures are held against the floor without it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::{Context as _, Result, anyhow};
use crossbeam_channel::{Receiver, Sender};
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::measure::Client;

/// The most writes in one commit.
const GROUP: usize = 64;
/// How many products there are: purchases take turns among them.
pub const PRODUCTS: i64 = 16;

/// What is written, all of it for one purchase.
#[derive(Clone, Copy)]
enum Write {
    Start,
    Take,
    Order,
    Pay,
    End,
}

struct Job {
    write: Write,
    saga: i64,
    told: oneshot::Sender<bool>,
}

/// The files of a hand-written shop.
pub struct Floor(Arc<Files>);

struct Files {
    journal: Sender<Job>,
    product: Sender<Job>,
    order: Sender<Job>,
    payment: Sender<Job>,
    next: AtomicI64,
}

impl Floor {
    /// Makes the files.
    pub fn open(folder: &Path, fenced: bool) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let writer = |name: &str, tables: &str| -> Result<Sender<Job>> {
            let connection = connect(&folder.join(name), tables).with_context(|| format!("failed to make {name}"))?;
            let (queue, jobs) = crossbeam_channel::unbounded();
            std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || serve(&connection, &jobs, fenced))?;
            Ok(queue)
        };
        Ok(Self(Arc::new(Files {
            journal: writer("journal.db", "CREATE TABLE saga (id INTEGER PRIMARY KEY, input TEXT NOT NULL, state TEXT NOT NULL)")?,
            product: writer("product.db", "CREATE TABLE product (id INTEGER PRIMARY KEY, inventory INTEGER NOT NULL)")?,
            order: writer(
                "order.db",
                "CREATE TABLE purchase_order (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL);
                 CREATE TABLE purchase_item (order_id INTEGER NOT NULL, place INTEGER NOT NULL, product INTEGER NOT NULL, \
                 amount INTEGER NOT NULL, price INTEGER NOT NULL, PRIMARY KEY (order_id, place)) WITHOUT ROWID",
            )?,
            payment: writer(
                "payment.db",
                "CREATE TABLE payment (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL, currency TEXT NOT NULL, amount INTEGER NOT NULL)",
            )?,
            next: AtomicI64::new(1),
        })))
    }

    /// A client.
    #[expect(clippy::unused_async, reason = "the other subjects' clients have to connect")]
    pub async fn client(&self) -> Result<Buyer> {
        Ok(Buyer(self.0.clone()))
    }
}

/// A client of the hand-written shop.
pub struct Buyer(Arc<Files>);

impl Client for Buyer {
    async fn buy(&mut self) -> Result<()> {
        let files = &self.0;
        let saga = files.next.fetch_add(1, Ordering::Relaxed);
        for (file, write) in [
            (&files.journal, Write::Start),
            (&files.product, Write::Take),
            (&files.order, Write::Order),
            (&files.payment, Write::Pay),
            (&files.journal, Write::End),
        ] {
            let (told, answer) = oneshot::channel();
            file.send(Job { write, saga, told })
                .map_err(|_| anyhow!("a writer has ended"))?;
            anyhow::ensure!(answer.await?, "a write failed");
        }
        Ok(())
    }
}

fn connect(path: &Path, tables: &str) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    connection.set_prepared_statement_cache_capacity(32);
    connection.execute_batch(tables)?;
    connection.execute_batch(
        "CREATE TABLE done (saga INTEGER NOT NULL, step INTEGER NOT NULL, PRIMARY KEY (saga, step)) WITHOUT ROWID",
    )?;
    if tables.starts_with("CREATE TABLE product") {
        for product in 0..PRODUCTS {
            connection.execute("INSERT INTO product VALUES (?, 1000000000)", [product])?;
        }
    }
    Ok(connection)
}

/// The writer's thread: it takes what is queued, never waits for more, and commits.
fn serve(connection: &Connection, jobs: &Receiver<Job>, fenced: bool) {
    while let Ok(first) = jobs.recv() {
        let mut group = Vec::with_capacity(GROUP);
        let committed = (|| {
            run(connection, "BEGIN IMMEDIATE")?;
            let mut next = Some(first);
            while let Some(job) = next.take() {
                run(connection, "SAVEPOINT o")?;
                write(connection, job.write, job.saga, fenced)?;
                run(connection, "RELEASE o")?;
                group.push(job);
                if group.len() < GROUP {
                    next = jobs.try_recv().ok();
                }
            }
            run(connection, "COMMIT")
        })();
        for job in group {
            // A client that has gone needs no answer.
            let _ = job.told.send(committed.is_ok());
        }
    }
}

fn run(connection: &Connection, statement: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(statement)?.execute([]).map(drop)
}

fn write(connection: &Connection, write: Write, saga: i64, fenced: bool) -> rusqlite::Result<()> {
    if fenced && !matches!(write, Write::Start | Write::End) {
        connection
            .prepare_cached("INSERT INTO done VALUES (?, ?)")?
            .execute((saga, write as i64))?;
    }
    match write {
        Write::Start => connection
            .prepare_cached("INSERT INTO saga VALUES (?, ?, 'running')")?
            .execute((
                saga,
                r#"{"purchase_items":[{"product_id":1,"amount":1,"price":7}],"currency_code":"NT","amount":7}"#,
            )),
        Write::Take => connection
            .prepare_cached("UPDATE product SET inventory = inventory - ? WHERE id = ? AND inventory >= ?")?
            .execute((1, saga % PRODUCTS, 1)),
        Write::Order => {
            connection
                .prepare_cached("INSERT INTO purchase_order VALUES (?, ?)")?
                .execute((saga, 7))?;
            connection
                .prepare_cached("INSERT INTO purchase_item VALUES (?, ?, ?, ?, ?)")?
                .execute((saga, 0, saga % PRODUCTS, 1, 7))
        }
        Write::Pay => connection
            .prepare_cached("INSERT INTO payment VALUES (?, ?, ?, ?)")?
            .execute((saga, 7, "NT", 7)),
        Write::End => connection
            .prepare_cached("UPDATE saga SET state = 'completed' WHERE id = ? AND state = 'running'")?
            .execute([saga]),
    }
    .map(drop)
}
