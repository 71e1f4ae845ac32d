//! `wasi:http` components behind routes: ours, and foreign ones as they are.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use axum::body::Body;
use futures::executor::block_on;
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use tokio::sync::oneshot;
use wasmtime::Store;
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;
use wasmtime_wasi_http::{Error, WasiHttpView};

use super::error::CallError;
use super::state::State;
use super::types::Principal;
use super::version::{Version, interface, settle};
use crate::capability::http::incoming;
use crate::capability::sql::Work;

/// Where a component finds on whose behalf a request is made. The host takes every header whose name
/// begins with `skald-` off the requests of clients.
pub const PRINCIPAL: HeaderName = HeaderName::from_static("skald-principal");

/// The component's answer, given once: by the component, or by its failure.
type Told = Arc<Mutex<Option<oneshot::Sender<Result<Response<Body>, CallError>>>>>;

impl Version {
    /// Has the component answer a request. The answer's body streams: the component goes on with it
    /// after this returns, until its deadline.
    ///
    /// # Errors
    /// When the component gave no answer.
    pub async fn http(
        self: &Arc<Self>,
        mut request: Request<Body>,
        principal: Option<&Principal>,
    ) -> Result<Response<Body>, CallError> {
        let proxy = self.proxy.clone().ok_or_else(|| self.missing(interface::HANDLER))?;
        request.headers_mut().remove(PRINCIPAL);
        if let Some(principal) = principal {
            let json = serde_json::to_string(principal).expect("a principal is texts");
            let value = HeaderValue::from_bytes(json.as_bytes()).expect("JSON has no control characters");
            request.headers_mut().insert(PRINCIPAL, value);
        }
        let permit = self.permit().await?;
        let (told, answer) = oneshot::channel();
        let version = self.clone();
        let accepted = self.threads.run(move || {
            let told = Arc::new(Mutex::new(Some(told)));
            let ended = version.serve(&proxy, request, &told);
            tell(&told, || Err(ended.err().unwrap_or_else(|| version.silent())));
            drop(permit);
        });
        if !accepted {
            return Err(self.overloaded());
        }
        answer.await.unwrap_or_else(|_| Err(self.overloaded()))
    }

    /// Runs the handler to its end. The executor is not the runtime's: capabilities that wait use that
    /// one, and it refuses to be entered twice.
    ///
    /// A failure is noted before the store is dropped, and the answer's body with it: if that was not
    /// finished, its end must not pass for one.
    fn serve(&self, proxy: &ProxyPre<State>, request: Request<Body>, told: &Told) -> Result<(), CallError> {
        let failed = Arc::new(AtomicBool::new(false));
        let scope = self.scope();
        let deadline = scope.deadline;
        let mut store = self.store(scope, Work::outside(false, deadline));
        let handled = block_on(async {
            let handling = handle(&mut store, proxy, request, told, &failed);
            match tokio::time::timeout_at(deadline.into(), handling).await {
                Ok(handled) => handled,
                Err(_) => Err(wasmtime::Trap::Interrupt.into()),
            }
        });
        let handled = settle(&mut store, handled);
        failed.store(handled.is_err(), Ordering::Release);
        handled
    }

    fn silent(&self) -> CallError {
        let component = self.profile.component.to_string();
        CallError::Trap {
            component,
            detail: "it returned without setting a response".into(),
        }
    }
}

async fn handle(
    store: &mut Store<State>,
    proxy: &ProxyPre<State>,
    request: Request<Body>,
    told: &Told,
    failed: &Arc<AtomicBool>,
) -> wasmtime::Result<()> {
    let failed = failed.clone();
    let (told, component) = (told.clone(), store.data().profile.component.to_string());
    let request = store
        .data_mut()
        .http()
        .new_incoming_request(Scheme::Http, request.map(incoming))?;
    let out = store
        .data_mut()
        .http()
        .new_response_outparam_from_callback(move |response| {
            tell(&told, || match response {
                Ok(response) => Ok(response.map(|body| Body::new(body.with_trailers(end(failed))))),
                Err(code) => Err(CallError::Trap {
                    component,
                    detail: format!("it answered with the error {code:?}"),
                }),
            });
        })?;
    let instance = proxy.instantiate_async(&mut *store).await?;
    instance
        .wasi_http_incoming_handler()
        .call_handle(&mut *store, request, out)
        .await
}

/// What follows a body: nothing, or the error that the component has failed before its end.
fn end(failed: Arc<AtomicBool>) -> impl Future<Output = Option<Result<HeaderMap, Error>>> + Send {
    poll_fn(move |_| {
        let broken = failed.load(Ordering::Acquire);
        Poll::Ready(broken.then_some(Err(Error::ConnectionTerminated)))
    })
}

/// Answers, unless there was an answer already.
fn tell(told: &Told, answer: impl FnOnce() -> Result<Response<Body>, CallError>) {
    let told = told.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(told) = told {
        // Whoever asked may have gone.
        let _ = told.send(answer());
    }
}
