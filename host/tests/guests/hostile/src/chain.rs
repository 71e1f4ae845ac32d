//! A component that calls its twin, which calls it, and so on.

mod bindings {
    wit_bindgen::generate!({
        inline: "
            package test:hostile@0.1.0;
            interface link { down: func(n: u32) -> u32; }
            world chain { import link; export link; }
        ",
    });
}

use crate::Hostile;

/// How many frames of the stack each call uses up before it calls the next.
const FRAMES: u32 = 2000;

impl bindings::exports::test::hostile::link::Guest for Hostile {
    fn down(n: u32) -> u32 {
        if n == 0 { 1 } else { 1 + sink(n, FRAMES) }
    }
}

fn sink(n: u32, frames: u32) -> u32 {
    if frames == 0 {
        return descend(n - 1);
    }
    std::hint::black_box(sink(n, std::hint::black_box(frames - 1)))
}

/// How many calls deep it got: as many as it was asked for.
pub fn descend(n: u32) -> u32 {
    bindings::test::hostile::link::down(n)
}

#[cfg(target_family = "wasm")]
bindings::export!(Hostile with_types_in bindings);
