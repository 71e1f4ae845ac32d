//! What a client gets that comes back: every later event, none twice, none missing.

use std::sync::Arc;

use futures::StreamExt as _;
use skald_saga::SagaId;
use skald_store::journal::Journal;
use skald_store::sqlite::Options;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

use crate::common::api::Api;
use crate::common::host::Host;
use crate::common::manifest::SHOP;
use crate::common::sse::PATIENCE;
use crate::stream::{SUCCESS, briefs};

/// So many that neither the host's queue for a reader that is behind nor the system's buffers hold their events.
const PURCHASES: usize = 4000;

#[tokio::test]
async fn a_new_stream_tells_what_happens_from_then_on() {
    let host = Host::shared();
    let api = Api::of(&host);
    let (customer, product) = (api.customer().await, api.product(1, 10).await);
    let mut stream = api.stream(&customer).await;
    let first = api.buy(&customer, product, 1).await;
    stream.until_the_end().await;
    let mut later = api.stream(&customer).await;
    let second = api.buy(&customer, product, 1).await;
    let told = later.until_the_end().await;
    assert_eq!(briefs(&told), SUCCESS);
    assert!(
        told.iter()
            .all(|event| event.purchase() == second && event.purchase() != first)
    );
}

#[tokio::test]
async fn from_every_event_on_the_later_ones_come_once_each() {
    let host = Host::shared();
    let api = Api::of(&host);
    let (customer, product) = (api.customer().await, api.product(1, 10).await);
    let mut stream = api.stream(&customer).await;
    for _ in 0..3 {
        api.buy(&customer, product, 1).await;
    }
    let all = stream.events(18).await;
    for (place, last) in all.iter().enumerate() {
        let mut resumed = api.resume(&customer, &last.id).await;
        let missed = all.len() - place - 1;
        assert_eq!(resumed.events(missed).await, all[place + 1..], "after {}", last.id);
    }
}

#[tokio::test]
async fn what_is_missed_and_what_is_new_follow_each_other() {
    let host = Host::shared();
    let api = Api::of(&host);
    let (customer, product) = (api.customer().await, api.product(1, 10).await);
    let mut stream = api.stream(&customer).await;
    api.buy(&customer, product, 1).await;
    let seen = stream.events(2).await;
    let mut rest = stream.events(4).await;
    drop(stream);
    let mut resumed = api.resume(&customer, &seen[1].id).await;
    api.buy(&customer, product, 1).await;
    let after = resumed.events(10).await;
    rest.extend_from_slice(&after[4..]);
    assert_eq!(after, rest);
    assert_eq!(briefs(&after[4..]), SUCCESS);
}

#[tokio::test]
async fn an_empty_id_is_none_and_one_that_was_never_given_hides_nothing() {
    let host = Host::shared();
    let api = Api::of(&host);
    let (customer, product) = (api.customer().await, api.product(1, 10).await);
    for id in ["", "9007199254740991"] {
        let mut stream = api.resume(&customer, id).await;
        api.buy(&customer, product, 1).await;
        assert_eq!(briefs(&stream.until_the_end().await), SUCCESS, "{id:?}");
    }
    for id in ["x", "-1", "+1", "1.5", "99999999999999999999"] {
        let refused = api
            .ask("GET", "/api/purchase/result")
            .by(&customer)
            .header("last-event-id", id)
            .send()
            .await;
        refused.invalid();
    }
}

#[tokio::test]
async fn a_reader_that_stops_for_a_while_misses_nothing_and_holds_up_nobody() {
    let host = Host::shared();
    let api = Api::of(&host);
    let (customer, product) = (api.customer().await, api.product(1, 10_000).await);
    // So little is taken from the connection that the host can't send all of it at once.
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a small buffer");
    let mut socket = socket.connect(host.address).await.expect("connected");
    let request = format!(
        "GET /api/purchase/result HTTP/1.1\r\nhost: a\r\nconnection: close\r\nauthorization: Bearer {}\r\n\r\n",
        customer.access
    );
    socket.write_all(request.as_bytes()).await.expect("sent");
    let mut text = String::new();
    let mut lines = BufReader::new(&mut socket);
    while !text.contains("the stream is open") {
        lines.read_line(&mut text).await.expect("the stream opens");
    }
    let mut other = api.stream(&customer).await;
    let buying = futures::stream::iter(0..PURCHASES).map(|_| api.buy(&customer, product, 1));
    let buying = buying.buffer_unordered(32).for_each(async |_| ());
    let (told, ()) = tokio::join!(other.events(6 * PURCHASES), buying);
    let mut lines = lines.lines();
    for event in told {
        let id = loop {
            let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
            let line = line
                .expect("the stream is silent")
                .expect("it goes on")
                .expect("it has no end");
            if let Some(id) = line.strip_prefix("id: ") {
                break id.to_owned();
            }
        };
        assert_eq!(id, event.id, "the next event");
    }
}

#[tokio::test]
async fn a_stream_goes_on_over_clean_stops_and_kills() {
    let mut host = Host::start(SHOP);
    let api = Api::of(&host);
    let (customer, product) = (api.customer().await, api.product(1, 1000).await);
    let mut seen = api.stream(&customer).await.take_events(&api, &customer, product).await;
    for kill in [false, true, false, true] {
        // The host ends while purchases run.
        let api = Api::of(&host);
        for _ in 0..5 {
            api.buy(&customer, product, 1).await;
        }
        let home = if kill { host.kill() } else { host.stop() };
        host = home.start();
        let last = seen.last().expect("some were seen").id.clone();
        let mut resumed = Api::of(&host).resume(&customer, &last).await;
        seen.extend(resumed.events(30).await);
    }
    let ids: Vec<u64> = seen
        .iter()
        .map(|event| event.id.parse().expect("ours are numbers"))
        .collect();
    assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    let mut purchases: Vec<u64> = seen.iter().map(crate::common::sse::Event::purchase).collect();
    purchases.sort_unstable();
    purchases.dedup();
    assert_eq!(purchases.len(), 21);
    for purchase in purchases {
        let of_it: Vec<_> = seen
            .iter()
            .filter(|event| event.purchase() == purchase)
            .cloned()
            .collect();
        assert_eq!(briefs(&of_it), SUCCESS, "purchase {purchase}");
    }
    let left = Api::of(&host).inventory(product).await;
    assert_eq!(left, 1000 - 21);
}

/// What was forgotten with its purchase, long after its end, can't be told again; all that is kept is.
#[tokio::test]
async fn a_stream_goes_on_from_an_event_that_was_forgotten() {
    let host = Host::start(SHOP);
    let api = Api::of(&host);
    let (customer, product) = (api.customer().await, api.product(1, 10).await);
    let mut stream = api.stream(&customer).await;
    let mut told = vec![];
    for _ in 0..3 {
        api.buy(&customer, product, 1).await;
        told.extend(stream.until_the_end().await);
    }
    let home = host.stop();
    let journal = Options::new(home.data().join("journal.db"), "journal");
    let journal = Journal::open(&journal, Arc::new(())).expect("the journal opens");
    let forgotten = [&told[0], &told[6]].map(|event| SagaId(event.purchase()));
    assert_eq!(journal.forget(forgotten.into()).await.expect("it is written"), 2);
    drop(journal);

    let host = home.start();
    let api = Api::of(&host);
    let mut resumed = api.resume(&customer, &told[2].id).await;
    assert_eq!(resumed.events(6).await, told[12..], "the two of before are gone");
    api.buy(&customer, product, 1).await;
    let next = resumed.until_the_end().await;
    let (first, last) = (next[0].id.parse::<u64>(), told[17].id.parse::<u64>());
    assert_eq!(first.expect("a number"), last.expect("a number") + 1, "numbers go on");
    assert_eq!(briefs(&next), SUCCESS);
}

impl crate::common::sse::Stream {
    /// The events of one purchase, for a last id to begin with.
    async fn take_events(
        mut self,
        api: &Api,
        customer: &crate::common::api::Customer,
        product: u64,
    ) -> Vec<crate::common::sse::Event> {
        api.buy(customer, product, 1).await;
        self.events(6).await
    }
}
