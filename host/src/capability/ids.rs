//! Unique numbers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use skald_saga::id::unique_number;
use wasmtime::component::{HasData, Linker};

use super::bindings::skald::ids::ids;

/// The interface that this module offers. It needs no grant: a number gives nothing away.
pub const INTERFACE: &str = "skald:ids/ids";

/// Gives out numbers that were never given out before: 41 bits of milliseconds and 12 random bits,
/// and always more than the last one, so that none is given twice within a millisecond either.
#[derive(Debug, Default)]
pub struct Ids {
    last: AtomicU64,
}

impl Ids {
    /// The next number: positive, below 2^53.
    pub fn next(&self) -> u64 {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_millis());
        let fresh = unique_number(
            u64::try_from(now).unwrap_or(u64::MAX),
            getrandom::u64().unwrap_or_default(),
        );
        let next = |last: u64| fresh.max(last + 1);
        let last = self
            .last
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(next(last)));
        next(last.unwrap_or_default())
    }
}

/// What one call lends to this capability.
pub struct View<'a>(pub(crate) &'a Ids);

struct Has;

impl HasData for Has {
    type Data<'a> = View<'a>;
}

/// Offers the interface to components.
///
/// # Errors
/// When the linker has it already.
pub fn link<T: 'static>(linker: &mut Linker<T>, view: fn(&mut T) -> View<'_>) -> wasmtime::Result<()> {
    ids::add_to_linker::<T, Has>(linker, view)
}

impl ids::Host for View<'_> {
    fn next(&mut self) -> wasmtime::Result<u64> {
        Ok(self.0.next())
    }
}

#[cfg(test)]
mod tests {
    use super::Ids;

    #[test]
    fn numbers_grow_and_stay_below_2_to_the_53() {
        let ids = Ids::default();
        let numbers: Vec<_> = (0..10_000).map(|_| ids.next()).collect();
        assert!(numbers.is_sorted_by(|one, other| one < other));
        assert!(numbers.iter().all(|number| *number > 0 && *number < 1 << 53));
    }
}
