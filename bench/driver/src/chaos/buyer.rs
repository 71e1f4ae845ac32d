//! A buyer: one purchase after the other, through every kill.

use std::sync::Arc;
use std::time::Duration;

use super::scene::{Customer, Scene};
use crate::dice::Dice;
use crate::http::Connection;
use crate::shop::{self, Answer, Cart};

/// How long a buyer waits when the host can't be reached or sheds load.
const PAUSE: Duration = Duration::from_millis(10);

/// Buys until the last orders.
pub(super) async fn shop(scene: Arc<Scene>, number: usize) {
    let customer = &scene.customers[number % scene.customers.len()];
    let mut buyer = Buyer {
        scene: &scene,
        customer,
        connection: None,
        dice: Dice::new(scene.seed ^ (number as u64) << 32),
    };
    let mut count = 0_u64;
    while scene.is_selling() {
        count += 1;
        let cart = buyer.fill_cart();
        let key = buyer.dice.chance(50).then(|| format!("buyer-{number}-{count}"));
        match key {
            Some(key) => buyer.buy_with_key(&cart, &key).await,
            None => buyer.buy_once(&cart).await,
        }
    }
}

struct Buyer<'s> {
    scene: &'s Scene,
    customer: &'s Customer,
    connection: Option<Connection>,
    dice: Dice,
}

impl Buyer<'_> {
    /// One to three products; one cart in ten holds more of something than was ever there.
    fn fill_cart(&mut self) -> Cart {
        let mut cart = Cart::new();
        for _ in 0..=self.dice.below(3) {
            let stock =
                self.scene.stocks[usize::try_from(self.dice.below(self.scene.stocks.len() as u64)).unwrap_or(0)];
            *cart.entry(stock.product).or_default() += 1 + self.dice.below(3);
        }
        if self.dice.chance(10)
            && let Some(stock) = self.scene.stocks.last()
        {
            cart.insert(stock.product, stock.inventory + 1);
        }
        cart
    }

    /// Without a key nobody can ask what became of it: it may have been started.
    async fn buy_once(&mut self, cart: &Cart) {
        match self.ask(cart, None).await {
            Asked::Answered(Answer::Started(id)) => self.note(id, cart),
            Asked::Answered(Answer::Shed) => tokio::time::sleep(PAUSE).await,
            Asked::Answered(Answer::Wrong(what)) => self.customer.ledger().wrong.push(what),
            Asked::Cut => self.customer.ledger().maybe += 1,
            Asked::Over => {}
        }
    }

    /// With a key it is asked for until it is answered, and sometimes once more.
    async fn buy_with_key(&mut self, cart: &Cart, key: &str) {
        let mut started = None;
        loop {
            match self.ask(cart, Some(key)).await {
                Asked::Answered(Answer::Started(id)) => {
                    self.note(id, cart);
                    let before = started.replace(id);
                    if let Some(before) = before {
                        let mut ledger = self.customer.ledger();
                        ledger.repeated += 1;
                        if before != id {
                            ledger
                                .wrong
                                .push(format!("one key was answered with purchases {before} and {id}"));
                        }
                    }
                    if before.is_some() || !self.dice.chance(20) {
                        return;
                    }
                }
                Asked::Answered(Answer::Shed) => tokio::time::sleep(PAUSE).await,
                Asked::Answered(Answer::Wrong(what)) => return self.customer.ledger().wrong.push(what),
                Asked::Cut => {}
                Asked::Over => return,
            }
        }
    }

    fn note(&self, id: u64, cart: &Cart) {
        self.customer.ledger().start(id, cart);
        self.scene.count_answer();
    }

    async fn ask(&mut self, cart: &Cart, key: Option<&str>) -> Asked {
        let Some(mut connection) = self.connection().await else {
            return Asked::Over;
        };
        let body = shop::purchase_body(cart);
        match shop::buy(&mut connection, &self.customer.bearer, &body, key).await {
            Ok(answer) => {
                self.connection = Some(connection);
                Asked::Answered(answer)
            }
            Err(_) => Asked::Cut,
        }
    }

    /// A connection to wherever the host is now.
    async fn connection(&mut self) -> Option<Connection> {
        if let Some(connection) = self.connection.take() {
            return Some(connection);
        }
        loop {
            let address = self.scene.address().await?;
            match Connection::open(address).await {
                Ok(connection) => return Some(connection),
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }
}

/// What came of asking.
enum Asked {
    Answered(Answer),
    /// The connection was cut before the answer.
    Cut,
    /// The scene is over.
    Over,
}
