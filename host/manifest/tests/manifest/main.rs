//! The manifest, from the outside: what is right, what is wrong, and in which words.

mod base;

mod keys;
mod values;

mod components;
mod routes;
mod sagas;
mod secrets;

mod shop;
mod whole;
