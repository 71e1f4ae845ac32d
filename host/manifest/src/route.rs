//! A route of the public API: which requests it matches, and where they go.

use std::time::Duration;

/// A route of the public API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The methods that it matches, in upper case; never empty. `GET` matches `HEAD` too.
    pub methods: Vec<String>,
    /// The path that it matches, as axum 0.8 writes it: `/api/order/{id}`, `/files/{*rest}`.
    pub path: String,
    /// Where a request goes.
    pub target: Target,
    /// Who says on whose behalf the request is made; none: it is open to everybody.
    pub auth: Option<Auth>,
    /// How many failures an address or an account may have before it has to wait.
    pub guess_limit: Option<GuessLimit>,
    /// Whether it takes the operator's token. There is such a token whenever this is true.
    pub operator: bool,
    /// How long a request may take; none: as long as [`crate::Server::request_timeout`] says.
    pub timeout: Option<Duration>,
}

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// To the `wasi:http` handler of this component.
    Component(String),
    /// Its body starts this saga.
    Start(String),
    /// It is answered with the events of this saga, as a stream.
    Results(String),
}

/// Who says on whose behalf a request is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Auth {
    /// The component whose `authenticate` export is asked.
    pub component: String,
}

/// How many failures an address or an account may have before it has to wait (429). Only answers
/// of the kind "wrong credentials" count, so nobody is locked out by logging in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuessLimit {
    /// How many failures of an account there may be within the window. Default 10: a person who has forgotten
    /// a password gives up sooner, and at that rate a password of six digits takes a year.
    pub failures: u32,
    /// How many failures of an address there may be within the window. Default 50: an address is
    /// often that of a whole office or provider.
    pub address_failures: u32,
    /// How long a failure counts. Default 5 minutes.
    pub window: Duration,
    /// The field of the JSON body that names the account; none: only addresses are counted.
    pub body_field: Option<String>,
}

impl GuessLimit {
    pub(crate) const FAILURES: u32 = 10;
    pub(crate) const ADDRESS_FAILURES: u32 = 50;
    pub(crate) const WINDOW: Duration = Duration::from_mins(5);
}
