//! What every author of a Skald component would write again and again: nothing more.
//!
//! A component is a type without fields that implements the traits of the roles it takes, and one
//! line that exports them:
//!
//! | role | trait | what for |
//! |---|---|---|
//! | `step` | [`saga::Step`] | a step of a saga, and its compensation |
//! | `admission` | [`saga::Admission`] | the gate before a saga |
//! | `migrations` | [`schema::Migrations`] | the tables it owns |
//! | `authenticator` | [`identity::Authenticator`] | it knows the customers |
//! | `subscriber` | [`events::Subscriber`] | it listens to events |
//! | `handler` | [`http::Handler`] | HTTP routes |
//!
//! The traits are those of the contract in `wit/`, and so are the capabilities: `sql::Connection`,
//! `events::publish` and so on are called as they stand there. The crate adds conversions (values,
//! rows, JSON) and lets `?` turn a capability's error into the right answer, see [`Trouble`].
//!
//! `components/payment` is the example to read first.
//!
//! What it must not do: decide anything. It knows no business, opens nothing by itself and keeps
//! nothing between calls.

#[doc(hidden)]
pub mod bindings;
pub mod cache;
pub mod config;
pub mod events;
pub mod http;
pub mod identity;
pub mod json;
pub mod saga;
pub mod schema;
pub mod sql;
pub mod trace;
mod trouble;

pub use trouble::Trouble;

pub use bindings::capabilities::skald::ids::ids;

/// Exports the roles of a component: `skald_sdk::export!(Payment: step, migrations, handler);`.
///
/// Each name stands for the trait that the crate's documentation lists beside it. A component that
/// exports interfaces of its own does so with `wit_bindgen::generate!`, as `components/product` does.
#[macro_export]
macro_rules! export {
    ($component:ident: $($role:ident),+ $(,)?) => {
        $($crate::export_role!($role, $component);)+
    };
}

/// One role of [`export!`].
#[doc(hidden)]
#[macro_export]
macro_rules! export_role {
    (step, $component:ident) => {
        $crate::bindings::step::export_step!($component);
    };
    (admission, $component:ident) => {
        $crate::bindings::admission::export_admission!($component);
    };
    (migrations, $component:ident) => {
        $crate::bindings::migrations::export_migrations!($component);
    };
    (authenticator, $component:ident) => {
        $crate::bindings::authenticator::export_authenticator!($component);
    };
    (subscriber, $component:ident) => {
        $crate::bindings::subscriber::export_subscriber!($component);
    };
    (handler, $component:ident) => {
        const _: () = {
            struct Incoming;

            impl $crate::http::wasi::Guest for Incoming {
                fn handle(request: $crate::http::wasi::IncomingRequest, out: $crate::http::wasi::ResponseOutparam) {
                    $crate::http::wasi::serve::<$component>(request, out);
                }
            }

            $crate::http::wasi::export!(Incoming);
        };
    };
}
