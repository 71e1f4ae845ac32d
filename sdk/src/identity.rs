//! Who is asking: principals, the component that knows them, passwords and tokens.

pub use crate::bindings::authenticator::exports::skald::identity::authenticator::{
    Credentials, Denial, Guest as Authenticator,
};
pub use crate::bindings::capabilities::skald::identity::principals::Principal;
pub use crate::bindings::capabilities::skald::identity::{passwords, tokens};
