//! The three interfaces, as components call them.

use wasmtime::component::{HasData, Resource};

use super::super::bindings::skald::cache::{buckets, errors, filters, locks};
use super::filters::Addition;
use super::values::{Found, Key, fetch};
use super::{Bucket, Error, Filter, Lease, Lock, View, key, ttl, ungranted, until, value};

pub(super) struct Has;

impl HasData for Has {
    type Data<'a> = View<'a>;
}

/// What a component gets: an answer, or an error that it can handle.
type Answer<T> = wasmtime::Result<Result<T, Error>>;

impl errors::Host for View<'_> {}
impl buckets::Host for View<'_> {}
impl filters::Host for View<'_> {}

impl View<'_> {
    fn key(&self, bucket: &Resource<Bucket>, text: String) -> wasmtime::Result<Result<Key, Error>> {
        let label = self.table.get(bucket)?.0.clone();
        Ok(key(&text).map(|()| (label, text.into())))
    }
}

impl buckets::HostBucket for View<'_> {
    fn open(&mut self, label: String) -> Answer<Resource<Bucket>> {
        match self.grant.buckets.iter().find(|granted| ***granted == *label) {
            Some(label) => Ok(Ok(self.table.push(Bucket(label.clone()))?)),
            None => Ok(Err(ungranted("bucket", &label, "cache"))),
        }
    }

    fn get(&mut self, this: Resource<Bucket>, key: String) -> Answer<Option<Vec<u8>>> {
        let key = self.key(&this, key)?;
        Ok(key.map(|key| {
            self.cache
                .values
                .get(&key, self.cache.clock.now())
                .map(|value| value.to_vec())
        }))
    }

    fn fetch(&mut self, this: Resource<Bucket>, key: String, wait_ms: u32) -> Answer<buckets::Lookup> {
        let key = match self.key(&this, key)? {
            Ok(key) => key,
            Err(error) => return Ok(Err(error)),
        };
        Ok(Ok(match fetch(self.cache, key, until(wait_ms, self.deadline)) {
            Found::Hit(value) => buckets::Lookup::Hit(value.to_vec()),
            Found::Stale(value) => buckets::Lookup::Stale(value.to_vec()),
            Found::Miss(lent) => buckets::Lookup::Miss(self.table.push(Lease(Some(lent)))?),
        }))
    }

    /// Within a step, once its commit is known good.
    fn set(&mut self, this: Resource<Bucket>, key: String, bytes: Vec<u8>, ttl_ms: u32) -> Answer<()> {
        let key = self.key(&this, key)?;
        let checked = key.and_then(|key| value(&bytes).and(ttl(ttl_ms)).map(|ttl| (key, ttl)));
        Ok(checked.map(|(key, ttl)| {
            let cache = self.cache.clone();
            let set = move || cache.values.set(key, bytes, ttl, cache.clock.now());
            match self.work.step() {
                None => set(),
                Some(step) => step.after_commit(Box::new(move |known| {
                    if known {
                        set();
                    }
                })),
            }
        }))
    }

    /// Within a step, once it may have committed: to forget too much is harmless.
    fn delete(&mut self, this: Resource<Bucket>, key: String) -> Answer<()> {
        let key = self.key(&this, key)?;
        Ok(key.map(|key| {
            let cache = self.cache.clone();
            match self.work.step() {
                None => cache.values.delete(&key),
                Some(step) => step.after_commit(Box::new(move |_| cache.values.delete(&key))),
            }
        }))
    }

    fn drop(&mut self, this: Resource<Bucket>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl buckets::HostLease for View<'_> {
    /// Within a step, once its commit is known good: until then the value may rest on what is rolled
    /// back. If it is, the lease is handed on.
    fn fill(&mut self, this: Resource<Lease>, bytes: Vec<u8>, ttl_ms: u32) -> Answer<()> {
        let ttl = match value(&bytes).and(ttl(ttl_ms)) {
            Ok(ttl) => ttl,
            Err(error) => return Ok(Err(error)),
        };
        let Some(lent) = self.table.get_mut(&this)?.0.take() else {
            return Ok(Err(Error::Lost));
        };
        let mine = match self.work.step() {
            None => lent.fill(bytes, ttl),
            Some(step) => {
                let mine = lent.is_mine();
                step.after_commit(Box::new(move |known| {
                    if known {
                        lent.fill(bytes, ttl);
                    }
                }));
                mine
            }
        };
        Ok(if mine { Ok(()) } else { Err(Error::Lost) })
    }

    fn drop(&mut self, this: Resource<Lease>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl locks::Host for View<'_> {
    fn acquire(&mut self, name: String, ttl_ms: u32, wait_ms: u32) -> Answer<Option<Resource<Lock>>> {
        if !self.grant.locks {
            return Ok(Err(ungranted("lock", &name, "locks")));
        }
        let taken = key(&name)
            .and(ttl(ttl_ms))
            .and_then(|ttl| super::locks::acquire(self.cache, &name, ttl, until(wait_ms, self.deadline)));
        Ok(match taken {
            Ok(Some(held)) => Ok(Some(self.table.push(Lock(held))?)),
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        })
    }
}

impl locks::HostLock for View<'_> {
    fn fencing_token(&mut self, this: Resource<Lock>) -> wasmtime::Result<u64> {
        Ok(self.table.get(&this)?.0.token)
    }

    fn renew(&mut self, this: Resource<Lock>, ttl_ms: u32) -> Answer<()> {
        let held = &self.table.get(&this)?.0;
        Ok(ttl(ttl_ms).and_then(|ttl| held.renew(ttl)))
    }

    fn drop(&mut self, this: Resource<Lock>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl filters::HostFilter for View<'_> {
    fn open(&mut self, label: String) -> Answer<Resource<Filter>> {
        let granted = self.grant.filters.iter().any(|granted| **granted == *label);
        match self.cache.filters.get(&label).filter(|_| granted) {
            Some(filter) => Ok(Ok(self.table.push(Filter(filter.clone()))?)),
            None => Ok(Err(ungranted("filter", &label, "filters"))),
        }
    }

    /// At once, also within a step: what is committed must be in it already. A rollback takes it back.
    fn add(&mut self, this: Resource<Filter>, item: String) -> Answer<()> {
        let filter = self.table.get(&this)?.0.clone();
        if let Err(error) = key(&item) {
            return Ok(Err(error));
        }
        if filter.add(&item)
            && let (Ok(()), Some(step)) = (filter.check_removal(), self.work.step())
        {
            let mut addition = Addition::new(filter, item);
            step.after_commit(Box::new(move |_| addition.keep()));
        }
        Ok(Ok(()))
    }

    /// Within a step, once its commit is known good: to keep an item for too long is not wrong.
    fn remove(&mut self, this: Resource<Filter>, item: String) -> Answer<()> {
        let filter = self.table.get(&this)?.0.clone();
        let checked = filter.check_removal().and_then(|()| key(&item));
        let began = self.began;
        Ok(checked.map(|()| match self.work.step() {
            None => filter.remove(&item, began),
            Some(step) => step.after_commit(Box::new(move |known| {
                if known {
                    filter.remove(&item, began);
                }
            })),
        }))
    }

    fn contains(&mut self, this: Resource<Filter>, items: Vec<String>) -> Answer<Vec<bool>> {
        let filter = &self.table.get(&this)?.0;
        Ok(Ok(items.iter().map(|item| filter.contains(item)).collect()))
    }

    fn drop(&mut self, this: Resource<Filter>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}
