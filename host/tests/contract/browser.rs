//! The page to try the API, in a real browser.

use serde_json::{Value, json};

use crate::common::chromium::Browser;
use crate::common::host::Host;
use crate::common::manifest::SHOP;

/// How a person uses the page: opens an operation, fills in what it needs, presses the button, reads what is shown.
const PERSON: &str = r#"
globalThis.until = (holds) => new Promise((done) => {
  const look = () => { const found = holds(); if (found) done(found); };
  new MutationObserver(look).observe(document, { childList: true, subtree: true });
  look();
});
globalThis.box = (method, path) => [...document.querySelectorAll("details")].find(
  (box) => box.querySelector("b").textContent === method && box.querySelector("code").textContent === path);
globalThis.press = (box, button) => [...box.querySelectorAll("button")].find((one) => one.textContent === button).click();
globalThis.ask = async (method, path, input, ends) => {
  const asked = box(method, path);
  asked.open = true;
  const field = asked.querySelector(method === "GET" ? "input" : "textarea");
  if (input) field.value = input;
  press(asked, "Send");
  const shown = asked.querySelector("pre");
  await until(() => shown.textContent.includes(ends));
  return shown.textContent;
};
"#;

/// Uses an operation with this in its field, or with what stands there, and waits until what is shown has this in it.
#[track_caller]
fn ask(browser: &mut Browser, method: &str, path: &str, input: &str, ends: &str) -> String {
    let script = format!(
        "ask({}, {}, {}, {})",
        json!(method),
        json!(path),
        json!(input),
        json!(ends)
    );
    browser.run(&script).as_str().expect("a text").to_owned()
}

/// The number that follows a member's name.
fn number(shown: &str, member: &str) -> u64 {
    let (_, rest) = shown.split_once(&format!("\"{member}\": ")).expect("the member");
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next();
    digits.and_then(|digits| digits.parse().ok()).expect("a number")
}

/// The first test that needs more than Rust and this repository: `cargo xtask test --all` installs the browser.
#[test]
#[ignore = "it needs a browser: run `cargo xtask test --only browser`"]
fn the_page_to_try_it_works_and_keeps_to_itself() {
    let host = Host::start(SHOP);
    let mut browser = Browser::start();
    browser.open(&format!("{}/docs", host.url()));
    browser.run(PERSON);
    browser.run("until(() => document.querySelectorAll('details').length === 14)");
    assert_eq!(browser.run("document.title"), "shop: API");

    let signed_up = ask(&mut browser, "POST", "/api/account/auth/signup", "", "access_token");
    assert!(signed_up.starts_with("201 Created"), "{signed_up}");
    assert_ne!(browser.run("byId('token').value"), "", "it is filled in by itself");
    // More than a browser's own numbers hold.
    let dear = json!({ "name": "Lute", "description": "d", "brand_name": "b", "price": i64::MAX, "inventory": 3 });
    let dear = ask(&mut browser, "POST", "/api/product", &dear.to_string(), "}");
    let dear = number(&dear, "id");
    let shown = ask(&mut browser, "GET", "/api/product/{id}", &dear.to_string(), "price");
    assert!(shown.contains("9223372036854775807"), "{shown}");

    ask(&mut browser, "GET", "/api/purchase/result", "", "the stream is open");
    let cart = json!({ "purchase_items": [{ "product_id": dear, "amount": 1 }], "payment": { "currency_code": "NT" } });
    let bought = ask(&mut browser, "POST", "/api/purchase", &cart.to_string(), "purchase_id");
    let id = number(&bought, "purchase_id");
    browser.run("until(() => box('GET', '/api/purchase/result').textContent.includes('COMPLETED'))");
    browser.run("press(box('GET', '/api/purchase/result'), 'Stop')");
    browser.run("until(() => box('GET', '/api/purchase/result').textContent.includes('AbortError'))");
    let paid = ask(&mut browser, "GET", "/api/payment/{id}", &id.to_string(), "amount");
    assert!(paid.starts_with("200 OK"), "{paid}");

    let events = |method: &str| {
        let of_it = browser.events.iter().filter(|event| event["method"] == method);
        of_it.map(|event| event["params"].clone()).collect::<Vec<_>>()
    };
    for trouble in ["Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"] {
        assert_eq!(events(trouble), Vec::<Value>::new(), "{trouble}");
    }
    let requests = events("Network.requestWillBeSent");
    assert!(requests.len() >= 8, "{requests:#?}");
    for request in requests {
        let url = request["request"]["url"].as_str().expect("an address");
        assert!(url.starts_with(&format!("{}/", host.url())) || url == "data:,", "{url}");
    }
}
