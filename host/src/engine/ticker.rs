//! The clock behind deadlines.
//!
//! A guest checks a counter, the engine's epoch, at every loop and call; it traps once the counter
//! has passed the number it was given. This thread makes the counter grow.

use std::thread;
use std::time::{Duration, Instant};

/// How long one epoch lasts, and so how exactly a deadline is kept.
pub const TICK: Duration = Duration::from_millis(1);

/// Ticks until the engine is dropped.
pub(super) fn start(engine: &wasmtime::Engine) {
    let engine = engine.weak();
    thread::Builder::new()
        .name("wasm-clock".into())
        .spawn(move || {
            let (start, mut ticks) = (Instant::now(), 0);
            while let Some(engine) = engine.upgrade() {
                // A thread that was kept waiting catches up: deadlines are in real time.
                let due = start.elapsed().as_millis() / TICK.as_millis();
                for _ in ticks..due {
                    engine.increment_epoch();
                }
                ticks = ticks.max(due);
                drop(engine);
                thread::sleep(TICK);
            }
        })
        .expect("a process that has just started can start a thread");
}
