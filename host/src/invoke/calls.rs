//! Calls outside steps, on guest threads: admission, authentication, migrations, events.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, oneshot};
use wasmtime::Store;
use wasmtime::component::Instance;

use super::error::CallError;
use super::state::{Scope, State};
use super::types::{Admitted, Denial, Event, Migration, Principal, Refusal, Unhandled};
use super::version::{Version, interface, settle};
use crate::capability::bindings::exports::skald as roles;
use crate::capability::bindings::skald::identity::principals;
use crate::capability::sql::{Dialect, Work};

impl Version {
    /// Asks the gate before a saga. What it lets in is checked to be JSON.
    ///
    /// # Errors
    /// When the component gave no answer.
    pub async fn admit(
        self: &Arc<Self>,
        principal: Option<Principal>,
        saga_id: u64,
        saga: &str,
        body: String,
    ) -> Result<Result<Admitted, Refusal>, CallError> {
        let request = roles::saga::admission::Request {
            saga_id,
            saga: saga.to_owned(),
            body,
        };
        let principal = principal.map(principals::Principal::from);
        let admitted = self
            .call(Some(saga_id), move |version, store, instance| {
                let admission = version
                    .roles
                    .admission
                    .as_ref()
                    .map(|role| role.load(&mut *store, instance));
                admission.map(|role| role?.call_admit(store, principal.as_ref(), &request))
            })
            .await?
            .ok_or_else(|| self.missing(interface::ADMISSION))?;
        match admitted {
            Ok(admitted) => {
                self.check_json(&admitted.input)?;
                self.check_json(&admitted.response)?;
                Ok(Ok(Admitted {
                    input: admitted.input,
                    response: admitted.response,
                }))
            }
            Err(refusal) => Ok(Err(refusal.into())),
        }
    }

    /// Asks who presented this token: that of an `Authorization: Bearer` header, without the scheme.
    ///
    /// # Errors
    /// When the component gave no answer.
    pub async fn authenticate(self: &Arc<Self>, bearer: String) -> Result<Result<Principal, Denial>, CallError> {
        let credentials = roles::identity::authenticator::Credentials::Bearer(bearer);
        let answer = self
            .call(None, move |version, store, instance| {
                let authenticator = version
                    .roles
                    .authenticator
                    .as_ref()
                    .map(|role| role.load(&mut *store, instance));
                authenticator.map(|role| role?.call_authenticate(store, &credentials))
            })
            .await?
            .ok_or_else(|| self.missing(interface::AUTHENTICATOR))?;
        Ok(answer.map(Into::into).map_err(Into::into))
    }

    /// All changes for the database with this label, in order; none when the component has no role in
    /// that.
    ///
    /// # Errors
    /// When the component gave no answer.
    pub async fn migrations(self: &Arc<Self>, label: &str, dialect: Dialect) -> Result<Vec<Migration>, CallError> {
        let label = label.to_owned();
        let migrations = self
            .call(None, move |version, store, instance| {
                let migrations = version
                    .roles
                    .migrations
                    .as_ref()
                    .map(|role| role.load(&mut *store, instance));
                migrations.map(|role| role?.call_migrations(store, &label, dialect))
            })
            .await?;
        Ok(migrations.unwrap_or_default().into_iter().map(Into::into).collect())
    }

    /// Delivers an event.
    ///
    /// # Errors
    /// When the component gave no answer.
    pub async fn handle(self: &Arc<Self>, event: Event) -> Result<Result<(), Unhandled>, CallError> {
        let event = event.into();
        let answer = self
            .call(None, move |version, store, instance| {
                let subscriber = version
                    .roles
                    .subscriber
                    .as_ref()
                    .map(|role| role.load(&mut *store, instance));
                subscriber.map(|role| role?.call_handle(store, &event))
            })
            .await?
            .ok_or_else(|| self.missing(interface::SUBSCRIBER))?;
        Ok(answer.map_err(Into::into))
    }

    /// Makes an instance on a guest thread and calls it; none when it has not got the role.
    async fn call<T: Send + 'static>(
        self: &Arc<Self>,
        saga: Option<u64>,
        call: impl FnOnce(&Self, &mut Store<State>, &Instance) -> Option<wasmtime::Result<T>> + Send + 'static,
    ) -> Result<Option<T>, CallError> {
        let permit = self.permit().await?;
        let (told, answer) = oneshot::channel();
        let version = self.clone();
        let accepted = self.threads.run(move || {
            // Whoever asked may have gone.
            let _ = told.send(version.call_here(saga, call));
            drop(permit);
        });
        if !accepted {
            return Err(self.overloaded());
        }
        answer.await.unwrap_or_else(|_| Err(self.overloaded()))
    }

    fn call_here<T>(
        &self,
        saga: Option<u64>,
        call: impl FnOnce(&Self, &mut Store<State>, &Instance) -> Option<wasmtime::Result<T>>,
    ) -> Result<Option<T>, CallError> {
        let began = Instant::now();
        let deadline = began + self.profile.limits.deadline;
        let scope = Scope {
            origin: self.origin(saga, None),
            began,
            deadline,
            depth: 0,
        };
        let mut store = self.store(scope, Work::outside(false, deadline));
        let called = match self.calls.instantiate(&mut store) {
            Ok(instance) => call(self, &mut store, &instance).transpose(),
            Err(error) => Err(error),
        };
        settle(&mut store, called)
    }

    /// Waits for room among the component's calls, but not for longer than a call may take.
    pub(super) async fn permit(&self) -> Result<OwnedSemaphorePermit, CallError> {
        let permit = self.permits.clone().acquire_owned();
        match tokio::time::timeout(self.profile.limits.deadline, permit).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(self.overloaded()),
        }
    }
}
