//! Values, leases, locks and filters.

use crate::told;
use serde::Deserialize;
use serde_json::{Value, json};
use skald_sdk::cache::{Bucket, Error, Filter, Lookup, acquire};

/// An operation on what is shared between calls.
#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub enum Op {
    Get {
        bucket: String,
        key: String,
    },
    Set {
        bucket: String,
        key: String,
        value: String,
        ttl: u32,
    },
    Delete {
        bucket: String,
        key: String,
    },
    /// With a lease it does `script` and then supplies the value.
    Fetch {
        bucket: String,
        key: String,
        wait: u32,
        value: String,
        ttl: u32,
        script: Vec<crate::Op>,
    },
    /// While it has the lock it does `script`, and then renews it.
    Lock {
        name: String,
        ttl: u32,
        wait: u32,
        script: Vec<crate::Op>,
    },
    Add {
        filter: String,
        item: String,
    },
    Remove {
        filter: String,
        item: String,
    },
    Contains {
        filter: String,
        items: Vec<String>,
    },
}

/// Does it.
pub fn run(op: &Op) -> Value {
    told(attempt(op))
}

fn attempt(op: &Op) -> Result<Value, Error> {
    match op {
        Op::Get { bucket, key } => Ok(text(Bucket::open(bucket)?.get(key)?)),
        Op::Set {
            bucket,
            key,
            value,
            ttl,
        } => {
            Bucket::open(bucket)?.set(key, value.as_bytes(), *ttl)?;
            Ok("set".into())
        }
        Op::Delete { bucket, key } => {
            Bucket::open(bucket)?.delete(key)?;
            Ok("deleted".into())
        }
        Op::Fetch {
            bucket,
            key,
            wait,
            value,
            ttl,
            script,
        } => match Bucket::open(bucket)?.fetch(key, *wait)? {
            Lookup::Hit(found) => Ok(json!({ "hit": text(Some(found)) })),
            Lookup::Stale(found) => Ok(json!({ "stale": text(Some(found)) })),
            Lookup::Miss(lease) => {
                let done = crate::run(script);
                let filled = told(lease.fill(value.as_bytes(), *ttl).map(|()| value.clone()));
                Ok(json!({ "filled": filled, "script": done }))
            }
        },
        Op::Lock {
            name,
            ttl,
            wait,
            script,
        } => {
            let Some(lock) = acquire(name, *ttl, *wait)? else {
                return Ok(Value::Null);
            };
            let done = crate::run(script);
            let renewed = told(lock.renew(*ttl).map(|()| "renewed"));
            Ok(json!({ "token": lock.fencing_token(), "script": done, "renew": renewed }))
        }
        Op::Add { filter, item } => {
            Filter::open(filter)?.add(item)?;
            Ok("added".into())
        }
        Op::Remove { filter, item } => {
            Filter::open(filter)?.remove(item)?;
            Ok("removed".into())
        }
        Op::Contains { filter, items } => Ok(Filter::open(filter)?.contains(items)?.into()),
    }
}

fn text(value: Option<Vec<u8>>) -> Value {
    value.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).into()
}
