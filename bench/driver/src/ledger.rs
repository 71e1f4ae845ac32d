//! What a customer asked for, was answered and was told, and what must be true of it in the end.

use std::collections::{BTreeMap, BTreeSet};

use crate::shop::Cart;
use crate::sse::{Data, End, Told};

/// The steps of a purchase, in the contract's order.
const STEPS: [&str; 3] = ["UPDATE_PRODUCT_INVENTORY", "CREATE_ORDER", "CREATE_PAYMENT"];

/// One customer's side of the story.
#[derive(Debug, Default)]
pub struct Ledger {
    /// What was answered 201, with what was bought.
    pub started: BTreeMap<u64, Cart>,
    /// What was told of each purchase, in the order of the stream.
    pub told: BTreeMap<u64, Vec<Data>>,
    /// The id of the last event.
    pub last: Option<u64>,
    /// How many purchases without a key were cut off before their answer: each may have been started.
    pub maybe: usize,
    /// How many purchases with a key were asked for again, and answered with the same id.
    pub repeated: usize,
    /// What must not happen, and did.
    pub wrong: Vec<String>,
}

impl Ledger {
    /// Notes a 201. The same purchase may be noted again, after its key was used again.
    pub fn start(&mut self, id: u64, cart: &Cart) {
        if let Some(before) = self.started.insert(id, cart.clone())
            && before != *cart
        {
            self.wrong.push(format!("purchase {id} was answered for two carts"));
        }
    }

    /// Notes an event. Within this host's streams ids have no gaps, so a gap is a lost event.
    pub fn tell(&mut self, told: Told) {
        if let Some(last) = self.last
            && told.id != last + 1
        {
            self.wrong.push(format!("event {} came after event {last}", told.id));
        }
        self.last = Some(told.id);
        self.told.entry(told.data.purchase_id).or_default().push(told.data);
    }

    /// How each purchase that was told of ended; none: it has not ended.
    pub fn ends(&self) -> BTreeMap<u64, Option<End>> {
        let end = |told: &Vec<Data>| match told.last().map(|last| last.saga.as_str()) {
            Some("COMPLETED") => Some(End::Completed),
            Some("COMPENSATED") => Some(End::Compensated),
            _ => None,
        };
        let mut ends: BTreeMap<u64, Option<End>> = self.started.keys().map(|id| (*id, None)).collect();
        ends.extend(self.told.iter().map(|(id, told)| (*id, end(told))));
        ends
    }

    /// Whether everything that was started or told of has ended.
    pub fn is_settled(&self) -> bool {
        self.ends().values().all(Option::is_some)
    }

    /// The purchases that were told of and never answered: no more than were cut off.
    pub fn strangers(&self) -> BTreeSet<u64> {
        self.told
            .keys()
            .filter(|id| !self.started.contains_key(id))
            .copied()
            .collect()
    }

    /// Everything that the stream got wrong.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = self.wrong.clone();
        for (id, told) in &self.told {
            if let Err(fault) = in_order(told) {
                let seen: Vec<String> = told
                    .iter()
                    .map(|data| format!("{}/{}/{}", data.step, data.status, data.saga))
                    .collect();
                faults.push(format!("purchase {id}: {fault}; it was told {}", seen.join(", ")));
            }
        }
        for (id, end) in self.ends() {
            if end.is_none() {
                faults.push(format!("purchase {id} has not ended"));
            }
        }
        let strangers = self.strangers().len();
        if strangers > self.maybe {
            faults.push(format!(
                "{strangers} purchases were never asked for, or only {} of them were",
                self.maybe
            ));
        }
        faults
    }
}

/// The contract's sequences: all steps, or a refusal after some and those undone in reverse.
fn in_order(told: &[Data]) -> Result<(), String> {
    let failed = told.iter().position(|data| data.status == "STATUS_FAILED");
    let expected = match failed {
        None => completed(),
        Some(at) => compensated(at / 2),
    };
    let reason = failed.and_then(|at| told[at].reason.as_deref());
    if failed.is_some() && reason != Some("insufficient_inventory") {
        return Err(format!("it failed for {reason:?}"));
    }
    let seen = told
        .iter()
        .map(|data| (data.step.as_str(), data.status.as_str(), data.saga.as_str()));
    if seen.eq(expected.iter().copied()) {
        Ok(())
    } else {
        Err(format!("expected {expected:?}"))
    }
}

type Line = (&'static str, &'static str, &'static str);

fn completed() -> Vec<Line> {
    let mut lines: Vec<Line> = STEPS
        .iter()
        .flat_map(|step| {
            [
                (*step, "STATUS_EXECUTE", "RUNNING"),
                (*step, "STATUS_SUCCESS", "RUNNING"),
            ]
        })
        .collect();
    if let Some(last) = lines.last_mut() {
        last.2 = "COMPLETED";
    }
    lines
}

/// `refused` is the step that was refused, from 0.
fn compensated(refused: usize) -> Vec<Line> {
    let mut lines: Vec<Line> = completed().into_iter().take(2 * refused + 1).collect();
    lines.extend(STEPS.get(refused).map(|step| (*step, "STATUS_FAILED", "COMPENSATING")));
    lines.extend(
        STEPS[..refused]
            .iter()
            .rev()
            .map(|step| (*step, "STATUS_ROLLBACKED", "COMPENSATING")),
    );
    if let Some(last) = lines.last_mut() {
        last.2 = "COMPENSATED";
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data((step, status, saga): Line) -> Data {
        let reason = (status == "STATUS_FAILED").then(|| "insufficient_inventory".to_owned());
        Data {
            purchase_id: 1,
            step: step.into(),
            status: status.into(),
            saga: saga.into(),
            reason,
            timestamp: 0,
        }
    }

    fn ledger(lines: &[Line]) -> Ledger {
        let mut ledger = Ledger::default();
        ledger.start(1, &Cart::new());
        for (id, line) in (1..).zip(lines) {
            ledger.tell(Told { id, data: data(*line) });
        }
        ledger
    }

    #[test]
    fn the_contract_s_sequences_are_in_order_and_no_others() {
        for good in [completed(), compensated(0), compensated(1), compensated(2)] {
            assert_eq!(ledger(&good).faults(), Vec::<String>::new(), "{good:?}");
            for missing in 0..good.len() {
                let mut bad = good.clone();
                bad.remove(missing);
                assert!(!ledger(&bad).faults().is_empty(), "{bad:?}");
            }
            for doubled in 0..good.len() {
                let mut bad = good.clone();
                bad.insert(doubled, good[doubled]);
                assert!(!ledger(&bad).faults().is_empty(), "{bad:?}");
            }
        }
    }

    #[test]
    fn a_lost_event_a_lost_purchase_and_one_too_many_are_noticed() {
        let mut lost = ledger(&completed());
        lost.start(2, &Cart::new());
        assert_eq!(lost.faults(), ["purchase 2 has not ended"]);
        let mut strange = ledger(&completed());
        strange.started.clear();
        assert_eq!(strange.faults().len(), 1);
        strange.maybe = 1;
        assert_eq!(strange.faults().len(), 0);
        strange.tell(Told {
            id: 9,
            data: data(completed()[0]),
        });
        assert!(strange.faults()[0].contains("event 9 came after event 6"));
    }
}
