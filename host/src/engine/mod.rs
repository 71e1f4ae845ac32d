//! The wasm engine: how components are compiled, how much room their instances have, and the clock
//! that ends those that run too long.
//!
//! It knows nothing of capabilities, components or sagas.

mod cache;
mod ticker;

pub use cache::CodeCache;
pub use ticker::TICK;

use tracing::warn;
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};

/// The address space of one linear memory, in bytes, and thereby the most that a component's
/// `memory` limit can grant.
pub const MEMORY_BYTES: usize = 64 << 20;

/// How many instances there may be at the same time. Sixteen guest threads and a writer for each
/// of five databases, each in calls eight components deep, stay below it.
const INSTANCES: u32 = 256;

/// The core instances and tables of all instances. A component written in Rust has three core
/// instances, one in JavaScript or Python up to forty.
const PARTS: u32 = 2048;

/// The parts of one component: what the largest of the known guest languages needs.
const PARTS_OF_ONE: u32 = 40;

/// The most elements of a table. The largest known guest has 7,773.
const TABLE_ELEMENTS: usize = 20_000;

/// What of a memory or a table is zeroed by hand when its instance ends, instead of being given
/// back to the kernel: the part that nearly every call writes to. One MiB is slower, none as well.
const KEPT_RESIDENT: usize = 64 << 10;

/// The stack of a thread that runs guests, in bytes, and of a fiber that does: room for calls eight
/// components deep, each with half a MiB of wasm stack, and for the host in between.
pub const STACK_BYTES: usize = 8 << 20;

/// Makes the engine and starts its clock. One is enough for a process.
///
/// # Errors
/// When the processor or the kernel lacks what wasmtime needs.
pub fn start() -> wasmtime::Result<wasmtime::Engine> {
    let engine = match wasmtime::Engine::new(&config(true)) {
        Ok(engine) => engine,
        Err(error) => {
            warn!(
                error = format!("{error:#}"),
                "no pool of instances can be had; each call allocates its own"
            );
            wasmtime::Engine::new(&config(false))?
        }
    };
    ticker::start(&engine);
    Ok(engine)
}

/// Both variants compile alike, so that one can load what the other has compiled.
fn config(pooling: bool) -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        // With it on, calls between components were seen to be 50 times slower; our guests need none of it.
        .concurrency_support(false)
        .memory_reservation(MEMORY_BYTES as u64)
        .async_stack_size(STACK_BYTES);
    if pooling {
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool()));
    }
    config
}

fn pool() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(INSTANCES)
        .total_memories(INSTANCES)
        .total_stacks(INSTANCES)
        .total_core_instances(PARTS)
        .total_tables(PARTS)
        .max_core_instances_per_component(PARTS_OF_ONE)
        .max_tables_per_component(PARTS_OF_ONE)
        .max_memory_size(MEMORY_BYTES)
        .table_elements(TABLE_ELEMENTS)
        .pagemap_scan(Enabled::Auto)
        .linear_memory_keep_resident(KEPT_RESIDENT)
        .table_keep_resident(KEPT_RESIDENT);
    pool
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_compiled_with_a_pool_is_loaded_without_one() {
        let pooled = wasmtime::Engine::new(&config(true)).expect("a pool");
        let plain = wasmtime::Engine::new(&config(false)).expect("an engine");
        let wasm = wat::parse_str("(component)").expect("a component's text");
        let code = pooled.precompile_component(&wasm).expect("compiles");
        // SAFETY: the bytes come from an engine of this process.
        unsafe { wasmtime::component::Component::deserialize(&plain, code) }.expect("is compatible");
    }
}
