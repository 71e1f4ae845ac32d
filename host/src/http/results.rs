//! The result stream: a customer's status events as server-sent events, live and with resume.
//!
//! A subscription is made before the stream is said to be open, so nothing falls between. Live events
//! come in the order of their numbers; whenever one is missing, the journal is read from the last one
//! that was sent.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use skald_orchestrator::stream::Subscription;
use skald_saga::Digest;
use skald_saga::status::{Phase, Status};
use skald_store::journal::StoredEvent;
use tokio::time::Interval;

use super::{App, Problem};
use crate::invoke::Principal;

/// How many events are read from the journal at a time.
const PAGE: u32 = 500;

/// The stream of a principal's events.
pub(super) async fn results(app: &App, principal: &Principal, headers: &HeaderMap) -> Result<Response, Problem> {
    if !accepts_event_stream(headers) {
        return Err(Problem::new(StatusCode::NOT_ACCEPTABLE, "not acceptable")
            .detail("this is a text/event-stream, and the Accept header excludes it"));
    }
    let resume = last_event_id(headers)?;
    let subscription = app.hub.listen(&principal.subject);
    let stream: Arc<str> = principal.subject.as_str().into();
    let last = app.orchestrator.journal().last_event(stream.clone()).await;
    let last = last.map_err(|error| {
        tracing::error!(%error, "a stream of results can't be opened");
        Problem::internal()
    })?;
    // An id beyond the last one is another stream's, or was given before a backup was restored: kept as
    // it is, it would hide the events to come.
    let (last, behind) = resume.map_or((last, false), |seen| (seen.min(last), true));
    let mut heartbeat = tokio::time::interval(app.manifest.server.sse_heartbeat);
    heartbeat.reset();
    let feed = Feed {
        app: app.clone(),
        stream,
        subscription,
        last,
        behind,
        ready: VecDeque::from([Bytes::from_static(b": the stream is open\n\n")]),
        heartbeat,
    };
    let body = Body::from_stream(stream::unfold(feed, |mut feed| async move {
        let next = feed.next().await?;
        Some((Ok::<_, Infallible>(next), feed))
    }));
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (
            http::HeaderName::from_static("x-accel-buffering"),
            HeaderValue::from_static("no"),
        ),
    ];
    Ok((StatusCode::OK, headers, body).into_response())
}

/// Without an Accept header, or with one that allows it, the stream is what the client gets.
fn accepts_event_stream(headers: &HeaderMap) -> bool {
    let given: Vec<&str> = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    if given.is_empty() {
        return true;
    }
    // The most specific range that matches decides (RFC 9110, 12.5.1).
    let weight = |wanted: &str| {
        given.iter().flat_map(|value| value.split(',')).find_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let matches = parts.next().is_some_and(|media| media.eq_ignore_ascii_case(wanted));
            let q = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
            matches.then(|| q.and_then(|q| q.parse::<f32>().ok()).unwrap_or(1.0))
        })
    };
    ["text/event-stream", "text/*", "*/*"]
        .into_iter()
        .find_map(weight)
        .is_some_and(|q| q > 0.0)
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(given) = headers.get("last-event-id") else {
        return Ok(None);
    };
    let given = given.to_str().unwrap_or("\u{fffd}").trim();
    // A browser sends an empty one where it has seen no event yet.
    if given.is_empty() {
        return Ok(None);
    }
    // A number as it was sent: `parse` would take a sign, too.
    let digits = given.bytes().all(|byte| byte.is_ascii_digit());
    let id = given.parse().ok().filter(|_| digits);
    id.map(Some).ok_or_else(|| {
        Problem::invalid("Last-Event-ID is not an id of this stream; leave it out to begin with what comes next")
    })
}

/// A client's place in its stream.
struct Feed {
    app: App,
    stream: Arc<str>,
    subscription: Subscription,
    /// The number of the last event that was sent, or that the client has.
    last: i64,
    /// There may be events in the journal that were not sent.
    behind: bool,
    ready: VecDeque<Bytes>,
    heartbeat: Interval,
}

impl Feed {
    /// The next piece of the stream; none: the host stops, or the journal can't be read. The client
    /// comes back with the id of the last event it has.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return Some(ready);
            }
            if self.behind {
                self.catch_up().await?;
                continue;
            }
            tokio::select! {
                biased;
                () = self.app.stop.cancelled() => return None,
                batch = self.subscription.next() => match batch {
                    Some(batch) => self.take(&batch.events, batch.definition),
                    None => self.behind = true,
                },
                _ = self.heartbeat.tick() => {
                    // The journal is the truth: an event whose commit was not known was not announced.
                    self.behind = true;
                    return Some(Bytes::from_static(b": still here\n\n"));
                }
            }
        }
    }

    /// Live events, as long as they follow the last one that was sent.
    fn take(&mut self, events: &[StoredEvent], definition: Digest) {
        let mut text = String::with_capacity(events.len() * 180);
        for event in events {
            if event.seq <= self.last {
                continue;
            }
            if event.seq != self.last + 1 {
                self.behind = true;
                break;
            }
            self.last = event.seq;
            self.write(&mut text, event, definition);
        }
        if !text.is_empty() {
            self.ready.push_back(text.into());
        }
    }

    async fn catch_up(&mut self) -> Option<()> {
        let page = self
            .app
            .orchestrator
            .journal()
            .events_after(self.stream.clone(), self.last, PAGE)
            .await;
        let page = match page {
            Ok(page) => page,
            Err(error) => {
                tracing::error!(%error, "a stream of results can't be read");
                return None;
            }
        };
        self.behind = page.len() == PAGE as usize;
        let mut text = String::with_capacity(page.len() * 180);
        for (event, definition) in &page {
            self.last = event.seq;
            self.write(&mut text, event, *definition);
        }
        if !text.is_empty() {
            self.ready.push_back(text.into());
        }
        Some(())
    }

    fn write(&self, text: &mut String, event: &StoredEvent, definition: Digest) {
        let definition = self.app.orchestrator.definition(&definition);
        let step = definition
            .as_ref()
            .and_then(|definition| definition.steps.get(event.event.step));
        let data = Data {
            purchase_id: event.saga.0,
            step: step.map_or("UNKNOWN", |step| &step.name),
            status: event.event.status,
            saga: event.event.phase,
            reason: event.reason.as_deref(),
            timestamp: event.at_ms / 1000,
        };
        let data = serde_json::to_string(&data).expect("texts and numbers");
        write!(text, "id: {}\nevent: data\ndata: {data}\n\n", event.seq).expect("writing to a text does not fail");
    }
}

/// An event as the contract has it.
#[derive(Serialize)]
struct Data<'e> {
    purchase_id: u64,
    step: &'e str,
    status: Status,
    saga: Phase,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'e str>,
    timestamp: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().expect("plain text"));
        headers
    }

    #[test]
    fn the_stream_is_refused_only_where_accept_excludes_it() {
        assert!(accepts_event_stream(&HeaderMap::new()));
        for (accept, accepted) in [
            ("text/event-stream", true),
            ("*/*", true),
            ("text/*", true),
            ("application/json, text/event-stream;q=0.1", true),
            ("application/json", false),
            ("text/event-stream;q=0, */*", false),
            ("*/*;q=0", false),
        ] {
            assert_eq!(accepts_event_stream(&headers("accept", accept)), accepted, "{accept}");
        }
    }

    #[test]
    fn an_id_that_this_stream_never_gave_is_refused() {
        for (given, taken) in [
            ("17", Some(Some(17))),
            ("0", Some(None)),
            ("", Some(None)),
            ("x", None),
            ("-1", None),
            ("+1", None),
        ] {
            let taken = if given == "0" { Some(Some(0)) } else { taken };
            assert_eq!(last_event_id(&headers("last-event-id", given)).ok(), taken, "{given:?}");
        }
    }
}
