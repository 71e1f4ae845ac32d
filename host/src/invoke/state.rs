//! What a store holds for one call: the call's session, what it may use, and what it has used.
//!
//! It is made for every step, so it is cheap: what most calls don't need (WASI, an output) is made
//! when it is first asked for.

use std::sync::Arc;
use std::time::Instant;

use skald_manifest::{Instances, Limits};
use skald_saga::Digest;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_config::WasiConfig;
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::counts::Counts;
use super::memory::Memory;
use crate::capability::config::Settings;
use crate::capability::http::Outgoing;
use crate::capability::output::{Origin, Output};
use crate::capability::sql::Work;
use crate::capability::trace::Spans;
use crate::capability::{Backends, Grants, Lend};
use crate::capability::{cache, events, identity, ids, logging, sql, trace, wasi};

/// The most handles that a component holds at the same time, of everything that the host gives out.
const MAX_HANDLES: usize = 10_000;

/// What all calls of one version share.
pub struct Profile {
    /// The component's name in the manifest.
    pub component: Arc<str>,
    /// The digest of its artifact.
    pub digest: Digest,
    /// What it is granted.
    pub grants: Grants,
    /// Its settings.
    pub settings: Settings,
    /// Its limits.
    pub limits: Limits,
    /// Whether steps share an instance.
    pub instances: Instances,
    /// What its capabilities reach out to.
    pub backends: Backends,
    /// Where its log lines say that they come from.
    pub origin: Origin,
    /// How often it was called, and how that failed.
    pub counts: Counts,
}

/// Whose call it is, and how long it may take.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    pub(super) origin: Origin,
    pub(super) began: Instant,
    pub(super) deadline: Instant,
    /// How many components have called one another to get here.
    pub(super) depth: u8,
}

/// The data of a store.
pub struct State {
    pub(super) profile: Arc<Profile>,
    pub(super) scope: Scope,
    pub(super) work: Work,
    pub(super) memory: Memory,
    table: ResourceTable,
    spans: Spans,
    output: Option<Output>,
    wasi: Option<Box<WasiCtx>>,
    http: WasiHttpCtx,
    outgoing: Outgoing,
}

impl State {
    pub(super) fn new(profile: &Arc<Profile>, scope: Scope, work: Work) -> Self {
        profile.counts.call();
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_HANDLES);
        Self {
            memory: Memory::new(profile.limits.memory),
            outgoing: Outgoing {
                hosts: profile.grants.http.clone(),
                deadline: scope.deadline,
            },
            profile: profile.clone(),
            scope,
            work,
            table,
            spans: Spans::default(),
            output: None,
            wasi: None,
            http: WasiHttpCtx::new(),
        }
    }

    /// The same instance begins another call.
    pub(super) fn begin(&mut self, scope: Scope, work: Work) {
        if let Some(output) = &self.output {
            output.begin(scope.origin.clone(), self.profile.limits.log_bytes_per_call);
        }
        self.profile.counts.call();
        self.memory.begin();
        self.outgoing.deadline = scope.deadline;
        (self.scope, self.work) = (scope, work);
    }

    /// The call has ended. What it printed last is returned: after a trap it says why.
    pub(super) fn end(&mut self) -> String {
        self.spans.end();
        self.output.as_ref().map(Output::end).unwrap_or_default()
    }

    /// Whether the component has let go of everything that the call lent it.
    pub(super) fn is_clean(&self) -> bool {
        self.table.is_empty()
    }

    fn output(&mut self) -> &mut Output {
        let Self {
            output, scope, profile, ..
        } = self;
        output.get_or_insert_with(|| Output::new(scope.origin.clone(), profile.limits.log_bytes_per_call))
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        if self.wasi.is_none() {
            let context = wasi::context(self.output());
            self.wasi = Some(Box::new(context));
        }
        let ctx = self.wasi.as_mut().expect("it was made just now");
        WasiCtxView {
            ctx,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.outgoing,
        }
    }
}

impl Lend for State {
    fn sql(&mut self) -> sql::View<'_> {
        sql::View {
            table: &mut self.table,
            work: &mut self.work,
            grant: &self.profile.grants.sql,
            databases: &*self.profile.backends.databases,
        }
    }

    fn events(&mut self) -> events::View<'_> {
        events::View {
            work: &mut self.work,
            topics: &self.profile.grants.events,
            sql: &self.profile.grants.sql,
            databases: &*self.profile.backends.databases,
        }
    }

    fn cache(&mut self) -> cache::View<'_> {
        cache::View {
            table: &mut self.table,
            work: &mut self.work,
            grant: &self.profile.grants.cache,
            cache: &self.profile.backends.cache,
            began: self.scope.began,
            deadline: self.scope.deadline,
        }
    }

    fn identity(&mut self) -> identity::View<'_> {
        identity::View {
            grant: &self.profile.grants.identity,
            hasher: &self.profile.backends.hasher,
            deadline: self.scope.deadline,
        }
    }

    fn ids(&mut self) -> ids::View<'_> {
        ids::View(&self.profile.backends.ids)
    }

    fn trace(&mut self) -> trace::View<'_> {
        trace::View {
            table: &mut self.table,
            spans: &mut self.spans,
            origin: &self.scope.origin,
        }
    }

    fn logging(&mut self) -> logging::View<'_> {
        logging::View(self.output())
    }

    fn config(&mut self) -> WasiConfig<'_> {
        WasiConfig::from(&self.profile.settings)
    }

    fn waiting(&mut self) -> wasi::View<'_> {
        wasi::View {
            table: &mut self.table,
            deadline: self.scope.deadline,
        }
    }
}
