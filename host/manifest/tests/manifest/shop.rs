//! The shop's own manifest says what the shop is meant to be.

use std::path::PathBuf;
use std::time::Duration;

use skald_manifest::{
    Auth, ConfigValue, DatabaseUrl, GuessLimit, Instances, Key, Limits, Manifest, SecretRef, Server, Stream, Target,
    parse,
};
use skald_saga::definition::{Definition, Exhausted, Step};
use skald_saga::mapping::Mapping;
use skald_saga::retry::Retry;

fn shop() -> Manifest {
    parse(include_str!("../../../../skald.toml")).unwrap_or_else(|faults| panic!("{}", faults.in_file("skald.toml")))
}

fn step(name: &str, component: &str, input: Mapping) -> Step {
    Step {
        name: name.into(),
        component: component.into(),
        database: component.into(),
        retry: Retry {
            attempts: 10,
            initial_ms: 50,
            factor: 2.0,
            max_ms: 5_000,
            jitter: 0.2,
        },
        on_exhausted: Exhausted::Abort,
        deadline_ms: 2_000,
        external_effects: false,
        input,
    }
}

#[test]
fn a_purchase_takes_goods_then_orders_then_pays() {
    let manifest = shop();
    let purchase = &manifest.sagas["purchase"];
    assert_eq!(manifest.sagas.len(), 1);
    assert_eq!(purchase.admit.as_deref(), Some("product"));
    assert_eq!(purchase.stream, Stream::Principal);
    let template = |json| Mapping::Template(json);
    let items = template(serde_json::json!({ "purchase_items": "$input.purchase_items" }));
    let money = serde_json::json!({ "currency_code": "$input.currency_code", "amount": "$input.amount" });
    let expected = Definition {
        name: "purchase".into(),
        steps: vec![
            step("UPDATE_PRODUCT_INVENTORY", "product", items),
            step("CREATE_ORDER", "order", Mapping::Whole),
            step("CREATE_PAYMENT", "payment", template(money)),
        ],
        deadline_ms: Some(600_000),
        compensation: Retry {
            attempts: 20,
            initial_ms: 50,
            factor: 2.0,
            max_ms: 30_000,
            jitter: 0.2,
        },
    };
    assert_eq!(*purchase.definition, expected);
}

#[test]
fn every_service_has_a_database_and_nobody_elses() {
    let manifest = shop();
    assert_eq!(manifest.name, "shop");
    assert_eq!(manifest.journal.url, DatabaseUrl::Sqlite("journal.db".into()));
    assert_eq!(manifest.journal.retention, Duration::from_hours(30 * 24));
    assert_eq!(manifest.journal.key_window, Duration::from_hours(30 * 24));
    let names: Vec<_> = manifest.components.keys().collect();
    assert_eq!(names, ["account", "order", "payment", "product"]);
    for (name, component) in &manifest.components {
        assert_eq!(component.artifact, PathBuf::from(format!("{name}.wasm")));
        assert_eq!(component.databases, [name.as_str()]);
        assert_eq!(
            manifest.databases[name].url,
            DatabaseUrl::Sqlite(format!("{name}.db").into())
        );
        assert_eq!(component.limits, Limits::default());
    }
}

#[test]
fn grants_are_as_narrow_as_the_work() {
    let components = shop().components;
    let [account, order, payment, product] =
        ["account", "order", "payment", "product"].map(|name| components[name].clone());
    assert!(account.passwords && account.keyrings == ["customer"] && account.instances == Instances::Fresh);
    assert_eq!(account.config["access-ttl-s"], ConfigValue::Text("10800".into()));
    assert_eq!(order.calls["shop:product/catalog"], "product");
    for component in [order, payment, product] {
        assert!(!component.passwords && component.keyrings.is_empty() && component.http.is_empty());
        assert_eq!(component.instances, Instances::Group);
    }
}

#[test]
fn the_customers_key_is_a_file_that_the_host_makes() {
    let key = Key {
        kid: "1".into(),
        secret: SecretRef::File("keys/customer-1.key".into()),
        generate: true,
    };
    assert_eq!(shop().keyrings["customer"].keys, [key]);
}

#[test]
fn every_route_leads_where_the_contract_says() {
    let manifest = shop();
    let component = |name: &str| Target::Component(name.into());
    let purchase = "purchase".to_owned();
    let expected = [
        ("POST", "/api/account/auth/signup", component("account"), false),
        ("POST", "/api/account/auth/login", component("account"), false),
        ("POST", "/api/account/auth/refresh", component("account"), false),
        ("GET,PUT", "/api/account/info/person", component("account"), true),
        ("GET,PUT", "/api/account/info/shipping", component("account"), true),
        ("POST", "/api/product", component("product"), false),
        ("GET", "/api/products", component("product"), false),
        ("GET", "/api/product/{id}", component("product"), false),
        ("POST", "/api/purchase", Target::Start(purchase.clone()), true),
        ("GET", "/api/purchase/result", Target::Results(purchase), true),
        ("GET", "/api/order/{id}", component("order"), true),
        ("GET", "/api/payment/{id}", component("payment"), true),
    ];
    assert_eq!(manifest.routes.len(), expected.len());
    for (route, (methods, path, target, auth)) in manifest.routes.iter().zip(expected) {
        assert_eq!((route.methods.join(",").as_str(), route.path.as_str()), (methods, path));
        assert_eq!(route.target, target);
        assert_eq!(
            route.auth,
            auth.then(|| Auth {
                component: "account".into()
            })
        );
        assert!(!route.operator && route.timeout.is_none());
    }
    let limit = GuessLimit {
        failures: 10,
        address_failures: 50,
        window: Duration::from_mins(5),
        body_field: Some("email".into()),
    };
    assert_eq!(manifest.routes[1].guess_limit, Some(limit));
    assert_eq!(manifest.server, Server::default());
}

#[test]
fn what_it_does_not_say_is_as_the_contract_has_it() {
    let server = shop().server;
    assert_eq!(server.sse_heartbeat, Duration::from_secs(15));
    assert_eq!(server.cors.origins, ["*"]);
}
