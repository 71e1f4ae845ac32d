//! The bound on an instance's memory.

use wasmtime::ResourceLimiter;

/// The most elements of a table; the largest known guest has 7,773.
const MAX_ELEMENTS: usize = 20_000;

/// Adds up the linear memories of one instance. A memory that may not grow tells the component so,
/// and most languages give up then; the failure is told by its cause all the same.
#[derive(Debug)]
pub(super) struct Memory {
    limit: usize,
    used: usize,
    refused: bool,
}

impl Memory {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            used: 0,
            refused: false,
        }
    }

    /// The same instance begins another call, with the memory that it has.
    pub(super) fn begin(&mut self) {
        self.refused = false;
    }

    /// The bound, if the instance wanted more.
    pub(super) fn refused(&self) -> Option<usize> {
        self.refused.then_some(self.limit)
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let used = self.used.saturating_add(desired.saturating_sub(current));
        if used > self.limit {
            self.refused = true;
            return Ok(false);
        }
        self.used = used;
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= MAX_ELEMENTS)
    }
}
