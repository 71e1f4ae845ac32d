//! Secrets never reach a log, however much is logged, nor anything that operators are shown.

use std::fs;

use serde_json::json;

use crate::host::Place;

const PASSWORD: &str = "a-password-that-nobody-else-has";

/// Everything but what the compiler tells of its own work, which is gigabytes.
const TRACE: &str = "trace,wasmtime=info,wasmtime_cranelift=info,wasmtime_environ=info,wasmtime_internal_cranelift=info,\
     wasmtime_internal_unwinder=info,cranelift_codegen=info,cranelift_frontend=info,cranelift_entity=info,regalloc2=info,wasmparser=info";

#[test]
fn no_key_token_or_password_is_ever_printed() {
    let place = Place::new();
    let mut command = place.command(&place.data());
    let host = place.start_as(command.args(["--admin-listen", "127.0.0.1:0", "--log", TRACE]));
    let post = |path: &str, token: Option<&str>, body| host.post(&format!("{}{path}", host.shop), token, &body);
    let form = json!({
        "password": PASSWORD, "firstname": "Ada", "lastname": "Byron", "email": "ada@example.org",
        "address": "12 St James Square, London", "phone_number": "+44 20 7946 0000",
    });
    let (_, tokens) = post("/api/account/auth/signup", None, form);
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    let (access, refresh) = (text(&tokens["access_token"]), text(&tokens["refresh_token"]));
    let (status, _) = post(
        "/api/account/auth/login",
        None,
        json!({ "email": "ada@example.org", "password": PASSWORD }),
    );
    assert_eq!(status, 200);
    assert_eq!(
        post(
            "/api/account/auth/login",
            None,
            json!({ "email": "ada@example.org", "password": "wrong-guess-of-it" })
        )
        .0,
        401
    );
    assert_eq!(
        post("/api/account/auth/refresh", None, json!({ "refresh_token": refresh })).0,
        200
    );
    let product =
        json!({ "name": "Lute", "description": "Six courses", "brand_name": "Bragi", "price": 120, "inventory": 3 });
    let (_, product) = post("/api/product", None, product);
    let cart = json!({ "purchase_items": [{ "product_id": product["id"], "amount": 2 }], "payment": { "currency_code": "US" } });
    let (status, bought) = post("/api/purchase", Some(&access), cart);
    assert_eq!(status, 201, "{bought}");
    host.wait_for(&access, bought["purchase_id"].as_u64().expect("an id"), "completed");
    let shown: String = [
        "/admin/v1/components",
        "/admin/v1/sagas",
        "/admin/v1/databases",
        "/metrics",
    ]
    .map(|path| host.get(&format!("{}{path}", host.admin)).1.to_string())
    .concat();
    host.stop();

    let key = fs::read_to_string(place.data().join("keys/customer-1.key")).expect("read");
    let bytes = hex::decode(key.trim()).expect("hexadecimal digits");
    let secrets = [
        key.trim().to_owned(),
        key.trim().to_uppercase(),
        base64(key.trim().as_bytes()),
        base64(&bytes),
        format!("{bytes:?}").trim_matches(['[', ']']).to_owned(),
        format!("{:?}", key.trim().as_bytes())
            .trim_matches(['[', ']'])
            .to_owned(),
        access,
        refresh,
        PASSWORD.to_owned(),
        "wrong-guess-of-it".to_owned(),
        "$argon2".to_owned(),
    ];
    let log = place.log();
    assert!(log.contains("DEBUG"), "only what is logged anyway was looked at");
    for (number, secret) in secrets.iter().enumerate() {
        // A failure must not print the secret either.
        assert!(!log.contains(secret.as_str()), "secret {number} is in the log");
        assert!(
            !shown.contains(secret.as_str()),
            "secret {number} is shown to operators"
        );
    }
}

/// Without padding, so that it is found in whatever longer text it stands at the beginning of.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let groups = bytes.chunks_exact(3).flat_map(|group| {
        let bits = u32::from(group[0]) << 16 | u32::from(group[1]) << 8 | u32::from(group[2]);
        [18, 12, 6, 0].map(|shift| char::from(DIGITS[(bits >> shift & 63) as usize]))
    });
    groups.collect()
}
