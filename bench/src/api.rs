//! The real thing: the program as a process of its own, from `POST /api/purchase` to the last event of
//! the result stream, with this client on the same cores.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result, bail, ensure};
use skald_driver::http::Connection;
use skald_driver::process::{Host, Program};
use skald_driver::shop::{self, Answer, Cart};
use skald_driver::sse::{End, Stream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::extra;
use crate::measure::Client;
use crate::report::Extra;

/// The most customers: beyond that several purchases of one customer are under way at once.
const CUSTOMERS: usize = 16;
/// How many there are of each product.
const INVENTORY: u64 = 1_000_000_000;
/// How many products there are.
const PRODUCTS: usize = 16;

/// The host, and its customers.
pub struct Api {
    program: Program,
    host: Host,
    customers: Vec<Arc<Customer>>,
    readers: Vec<JoinHandle<()>>,
    products: Vec<u64>,
    bought: Arc<AtomicU64>,
}

/// One customer, and who waits for which purchase.
struct Customer {
    bearer: String,
    waiting: Mutex<HashMap<u64, Wait>>,
}

/// A purchase's end may be told before its 201 is read.
enum Wait {
    For(oneshot::Sender<End>),
    Ended(End),
}

impl Customer {
    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, Wait>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, purchase: u64, end: End) {
        let mut waiting = self.waiting();
        match waiting.remove(&purchase) {
            // A client that has gone needs no answer.
            Some(Wait::For(told)) => drop(told.send(end)),
            _ => drop(waiting.insert(purchase, Wait::Ended(end))),
        }
    }

    async fn wait(&self, purchase: u64) -> Result<End> {
        let told = {
            let mut waiting = self.waiting();
            if let Some(Wait::Ended(end)) = waiting.remove(&purchase) {
                return Ok(end);
            }
            let (tell, told) = oneshot::channel();
            waiting.insert(purchase, Wait::For(tell));
            told
        };
        told.await.context("the stream was cut")
    }
}

impl Api {
    /// Starts the host, signs customers up, and opens their streams.
    pub async fn open(skald: &Path, manifest: &Path, components: &Path, data: &Path, clients: usize) -> Result<Self> {
        let program = Program {
            skald: skald.to_owned(),
            manifest: manifest.to_owned(),
            components: components.to_owned(),
            data: data.to_owned(),
            log: "warn".into(),
        };
        let host = program.start().await?;
        let mut shop = Connection::open(host.address).await?;
        let (mut customers, mut readers, mut products) = (vec![], vec![], vec![]);
        for number in 0..clients.clamp(1, CUSTOMERS) {
            let token = shop::sign_up(&mut shop, &format!("customer{number}")).await?;
            let customer = Arc::new(Customer {
                bearer: format!("Bearer {token}"),
                waiting: Mutex::default(),
            });
            let stream = Stream::open(host.address, &token, None).await?;
            readers.push(tokio::spawn(read(stream, customer.clone())));
            customers.push(customer);
        }
        for _ in 0..PRODUCTS {
            products.push(shop::add_product(&mut shop, "thing", 7, INVENTORY).await?);
        }
        Ok(Self {
            program,
            host,
            customers,
            readers,
            products,
            bought: Arc::default(),
        })
    }

    /// A client with a connection of its own.
    pub async fn client(&self, number: usize) -> Result<Buyer> {
        let product = self.products[number % self.products.len()];
        Ok(Buyer {
            shop: Connection::open(self.host.address).await?,
            customer: self.customers[number % self.customers.len()].clone(),
            body: shop::purchase_body(&Cart::from([(product, 1)])),
            bought: self.bought.clone(),
        })
    }

    /// Checks the books, and tells what can be told once: memory, and how long a start takes.
    pub async fn close(self) -> Result<Vec<Extra>> {
        let bought = self.bought.load(Ordering::Relaxed);
        let sold = sold(self.host.address, &self.products).await?;
        ensure!(bought == sold, "{bought} purchases ended, and {sold} things were sold");
        let resident = self.host.resident().context("the host's memory can't be read")?;
        for reader in self.readers {
            reader.abort();
        }
        drop(self.host);
        let host = self.program.start().await?;
        shop::inventory(&mut Connection::open(host.address).await?, self.products[0]).await?;
        let started = host.spawned.elapsed();
        Ok(vec![
            extra("purchases through HTTP, whose books agree", bought.to_string()),
            extra("resident memory after them", format!("{} MiB", resident >> 20)),
            extra(
                "start to first answer after SIGKILL, warm code cache",
                format!("{} ms", started.as_millis()),
            ),
        ])
    }
}

/// How many things were sold.
async fn sold(address: SocketAddr, products: &[u64]) -> Result<u64> {
    let mut shop = Connection::open(address).await?;
    let mut sold = 0;
    for product in products {
        sold += INVENTORY - shop::inventory(&mut shop, *product).await?;
    }
    Ok(sold)
}

async fn read(mut stream: Stream, customer: Arc<Customer>) {
    // The stream is cut when the host ends; whoever waits then hears of it by the dropped sender.
    while let Ok((purchase, end)) = stream.next_end().await {
        customer.end(purchase, end);
    }
    customer.waiting().clear();
}

/// A client of the host.
pub struct Buyer {
    shop: Connection,
    customer: Arc<Customer>,
    body: String,
    bought: Arc<AtomicU64>,
}

impl Client for Buyer {
    async fn buy(&mut self) -> Result<()> {
        let answer = shop::buy(&mut self.shop, &self.customer.bearer, &self.body, None).await?;
        let Answer::Started(id) = answer else {
            bail!("a purchase was answered {answer:?}")
        };
        match self.customer.wait(id).await? {
            End::Completed => {
                self.bought.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            End::Compensated => bail!("purchase {id} was refused"),
        }
    }
}
