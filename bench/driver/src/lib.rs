//! The shop from the outside: a client that drives load, keeps a ledger of its own, and kills the host.
//!
//! Nothing here is shared with the host: what it says is checked against what this client asked for and
//! was told. It knows the shop's public contract and the program's command line, and no more.
//!
//! ```text
//! process  the real program: start, kill, start again
//! http     one connection            sse   one stream of results
//! shop     the contract's requests
//! ledger   what was asked, answered and told; what must be true in the end
//! chaos    rounds of load and SIGKILL over all of it
//! ```

pub mod dice;
pub mod process;

pub mod http;
pub mod sse;

pub mod shop;

pub mod ledger;

pub mod chaos;
