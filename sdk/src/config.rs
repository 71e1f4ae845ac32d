//! Settings that the manifest gives to the component.

pub use crate::bindings::capabilities::wasi::config::store::{Error, get};

use std::fmt::Display;
use std::str::FromStr;

/// The setting of this name, or `default` when the manifest doesn't give it. A setting that can't be
/// read as a `T` is an error that quotes it, and says what is wrong with it.
pub fn get_or<T: FromStr<Err: Display>>(name: &str, default: T) -> Result<T, Error> {
    match get(name)? {
        None => Ok(default),
        Some(text) => text
            .parse()
            .map_err(|why| Error::Upstream(format!("the setting `{name}` is `{text}`, but: {why}"))),
    }
}
