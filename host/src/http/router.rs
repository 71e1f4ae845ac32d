//! The router: each route of the manifest, and what answers where there is none.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter};
use http::{Method, StatusCode};
use skald_manifest::{Route, Saga, Target};

use super::guess::Guesses;
use super::{App, Problem, auth, authority, body, middleware, openapi, results, start};
use crate::invoke::Principal;

/// A route that cannot be served.
#[derive(Debug, thiserror::Error)]
#[error("route {path}: {detail}")]
pub struct Unroutable {
    /// Its path.
    pub path: String,
    /// Why.
    pub detail: String,
}

/// The public API of a manifest.
pub fn router(app: &App) -> Result<Router, Unroutable> {
    let mut paths: BTreeMap<&str, MethodRouter> = BTreeMap::new();
    for route in &app.manifest.routes {
        let handler = Arc::new(Handler::new(app, route)?);
        let methods = paths.entry(&route.path).or_default();
        for method in &route.methods {
            let filter = filter(method).map_err(|detail| Unroutable {
                path: route.path.clone(),
                detail,
            })?;
            let handler = handler.clone();
            *methods = std::mem::take(methods).on(filter, move |request: Request| handler.clone().handle(request));
        }
    }
    let mut router = Router::new();
    for (path, page) in openapi::pages(&app.manifest) {
        // The manifest's own pages come first.
        paths.entry(path).or_insert(page);
    }
    for (path, methods) in paths {
        router = router.route(path, methods);
    }
    let router = router
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method);
    Ok(middleware::around(router, &app.manifest.server))
}

fn filter(method: &str) -> Result<MethodFilter, String> {
    let method = Method::from_bytes(method.as_bytes()).map_err(|error| error.to_string())?;
    MethodFilter::try_from(method).map_err(|error| error.to_string())
}

async fn no_such_path() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not found")
        .detail("there is nothing at this path; /openapi.json lists what there is")
}

async fn no_such_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method not allowed")
        .detail("the Allow header says which methods there are")
}

/// One route at work.
struct Handler {
    app: App,
    route: Route,
    target: Work,
    guesses: Option<Guesses>,
}

enum Work {
    Component(String),
    Start(Box<Saga>),
    Results,
}

impl Handler {
    fn new(app: &App, route: &Route) -> Result<Self, Unroutable> {
        let target = match &route.target {
            Target::Component(name) => Work::Component(name.clone()),
            Target::Results(_) => Work::Results,
            Target::Start(name) => {
                let saga = app.manifest.sagas.get(name).ok_or_else(|| Unroutable {
                    path: route.path.clone(),
                    detail: format!("there is no saga {name}"),
                })?;
                Work::Start(Box::new(saga.clone()))
            }
        };
        let guesses = route.guess_limit.as_ref().map(Guesses::new);
        Ok(Self {
            app: app.clone(),
            route: route.clone(),
            target,
            guesses,
        })
    }

    async fn handle(self: Arc<Self>, request: Request) -> Response {
        let limit = self.route.timeout.unwrap_or(self.app.manifest.server.request_timeout);
        // A stream answers at once; how long it then lasts is the client's business.
        let answered = tokio::time::timeout(limit, self.answer(request)).await;
        answered
            .unwrap_or_else(|_| Err(Problem::unavailable(1)))
            .unwrap_or_else(IntoResponse::into_response)
    }

    async fn answer(&self, mut request: Request) -> Result<Response, Problem> {
        authority::settle(&mut request)?;
        if self.route.operator {
            auth::operator(&self.app, request.headers())?;
        }
        let principal = match &self.route.auth {
            Some(auth) => Some(auth::authenticate(&self.app, auth, request.headers()).await?),
            None => None,
        };
        match (&self.target, principal) {
            (Work::Component(name), principal) => self.call(name, request, principal).await,
            (Work::Start(saga), principal) => {
                let (head, body) = request.into_parts();
                let body = body::read(body, &head.headers, &self.app.manifest.server).await?;
                start::start(&self.app, saga, &self.route.path, principal, &head.headers, body).await
            }
            (Work::Results, Some(principal)) => results::results(&self.app, &principal, request.headers()).await,
            // The manifest's check asks for `auth` where there are results.
            (Work::Results, None) => Err(Problem::internal()),
        }
    }

    /// Hands a request to a component, with its body whole, and counts failed guesses.
    async fn call(&self, name: &str, request: Request, principal: Option<Principal>) -> Result<Response, Problem> {
        let address = request
            .extensions()
            .get::<ConnectInfo<SocketAddr>>()
            .map(|ConnectInfo(address)| address.ip());
        let (mut head, body) = request.into_parts();
        let body = body::read(body, &head.headers, &self.app.manifest.server).await?;
        let guess = match &self.guesses {
            Some(guesses) => Some(guesses.admit(address, &body).await?),
            None => None,
        };
        let version = self.app.registry.active(name).ok_or_else(Problem::internal)?;
        // Components answer GET; what makes a HEAD of it, the router does on the way back.
        if head.method == Method::HEAD && !self.route.methods.iter().any(|method| method == "HEAD") {
            head.method = Method::GET;
        }
        let request = Request::from_parts(head, Body::from(body));
        let response = version.http(request, principal.as_ref()).await.map_err(|error| {
            if error.is_overload() {
                return Problem::unavailable(1);
            }
            tracing::error!(%error, "a request failed");
            Problem::internal()
        })?;
        if let Some(guess) = guess {
            guess.answered(response.status());
        }
        Ok(response)
    }
}
