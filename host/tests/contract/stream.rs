//! The result stream: exact events for every way in which a purchase can end.

use serde_json::Value;

use crate::common::api::{Api, Customer};
use crate::common::host::Host;
use crate::common::manifest::{self, SHOP};
use crate::common::sse::{Event, Piece};

/// The events of a purchase that succeeds.
pub const SUCCESS: [&str; 6] = [
    "UPDATE_PRODUCT_INVENTORY EXECUTE RUNNING",
    "UPDATE_PRODUCT_INVENTORY SUCCESS RUNNING",
    "CREATE_ORDER EXECUTE RUNNING",
    "CREATE_ORDER SUCCESS RUNNING",
    "CREATE_PAYMENT EXECUTE RUNNING",
    "CREATE_PAYMENT SUCCESS COMPLETED",
];

pub fn briefs(events: &[Event]) -> Vec<String> {
    events.iter().map(Event::brief).collect()
}

/// The events of a purchase of two where there are ten, and what is left afterwards.
async fn purchase(api: &Api) -> (Customer, u64, Vec<Event>, i64) {
    let (customer, product) = (api.customer().await, api.product(120, 10).await);
    let mut stream = api.stream(&customer).await;
    let id = api.buy(&customer, product, 2).await;
    let events = stream.until_the_end().await;
    assert!(events.iter().all(|event| event.purchase() == id), "{events:?}");
    (customer, id, events, api.inventory(product).await)
}

#[tokio::test]
async fn a_purchase_that_succeeds_tells_six_events() {
    let host = Host::shared();
    let api = Api::of(&host);
    let (customer, id, events, left) = purchase(&api).await;
    assert_eq!(briefs(&events), SUCCESS);
    assert_eq!(left, 8);
    let order = api.order(&customer, id).await.ok(200);
    assert_eq!(order["id"], id);
    let payment = api.payment(&customer, id).await.ok(200);
    assert_eq!(payment["amount"], 240);
}

#[tokio::test]
async fn an_event_has_the_members_of_the_contract_and_increasing_ids() {
    let host = Host::shared();
    let (_, _, events, _) = purchase(&Api::of(&host)).await;
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("after 1970")
        .as_secs();
    for event in &events {
        let members: Vec<&String> = event.data.as_object().expect("an object").keys().collect();
        assert_eq!(members.len(), 5, "{event:?}");
        for member in ["purchase_id", "step", "status", "saga", "timestamp"] {
            assert!(event.data.get(member).is_some(), "{member} of {event:?}");
        }
        let told = event.data["timestamp"].as_u64().expect("seconds since 1970");
        assert!(told <= now && now - told < 60, "{told} is not now");
    }
    let ids: Vec<u64> = events
        .iter()
        .map(|event| event.id.parse().expect("ours are numbers"))
        .collect();
    assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
}

#[tokio::test]
async fn a_refused_first_step_has_nothing_to_roll_back() {
    let host = Host::shared();
    let api = Api::of(&host);
    let (customer, product) = (api.customer().await, api.product(1, 3).await);
    let mut stream = api.stream(&customer).await;
    let id = api.buy(&customer, product, 4).await;
    let told = briefs(&stream.until_the_end().await);
    let expected = [
        "UPDATE_PRODUCT_INVENTORY EXECUTE RUNNING",
        "UPDATE_PRODUCT_INVENTORY FAILED COMPENSATED (insufficient_inventory)",
    ];
    assert_eq!(told, expected);
    assert_eq!(api.inventory(product).await, 3);
    nothing_is_left(&api, &customer, id).await;
}

async fn nothing_is_left(api: &Api, customer: &Customer, id: u64) {
    let order = api.order(customer, id).await;
    order.problem(404, "order not found");
    let payment = api.payment(customer, id).await;
    payment.problem(404, "payment not found");
}

#[tokio::test]
async fn a_refused_later_step_rolls_those_before_it_back_in_reverse() {
    for (step, component, done, back) in [
        (
            "CREATE_ORDER",
            "order",
            2,
            &[
                "CREATE_ORDER EXECUTE RUNNING",
                "CREATE_ORDER FAILED COMPENSATING (out-of-stock)",
                "UPDATE_PRODUCT_INVENTORY ROLLBACKED COMPENSATED",
            ][..],
        ),
        (
            "CREATE_PAYMENT",
            "payment",
            4,
            &[
                "CREATE_PAYMENT EXECUTE RUNNING",
                "CREATE_PAYMENT FAILED COMPENSATING (out-of-stock)",
                "CREATE_ORDER ROLLBACKED COMPENSATING",
                "UPDATE_PRODUCT_INVENTORY ROLLBACKED COMPENSATED",
            ],
        ),
    ] {
        let host = Host::start(&manifest::refusing(step, component));
        let api = Api::of(&host);
        let (customer, id, events, left) = purchase(&api).await;
        assert_eq!(briefs(&events), [&SUCCESS[..done], back].concat());
        assert_eq!(left, 10, "the goods are back");
        nothing_is_left(&api, &customer, id).await;
    }
}

#[tokio::test]
async fn a_compensation_that_always_fails_ends_stuck() {
    let host = Host::start(&manifest::sticking());
    let (_, _, events, left) = purchase(&Api::of(&host)).await;
    let told = briefs(&events);
    assert_eq!(told[..5], SUCCESS[..5]);
    assert_eq!(told[5], "CREATE_PAYMENT FAILED COMPENSATING (out-of-stock)");
    assert!(told[6].starts_with("CREATE_ORDER ROLLBACK_FAIL STUCK"), "{told:?}");
    assert_eq!((told.len(), left), (7, 8), "the first step waits for the second");
}

#[tokio::test]
async fn a_step_whose_attempts_are_used_up_is_refused_by_the_host() {
    let failing = manifest::hostile_step(SHOP, "CREATE_PAYMENT", "payment", "{ mode = \"panic\" }");
    let host = Host::start(&manifest::with(
        &failing,
        "retry = { attempts = 10",
        "retry = { attempts = 2",
    ));
    let (_, _, events, left) = purchase(&Api::of(&host)).await;
    let told = briefs(&events);
    assert_eq!(told[..5], SUCCESS[..5]);
    assert!(told[5].starts_with("CREATE_PAYMENT FAILED COMPENSATING ("), "{told:?}");
    assert_eq!(
        told[6..],
        [
            "CREATE_ORDER ROLLBACKED COMPENSATING",
            "UPDATE_PRODUCT_INVENTORY ROLLBACKED COMPENSATED"
        ]
    );
    assert_eq!(left, 10);
}

#[tokio::test]
async fn the_stream_says_what_it_is_and_opens_with_a_comment() {
    let host = Host::shared();
    let api = Api::of(&host);
    let customer = api.customer().await;
    for accept in [
        None,
        Some("text/event-stream"),
        Some("*/*"),
        Some("text/html, text/*;q=0.1"),
    ] {
        let request = api.ask("GET", "/api/purchase/result").by(&customer);
        let request = accept.map_or_else(
            || api.ask("GET", "/api/purchase/result").by(&customer),
            |accept| request.header("accept", accept),
        );
        let response = request.start().await;
        assert_eq!(response.status(), 200, "{accept:?}");
        for (name, value) in [
            ("content-type", "text/event-stream"),
            ("cache-control", "no-cache"),
            ("x-accel-buffering", "no"),
        ] {
            assert_eq!(response.headers()[name], value, "{accept:?}");
        }
        let mut stream = crate::common::sse::Stream::new(response);
        assert!(matches!(stream.next().await, Some(Piece::Comment(_))), "{accept:?}");
    }
    for accept in ["application/json", "text/event-stream;q=0", "text/html"] {
        let request = api
            .ask("GET", "/api/purchase/result")
            .by(&customer)
            .header("accept", accept);
        request.send().await.problem(406, "not acceptable");
    }
}

#[tokio::test]
async fn the_stream_is_a_customers_own() {
    let host = Host::shared();
    let api = Api::of(&host);
    api.get("/api/purchase/result").await.unauthorized("unauthorized");
    let refused = api.ask("GET", "/api/purchase/result").bearer("rubbish").send().await;
    refused.unauthorized("unauthorized");

    let (one, other) = (api.customer().await, api.customer().await);
    let product = api.product(1, 100).await;
    let (mut ones, mut others) = (api.stream(&one).await, api.stream(&other).await);
    let mut bought: [Vec<u64>; 2] = [vec![], vec![]];
    for _ in 0..3 {
        bought[0].push(api.buy(&one, product, 1).await);
        bought[1].push(api.buy(&other, product, 1).await);
    }
    for (stream, bought) in [(&mut ones, &bought[0]), (&mut others, &bought[1])] {
        let events = stream.events(18).await;
        for id in bought {
            let of_it: Vec<Event> = events.iter().filter(|event| event.purchase() == *id).cloned().collect();
            assert_eq!(briefs(&of_it), SUCCESS, "all of a customer's purchases, and in order");
        }
    }
}

#[tokio::test]
async fn two_streams_of_a_customer_tell_the_same() {
    let host = Host::shared();
    let api = Api::of(&host);
    let (customer, product) = (api.customer().await, api.product(1, 100).await);
    let (mut first, mut second) = (api.stream(&customer).await, api.stream(&customer).await);
    api.buy(&customer, product, 1).await;
    let told = first.events(6).await;
    assert_eq!(second.events(6).await, told);
}

#[tokio::test]
async fn an_idle_stream_says_that_it_is_alive() {
    let host = Host::start(&manifest::server("sse-heartbeat = \"100ms\""));
    let api = Api::of(&host);
    let (customer, product) = (api.customer().await, api.product(1, 1).await);
    let mut stream = api.stream(&customer).await;
    assert!(stream.is_idle_for(4).await, "nothing but comments");
    api.buy(&customer, product, 1).await;
    assert_eq!(briefs(&stream.until_the_end().await), SUCCESS);
    assert!(stream.is_idle_for(2).await, "nothing comes after the end");
}

#[tokio::test]
async fn a_stream_is_not_compressed() {
    let host = Host::shared();
    let api = Api::of(&host);
    let customer = api.customer().await;
    let request = api
        .ask("GET", "/api/purchase/result")
        .by(&customer)
        .header("accept-encoding", "gzip");
    let response = request.start().await;
    assert_eq!(
        response.headers().get("content-encoding"),
        None,
        "a compressed event waits for the next one"
    );
}

#[tokio::test]
async fn ids_are_numbers_that_a_browser_reads_exactly() {
    let host = Host::shared();
    let (_, id, events, _) = purchase(&Api::of(&host)).await;
    assert!(id < 1 << 53);
    assert_eq!(events[0].data["purchase_id"], Value::from(id), "a number, not a text");
}
