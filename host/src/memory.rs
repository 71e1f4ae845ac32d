//! Giving memory back to the system.
//!
//! Compiling a component takes some 100 MiB for a moment, on the threads that the compiler shares with
//! nobody else. The allocator keeps what each thread has freed for that thread's next use, which in a
//! host that only runs from then on never comes.

/// Returns what is free to the system, that of the compiler's threads too.
pub(crate) fn give_back() {
    rayon::broadcast(|_| collect());
    collect();
}

fn collect() {
    // SAFETY: the function has no preconditions, and looks after the calling thread's own heap. Where
    // another allocator is in use that heap is empty.
    unsafe { libmimalloc_sys::mi_collect(true) }
}
