//! What `bindgen!` makes of `wit/`: a trait for every interface that the host offers, and a way to
//! call every interface that a component may export. Nothing here is written by hand.
//!
//! Each interface is linked by the module of its capability; there is no other use of the
//! `add_to_linker` functions in here.

wasmtime::component::bindgen!({
    path: "../wit",
    inline: "
        package skald:host@0.1.0;
        world host {
            include skald:worlds/capabilities@0.1.0;
            include skald:worlds/roles@0.1.0;
        }
    ",
    world: "skald:host/host",
    imports: { default: trappable },
    with: {
        "skald:sql/database.connection": crate::capability::sql::Connection,
        "skald:sql/database.transaction": crate::capability::sql::Transaction,
        "skald:cache/buckets.bucket": crate::capability::cache::Bucket,
        "skald:cache/buckets.lease": crate::capability::cache::Lease,
        "skald:cache/locks.lock": crate::capability::cache::Lock,
        "skald:cache/filters.filter": crate::capability::cache::Filter,
        "skald:trace/spans.span": crate::capability::trace::Span,
    },
});
