//! SQL, opened by the label that the manifest grants.
//!
//! Within a step, the step's database is the step's transaction, and any other granted one can only
//! be read: what is written elsewhere would escape the fence. Outside steps each statement stands
//! alone. A component that is called from a step may only read.
//!
//! No address, no password and no driver is known here: statements go through
//! [`Session`].

mod value;
mod work;

use std::sync::Arc;
use std::time::Instant;

use skald_store::sql::{Error, Limits, Mark, Session};
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};

use super::bindings::skald::sql::{database, values};
use work::Place;

pub use values::Dialect;
pub use work::Work;

/// The interface that this module offers.
pub const INTERFACE: &str = "skald:sql/database";

/// Opens databases for calls outside steps. The composition root knows where they are.
pub trait Databases: Send + Sync {
    /// Which SQL the database speaks.
    fn dialect(&self, label: &str) -> Dialect;

    /// A session for one call of one component.
    ///
    /// # Errors
    /// When the database can't be had: [`Error::Unreachable`].
    fn open(&self, label: &str, access: Access) -> Result<Box<dyn Session>, Error>;
}

/// What a session outside a step is for.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    /// Nothing can be changed.
    pub read_only: bool,
    /// When the call ends, and with it whatever statement still runs.
    pub deadline: Instant,
    /// The bounds of one statement.
    pub limits: Limits,
}

/// What the manifest grants.
#[derive(Clone, Debug, Default)]
pub struct Grant {
    /// The labels. The first is the one whose outbox takes the component's events.
    pub labels: Vec<Arc<str>>,
    /// The bounds of one statement.
    pub limits: Limits,
}

impl Grant {
    fn find(&self, label: &str) -> Result<&Arc<str>, Error> {
        self.labels.iter().find(|granted| ***granted == *label).ok_or_else(|| {
            Error::Ungranted(format!(
                "the database {label:?}: add it to `databases` of this component in the manifest"
            ))
        })
    }
}

/// A database that a component has opened.
pub struct Connection(Place);

/// A transaction that a component has begun.
pub struct Transaction {
    place: Place,
    mark: Mark,
}

/// What one call lends to this capability.
pub struct View<'a> {
    pub(crate) table: &'a mut ResourceTable,
    pub(crate) work: &'a mut Work,
    pub(crate) grant: &'a Grant,
    pub(crate) databases: &'a dyn Databases,
}

struct Has;

impl HasData for Has {
    type Data<'a> = View<'a>;
}

/// Offers the interface to components.
///
/// # Errors
/// When the linker has it already.
pub fn link<T: 'static>(linker: &mut Linker<T>, view: fn(&mut T) -> View<'_>) -> wasmtime::Result<()> {
    database::add_to_linker::<T, Has>(linker, view)
}

/// What a component gets: an answer, or an error that it can handle.
type Answer<T> = wasmtime::Result<Result<T, values::Error>>;

impl values::Host for View<'_> {}
impl database::Host for View<'_> {}

impl database::HostConnection for View<'_> {
    fn open(&mut self, label: String) -> Answer<Resource<Connection>> {
        let found = self.grant.find(&label);
        match found.and_then(|label| self.work.open(label, self.grant.limits, self.databases)) {
            Ok(place) => Ok(Ok(self.table.push(Connection(place))?)),
            Err(error) => Ok(Err(error.into())),
        }
    }

    fn dialect(&mut self, this: Resource<Connection>) -> wasmtime::Result<Dialect> {
        let place = self.table.get(&this)?.0;
        Ok(self.databases.dialect(self.work.label(place)))
    }

    fn query(
        &mut self,
        this: Resource<Connection>,
        statement: String,
        params: Vec<values::Value>,
    ) -> Answer<values::ResultSet> {
        let place = self.table.get(&this)?.0;
        Ok(self.work.query(place, None, &statement, params, self.grant.limits))
    }

    fn execute(&mut self, this: Resource<Connection>, statement: String, params: Vec<values::Value>) -> Answer<u32> {
        let place = self.table.get(&this)?.0;
        Ok(self.work.execute(place, None, &statement, params))
    }

    fn begin(&mut self, this: Resource<Connection>) -> Answer<Resource<Transaction>> {
        let place = self.table.get(&this)?.0;
        match self.work.begin(place) {
            Ok(mark) => Ok(Ok(self.table.push(Transaction { place, mark })?)),
            Err(error) => Ok(Err(error.into())),
        }
    }

    fn drop(&mut self, this: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl database::HostTransaction for View<'_> {
    fn query(
        &mut self,
        this: Resource<Transaction>,
        statement: String,
        params: Vec<values::Value>,
    ) -> Answer<values::ResultSet> {
        let &Transaction { place, mark } = self.table.get(&this)?;
        Ok(self
            .work
            .query(place, Some(mark), &statement, params, self.grant.limits))
    }

    fn execute(&mut self, this: Resource<Transaction>, statement: String, params: Vec<values::Value>) -> Answer<u32> {
        let &Transaction { place, mark } = self.table.get(&this)?;
        Ok(self.work.execute(place, Some(mark), &statement, params))
    }

    fn commit(&mut self, this: Resource<Transaction>) -> Answer<()> {
        let &Transaction { place, mark } = self.table.get(&this)?;
        Ok(self.work.commit(place, mark).map_err(Into::into))
    }

    fn drop(&mut self, this: Resource<Transaction>) -> wasmtime::Result<()> {
        let Transaction { place, mark } = self.table.delete(this)?;
        self.work.rollback(place, mark);
        Ok(())
    }
}
