//! A step as wasmtime alone runs it, for `dispatch` to hold the host against: no limits, no grants, no
//! deadlines but the engine's. Whatever the step does not call is a trap.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow};
use skald_host::engine;
use skald_saga::Digest;
use skald_store::fence::{Guest, GuestAnswer, StepSession};
use skald_store::sql::Session as _;
use wasmtime::Store;
use wasmtime::component::{Component, HasSelf, InstancePre, Linker, Resource};

use crate::dispatch::{INPUT, STEP, Timed, unasked};

mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit",
        inline: "
            package bench:raw;
            world raw {
                import skald:sql/database@0.1.0;
                export skald:saga/step@0.1.0;
            }
        ",
        world: "bench:raw/raw",
    });
}

use bindings::exports::skald::saga::step;
use bindings::skald::identity::principals::Principal;
use bindings::skald::saga::calls::{Context, Direction};
use bindings::skald::sql::database as sql;

/// The component as wasmtime alone runs it: whatever the step does not call is a trap.
pub struct Raw {
    component: InstancePre<Lent>,
    step: step::GuestIndices,
}

/// The data of a raw store: the transaction while a call lasts.
#[derive(Default)]
struct Lent(Option<StepSession>);

/// An instance, ready to be called.
type Instance = (Store<Lent>, step::Guest);

/// The instance that the calls of a group share.
#[derive(Clone, Default)]
pub struct Kept(Arc<Mutex<Option<Instance>>>);

impl Kept {
    fn swap(&self, with: Option<Instance>) -> Option<Instance> {
        std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), with)
    }
}

impl Raw {
    /// Compiles it.
    pub fn load(wasm: &Path) -> Result<Self> {
        let engine = engine::start().map_err(|error| anyhow!("{error:#}"))?;
        let load = || -> wasmtime::Result<Self> {
            let component = Component::from_file(&engine, wasm)?;
            let mut linker = Linker::new(&engine);
            sql::add_to_linker::<_, HasSelf<_>>(&mut linker, |lent: &mut Lent| lent)?;
            linker.define_unknown_imports_as_traps(&component)?;
            let component = linker.instantiate_pre(&component)?;
            let step = step::GuestIndices::new(&component)?;
            Ok(Self { component, step })
        };
        load()
            .map_err(|error| anyhow!("{error:#}"))
            .with_context(|| format!("failed to load {}", wasm.display()))
    }

    fn instance(&self) -> wasmtime::Result<Instance> {
        let mut store = Store::new(self.component.engine(), Lent::default());
        store.set_epoch_deadline(5_000);
        let instance = self.component.instantiate(&mut store)?;
        let guest = self.step.load(&mut store, &instance)?;
        Ok((store, guest))
    }
}

/// Through wasmtime alone.
pub struct Theirs {
    raw: Arc<Raw>,
    saga: u64,
    kept: Option<Kept>,
    took: f64,
}

impl Timed for Theirs {
    fn took(&self) -> f64 {
        self.took
    }
}

impl Theirs {
    /// A call for this saga; with `kept` on an instance that others share.
    pub fn new(raw: Arc<Raw>, saga: u64, kept: Option<Kept>) -> Self {
        Self {
            raw,
            saga,
            kept,
            took: 0.0,
        }
    }

    fn call(&self, session: StepSession) -> (StepSession, wasmtime::Result<String>) {
        let kept = self.kept.as_ref().and_then(|kept| kept.swap(None));
        let (mut store, guest) = match kept.map_or_else(|| self.raw.instance(), Ok) {
            Ok(instance) => instance,
            Err(error) => return (session, Err(error)),
        };
        store.data_mut().0 = Some(session);
        let context = Context {
            saga_id: self.saga,
            saga: "purchase".into(),
            step: STEP.into(),
            direction: Direction::Forward,
            attempt: 1,
            deadline_ms: 5_000,
            idempotency_key: format!("{}-1", self.saga),
            principal: Some(Principal {
                subject: "7".into(),
                roles: vec![],
                claims: vec![],
            }),
        };
        let said = guest.call_step(&mut store, &context, &INPUT.to_owned());
        let session = store.data_mut().0.take().expect("it was lent just now");
        let said = said.and_then(|said| said.map_err(|failure| wasmtime::format_err!("{failure:?}")));
        if let (Some(kept), Ok(_)) = (&self.kept, &said) {
            kept.swap(Some((store, guest)));
        }
        (session, said)
    }
}

impl Guest for Theirs {
    fn step(&mut self, session: StepSession) -> (StepSession, GuestAnswer, Digest) {
        let begun = Instant::now();
        let (session, said) = self.call(session);
        self.took = begun.elapsed().as_secs_f64() * 1e6;
        let answer = match said {
            Ok(output) => GuestAnswer::Done(output),
            Err(error) => GuestAnswer::Retry {
                detail: format!("{error:#}"),
                after_ms: None,
            },
        };
        (session, answer, Digest([0; 32]))
    }

    fn compensate(&mut self, session: StepSession, _: Option<Digest>, _: Option<&str>) -> (StepSession, GuestAnswer) {
        (session, unasked())
    }
}

impl bindings::skald::sql::values::Host for Lent {}
impl sql::Host for Lent {}

impl sql::HostConnection for Lent {
    fn open(&mut self, _: String) -> Result<Resource<sql::Connection>, sql::Error> {
        Ok(Resource::new_own(1))
    }

    fn dialect(&mut self, _: Resource<sql::Connection>) -> sql::Dialect {
        sql::Dialect::Sqlite
    }

    fn query(
        &mut self,
        _: Resource<sql::Connection>,
        _: String,
        _: Vec<sql::Value>,
    ) -> Result<sql::ResultSet, sql::Error> {
        Err(sql::Error::Ended)
    }

    fn execute(
        &mut self,
        _: Resource<sql::Connection>,
        statement: String,
        params: Vec<sql::Value>,
    ) -> Result<u32, sql::Error> {
        let session = self.0.as_mut().ok_or(sql::Error::Ended)?;
        let params: Vec<_> = params.iter().map(value).collect();
        session.execute(&statement, &params).map_err(|_| sql::Error::Ended)
    }

    fn begin(&mut self, _: Resource<sql::Connection>) -> Result<Resource<sql::Transaction>, sql::Error> {
        Err(sql::Error::Ended)
    }

    fn drop(&mut self, _: Resource<sql::Connection>) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl sql::HostTransaction for Lent {
    fn query(
        &mut self,
        _: Resource<sql::Transaction>,
        _: String,
        _: Vec<sql::Value>,
    ) -> Result<sql::ResultSet, sql::Error> {
        Err(sql::Error::Ended)
    }

    fn execute(&mut self, _: Resource<sql::Transaction>, _: String, _: Vec<sql::Value>) -> Result<u32, sql::Error> {
        Err(sql::Error::Ended)
    }

    fn commit(&mut self, _: Resource<sql::Transaction>) -> Result<(), sql::Error> {
        Err(sql::Error::Ended)
    }

    fn drop(&mut self, _: Resource<sql::Transaction>) -> wasmtime::Result<()> {
        Ok(())
    }
}

/// The order component has numbers only.
fn value(value: &sql::Value) -> skald_store::sql::Value {
    match value {
        sql::Value::Integer(number) => skald_store::sql::Value::Integer(*number),
        _ => skald_store::sql::Value::Null,
    }
}
