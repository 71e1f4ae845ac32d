//! What wit-bindgen makes of `wit/`: the capabilities once, and each role that a component may take
//! in a module of its own, so that a component exports the roles it names and no others.
//!
//! The roles share the types of the capabilities. Authors see neither: the modules beside this one
//! show the same items under shorter names.

/// Everything that a component may import. Only what it calls ends up in it.
pub mod capabilities {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "
            package skald:sdk;
            world capabilities {
                include skald:worlds/capabilities@0.1.0;
                import skald:saga/calls@0.1.0;
                import wasi:config/store@0.2.0-rc.1;
            }
        ",
        generate_all,
    });
}

/// A module with the bindings of one exported interface, the macro that exports it, and what it
/// shares with the capabilities.
macro_rules! role {
    ($(#[$doc:meta])* $name:ident, $module:tt, $macro:tt, $world:tt, $($interface:tt: $shared:path),*) => {
        $(#[$doc])*
        pub mod $name {
            wit_bindgen::generate!({
                path: "../wit",
                inline: $world,
                with: { $($interface: $shared),* },
                pub_export_macro: true,
                export_macro_name: $macro,
                default_bindings_module: $module,
            });
        }
    };
}

role!(
    /// The role of a step and its compensation.
    step,
    "$crate::bindings::step",
    "export_step",
    "package skald:sdk; world step { export skald:saga/step@0.1.0; }",
    "skald:identity/principals@0.1.0": crate::bindings::capabilities::skald::identity::principals,
    "skald:saga/calls@0.1.0": crate::bindings::capabilities::skald::saga::calls
);

role!(
    /// The role of the gate before a saga.
    admission,
    "$crate::bindings::admission",
    "export_admission",
    "package skald:sdk; world admission { export skald:saga/admission@0.1.0; }",
    "skald:identity/principals@0.1.0": crate::bindings::capabilities::skald::identity::principals,
    "skald:saga/calls@0.1.0": crate::bindings::capabilities::skald::saga::calls
);

role!(
    /// The role of a component that owns tables.
    migrations,
    "$crate::bindings::migrations",
    "export_migrations",
    "package skald:sdk; world migrations { export skald:schema/migrations@0.1.0; }",
    "skald:sql/values@0.1.0": crate::bindings::capabilities::skald::sql::values
);

role!(
    /// The role of the component that knows the customers.
    authenticator,
    "$crate::bindings::authenticator",
    "export_authenticator",
    "package skald:sdk; world authenticator { export skald:identity/authenticator@0.1.0; }",
    "skald:identity/principals@0.1.0": crate::bindings::capabilities::skald::identity::principals
);

role!(
    /// The role of a listener.
    subscriber,
    "$crate::bindings::subscriber",
    "export_subscriber",
    "package skald:sdk; world subscriber { export skald:events/subscriber@0.1.0; }",
);
