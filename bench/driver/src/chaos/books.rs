//! The books at the end: what the customers were told against what the shop holds.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::Report;
use super::scene::{Customer, Scene, wait_until};
use crate::http::Connection;
use crate::shop::{self, Cart};
use crate::sse::End;

/// Waits until everything has ended and nothing has been told for a while. What a cut request started
/// is known from its events only, so silence is part of it.
pub(super) async fn settle(scene: &Scene, limit: Duration) {
    const SILENCE: Duration = Duration::from_millis(1500);
    let until = Instant::now() + limit;
    let heard = Mutex::new((0, Instant::now()));
    wait_until(until, || {
        let events: u64 = scene
            .customers
            .iter()
            .filter_map(|customer| customer.ledger().last)
            .sum();
        let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        if heard.0 != events {
            *heard = (events, Instant::now());
        }
        heard.1.elapsed() >= SILENCE && scene.customers.iter().all(|customer| customer.ledger().is_settled())
    })
    .await;
}

/// Closes the books: every fault that can be seen from outside.
pub(super) async fn close(scene: &Arc<Scene>, report: &mut Report) -> Result<()> {
    let mut sold = Cart::new();
    for customer in &scene.customers {
        count(customer, report);
        let carts = check_customer(scene, customer, report).await?;
        for (product, amount) in carts {
            *sold.entry(product).or_default() += amount;
        }
    }
    let mut shop = connect(scene).await?;
    for stock in &scene.stocks {
        let left = shop::inventory(&mut shop, stock.product)
            .await
            .context("failed to read an inventory")?;
        let gone = sold.get(&stock.product).copied().unwrap_or(0);
        if left + gone != stock.inventory {
            report.faults.push(format!(
                "of {} of product {} {gone} were sold, and {left} are left",
                stock.inventory, stock.product
            ));
        }
    }
    Ok(())
}

fn count(customer: &Customer, report: &mut Report) {
    let ledger = customer.ledger();
    let ends = ledger.ends();
    report.started += ledger.started.len();
    report.completed += ends.values().filter(|end| **end == Some(End::Completed)).count();
    report.compensated += ends.values().filter(|end| **end == Some(End::Compensated)).count();
    report.repeated += ledger.repeated;
    report.cut.0 += ledger.maybe;
    report.cut.1 += ledger.strangers().len();
    report.events += ledger.told.values().map(Vec::len).sum::<usize>();
    report.faults.extend(ledger.faults());
}

/// An order and a payment for each completed purchase, and none for any other. Gives back what was
/// sold to this customer.
async fn check_customer(scene: &Scene, customer: &Customer, report: &mut Report) -> Result<Cart> {
    let prices: BTreeMap<u64, u64> = scene.stocks.iter().map(|stock| (stock.product, stock.price)).collect();
    let (ends, started) = {
        let ledger = customer.ledger();
        (ledger.ends(), ledger.started.clone())
    };
    let mut shop = connect(scene).await?;
    let mut sold = Cart::new();
    for (id, end) in ends {
        let order = shop::order(&mut shop, &customer.bearer, id)
            .await
            .context("failed to read an order")?;
        let payment = shop::payment(&mut shop, &customer.bearer, id)
            .await
            .context("failed to read a payment")?;
        let fault = match (end, order, payment) {
            (Some(End::Completed), Some((cart, total)), Some(amount)) => {
                let owed: u64 = cart
                    .iter()
                    .map(|(product, amount)| prices.get(product).unwrap_or(&0) * amount)
                    .sum();
                for (product, amount) in &cart {
                    *sold.entry(*product).or_default() += amount;
                }
                let wanted = started.get(&id).is_none_or(|wanted| *wanted == cart);
                (!wanted || owed != amount || total != amount)
                    .then(|| format!("purchase {id} of {cart:?} for {owed} was paid with {amount}"))
            }
            (Some(End::Compensated), None, None) => None,
            (end, order, payment) => Some(format!(
                "purchase {id} ended {end:?} with order {order:?} and payment {payment:?}"
            )),
        };
        report.faults.extend(fault);
    }
    Ok(sold)
}

async fn connect(scene: &Scene) -> Result<Connection> {
    Connection::open(scene.current().context("the host is gone")?)
        .await
        .context("failed to reach the host")
}
