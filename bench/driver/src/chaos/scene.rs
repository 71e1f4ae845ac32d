//! What buyers, readers and the killer share.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::sync::watch;

use super::Plan;
use crate::http::Connection;
use crate::ledger::Ledger;
use crate::shop::{self, Answer, Cart};

/// How often something that is waited for is looked at.
const LOOK: Duration = Duration::from_millis(5);
/// Products that never run out, and their stock.
const PLENTY: (u64, u64) = (4, 1_000_000_000);
/// Products that run out in the middle of the run.
const SCARCE: (u64, u64) = (2, 60);

/// A customer, and the book on it.
pub struct Customer {
    /// The access token.
    pub token: String,
    /// The `Authorization` header.
    pub bearer: String,
    ledger: Mutex<Ledger>,
    listens: AtomicBool,
}

/// A product, and how many there were at the start.
#[derive(Clone, Copy, Debug)]
pub struct Stock {
    /// Its id.
    pub product: u64,
    /// Its price.
    pub price: u64,
    /// How many there were.
    pub inventory: u64,
}

impl Customer {
    /// The book on this customer.
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The stream is open: from here on everything is told.
    pub(super) fn listens(&self) {
        self.listens.store(true, Ordering::Release);
    }
}

/// What is shared.
pub(super) struct Scene {
    pub customers: Vec<Customer>,
    pub stocks: Vec<Stock>,
    pub seed: u64,
    /// Where the host is; none: it is being killed.
    address: watch::Sender<Option<SocketAddr>>,
    answered: AtomicU64,
    selling: AtomicBool,
    over: watch::Sender<bool>,
}

impl Scene {
    /// Signs customers up, and fills the shelves.
    pub async fn open(address: SocketAddr, plan: &Plan) -> Result<Self> {
        super::check(plan)?;
        let mut shop = Connection::open(address).await.context("failed to reach the host")?;
        let mut customers = Vec::with_capacity(plan.customers);
        for number in 0..plan.customers {
            let token = shop::sign_up(&mut shop, &format!("customer{number}"))
                .await
                .context("failed to sign up")?;
            customers.push(Customer {
                bearer: format!("Bearer {token}"),
                token,
                ledger: Mutex::default(),
                listens: AtomicBool::new(false),
            });
        }
        let mut stocks = vec![];
        for (count, inventory) in [PLENTY, SCARCE] {
            for _ in 0..count {
                let price = 10 + stocks.len() as u64;
                let product = shop::add_product(&mut shop, "thing", price, inventory).await?;
                stocks.push(Stock {
                    product,
                    price,
                    inventory,
                });
            }
        }
        Ok(Self {
            customers,
            stocks,
            seed: plan.seed,
            address: watch::Sender::new(Some(address)),
            answered: AtomicU64::new(0),
            selling: AtomicBool::new(true),
            over: watch::Sender::new(false),
        })
    }

    /// Buys one thing for each customer once its stream is open, so that every reader has an id to
    /// resume from.
    pub async fn make_first_purchases(&self, limit: Duration) -> Result<()> {
        let address = self.address().await.context("the scene is over before it began")?;
        let mut shop = Connection::open(address).await?;
        let cart = Cart::from([(self.stocks[0].product, 1)]);
        let until = Instant::now() + limit;
        for customer in &self.customers {
            wait_until(until, || customer.listens.load(Ordering::Acquire)).await;
            match shop::buy(&mut shop, &customer.bearer, &shop::purchase_body(&cart), None).await? {
                Answer::Started(id) => customer.ledger().start(id, &cart),
                other => bail!("a customer's first purchase was answered {other:?}"),
            }
            wait_until(until, || customer.ledger().is_settled()).await;
            ensure!(
                customer.ledger().is_settled(),
                "a customer's first purchase has not ended"
            );
        }
        Ok(())
    }

    /// Where the host is, once it is somewhere; none: the scene is over.
    pub async fn address(&self) -> Option<SocketAddr> {
        let (mut address, mut over) = (self.address.subscribe(), self.over.subscribe());
        tokio::select! {
            _ = over.wait_for(|over| *over) => None,
            found = address.wait_for(Option::is_some) => found.ok().and_then(|found| *found),
        }
    }

    /// Where the host is now.
    pub fn current(&self) -> Option<SocketAddr> {
        *self.address.borrow()
    }

    pub fn closed(&self) {
        self.address.send_replace(None);
    }

    pub fn opened(&self, address: SocketAddr) {
        self.address.send_replace(Some(address));
    }

    /// Nothing new is bought; what is under way is brought to an answer.
    pub fn last_orders(&self) {
        self.selling.store(false, Ordering::Relaxed);
    }

    pub fn is_selling(&self) -> bool {
        self.selling.load(Ordering::Relaxed)
    }

    pub fn stop(&self) {
        self.over.send_replace(true);
    }

    /// Resolves when the scene is over.
    pub async fn over(&self) {
        let mut over = self.over.subscribe();
        // The sender lives as long as the scene.
        let _ = over.wait_for(|over| *over).await;
    }

    pub fn count_answer(&self) {
        self.answered.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits until something has been bought since now.
    pub async fn wait_for_progress(&self, until: Instant) {
        let before = self.answered.load(Ordering::Relaxed);
        wait_until(until, || self.answered.load(Ordering::Relaxed) > before).await;
    }
}

/// Waits for something, but not longer than `until`.
pub(super) async fn wait_until(until: Instant, is_so: impl Fn() -> bool) {
    while !is_so() && Instant::now() < until {
        tokio::time::sleep(LOOK).await;
    }
}
