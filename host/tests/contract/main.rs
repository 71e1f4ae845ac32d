//! The shop's public API, sentence by sentence, asked of the real program with the real components.
//!
//! | file | what of the contract |
//! |---|---|
//! | `account` | sign-up, log-in, refresh, the customer's data |
//! | `tokens` | every way in which a token can be wrong |
//! | `product` | products, and what a body may be |
//! | `purchase` | purchases, orders, payments |
//! | `http` | what it leaves to HTTP |
//! | `wire` | the same, below what client libraries let one say |
//! | `openapi` | the description of it, against real answers |
//! | `browser` | the page to try it, in a real browser |
//! | `operator` | what a customer sees of an operator's doings |
//! | `tour` | the README's commands |
//! | `page` | `docs/contract-tests.md`, which lists all of this by sentence |
//! | `stream` | the result stream: exact events for every way a purchase can end |
//! | `restart` | what components find after a kill: their events, and filters that deny nothing wrongly |
//! | `isolation` | purchases while another component misbehaves |
//! | `mounted` | a component from elsewhere behind a route |
//! | `resume` | what a client gets that comes back |

#[path = "../common/mod.rs"]
mod common;

mod account;
mod browser;
mod http;
mod isolation;
mod mounted;
mod openapi;
mod operator;
mod page;
mod product;
mod purchase;
mod restart;
mod resume;
mod stream;
mod tokens;
mod tour;
mod wire;
