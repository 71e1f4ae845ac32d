//! Passwords, hashed slowly on purpose, and only so many at a time.
//!
//! It blocks: it is called on threads that run components, never on one that serves others.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error as PhcError, PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};

/// What OWASP recommends for argon2id (Password Storage Cheat Sheet): 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// How many wait for each one that hashes. A hash takes some 20 ms, so the last one waits for
/// less than a second.
const QUEUE: usize = 32;

/// The longest wait for one's turn.
const PATIENCE: Duration = Duration::from_secs(2);

/// The most bytes of a password: more is no password, but work for nothing.
const MAX_PASSWORD: usize = 4096;

/// Hashes and verifies passwords.
pub struct Hasher {
    argon2: Argon2<'static>,
    /// What a password is compared with when there is no customer: it takes as long.
    dummy: String,
    parallel: usize,
    turn: Mutex<Turn>,
    freed: Condvar,
}

#[derive(Default)]
struct Turn {
    working: usize,
    waiting: usize,
}

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Error {
    Overloaded,
    Garbled(String),
}

impl Hasher {
    /// A hasher that does so many at a time. Each takes 19 MiB of memory and a core.
    pub fn new(parallel: usize) -> Self {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("the parameters are within the bounds");
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let dummy = hash(&argon2, "nobody").expect("a short password can be hashed");
        Self {
            argon2,
            dummy,
            parallel: parallel.max(1),
            turn: Mutex::default(),
            freed: Condvar::new(),
        }
    }

    pub(super) fn hash(&self, password: &str, deadline: Instant) -> Result<String, Error> {
        let _turn = self.enter(deadline)?;
        hash(&self.argon2, password)
    }

    /// It takes as long for a wrong password, and for a customer who isn't there.
    pub(super) fn verify(&self, password: &str, hash: Option<&str>, deadline: Instant) -> Result<bool, Error> {
        let parsed = PasswordHash::new(hash.unwrap_or(&self.dummy)).map_err(|error| garbled(&error))?;
        let _turn = self.enter(deadline)?;
        let password = &password.as_bytes()[..password.len().min(MAX_PASSWORD)];
        match self.argon2.verify_password(password, &parsed) {
            Ok(()) => Ok(hash.is_some()),
            Err(PhcError::PasswordInvalid) => Ok(false),
            Err(error) => Err(garbled(&error)),
        }
    }

    /// Waits for a turn, unless too many wait already.
    fn enter(&self, deadline: Instant) -> Result<Entered<'_>, Error> {
        let mut turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if turn.working >= self.parallel {
            if turn.waiting >= self.parallel * QUEUE {
                return Err(Error::Overloaded);
            }
            let patience = PATIENCE.min(deadline.saturating_duration_since(Instant::now()));
            turn.waiting += 1;
            let waited = self
                .freed
                .wait_timeout_while(turn, patience, |turn| turn.working >= self.parallel);
            turn = waited.unwrap_or_else(PoisonError::into_inner).0;
            turn.waiting -= 1;
            if turn.working >= self.parallel {
                return Err(Error::Overloaded);
            }
        }
        turn.working += 1;
        Ok(Entered(self))
    }
}

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hasher")
            .field("parallel", &self.parallel)
            .finish_non_exhaustive()
    }
}

/// A turn; it ends when this is dropped.
#[derive(Debug)]
struct Entered<'h>(&'h Hasher);

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.turn.lock().unwrap_or_else(PoisonError::into_inner).working -= 1;
        self.0.freed.notify_one();
    }
}

fn hash(argon2: &Argon2<'_>, password: &str) -> Result<String, Error> {
    if password.len() > MAX_PASSWORD {
        return Err(Error::Garbled(format!("a password may have {MAX_PASSWORD} bytes")));
    }
    argon2
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| garbled(&error))
}

fn garbled(error: &dyn std::fmt::Display) -> Error {
    Error::Garbled(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_mins(1)
    }

    #[test]
    fn a_hash_verifies_its_own_password_only() {
        let hasher = Hasher::new(1);
        let hash = hasher.hash("correct horse", soon()).expect("hashed");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!(hasher.verify("correct horse", Some(&hash), soon()), Ok(true));
        assert_eq!(hasher.verify("battery staple", Some(&hash), soon()), Ok(false));
        assert_eq!(
            hasher.verify("nobody", None, soon()),
            Ok(false),
            "nobody's password is never right"
        );
        assert!(matches!(
            hasher.verify("x", Some("rubbish"), soon()),
            Err(Error::Garbled(_))
        ));
    }

    #[test]
    fn who_would_wait_beyond_the_deadline_or_the_queue_is_turned_away() {
        let hasher = Hasher::new(1);
        let _held = hasher.enter(soon()).expect("the first gets in");
        assert_eq!(hasher.hash("x", Instant::now()), Err(Error::Overloaded));
        hasher.turn.lock().expect("not poisoned").waiting = QUEUE;
        assert_eq!(hasher.hash("x", soon()), Err(Error::Overloaded));
    }
}
