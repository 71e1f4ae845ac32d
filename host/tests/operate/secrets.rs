//! Secrets never reach a log, however much is logged, nor anything that operators are shown.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use skald_host::capability::identity::Keyring;

use crate::host::{Host, Place, agent, skald, told};

const PASSWORD: &str = "a-password-that-nobody-else-has";

const GUESS: &str = "wrong-guess-of-it";

const ADMIN_TOKEN: &str = "the-operators-token-which-is-long-enough";

const SETTING: &str = "a-setting-that-only-its-component-sees";

/// Everything but what the compiler tells of its own work, which is gigabytes.
const COMPILED: &str = "trace,wasmtime=info,wasmtime_cranelift=info,wasmtime_environ=info,wasmtime_internal_cranelift=info,\
     wasmtime_internal_unwinder=info,cranelift_codegen=info,cranelift_frontend=info,cranelift_entity=info,regalloc2=info,wasmparser=info";

/// The operator's token, and a component with a secret setting.
const MORE: &str = r#"
[admin]
token = { file = "admin.token" }

[components.keeper]
artifact = "payment.wasm"
databases = ["payment"]
config = { provider-token = { env = "KEEPER_TOKEN" } }
"#;

/// A place in which everything is compiled already: what the compiler tells of its work is gigabytes.
fn place() -> Place {
    let place = Place::with(MORE);
    fs::create_dir_all(place.data()).expect("a folder");
    write(&place, "admin.token", ADMIN_TOKEN, 0o600);
    start(&place, "info").stop();
    place
}

fn write(place: &Place, name: &str, secret: &str, mode: u32) {
    let path = place.data().join(name);
    fs::write(&path, secret).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("changed");
}

fn start(place: &Place, log: &str) -> Host {
    let mut command = place.command(&place.data());
    command.env("KEEPER_TOKEN", SETTING);
    place.start_as(command.args(["--admin-listen", "127.0.0.1:0", "--log", log]))
}

/// Everything by which a key could be known: itself, and what programs make of bytes.
fn forms(key: &str) -> Vec<String> {
    let bytes = hex::decode(key).expect("hexadecimal digits");
    let list = |bytes: &[u8]| format!("{bytes:?}").trim_matches(['[', ']']).to_owned();
    vec![
        key.to_owned(),
        key.to_uppercase(),
        base64(key.as_bytes()),
        base64(&bytes),
        list(&bytes),
        list(key.as_bytes()),
    ]
}

#[track_caller]
fn assert_hidden(text: &str, place: &str, secrets: &[String]) {
    for (number, secret) in secrets.iter().enumerate() {
        // A failure must not print the secret either.
        assert!(!text.contains(secret.as_str()), "secret {number} is in {place}");
    }
}

/// A sign-up, log-ins, a refresh and a purchase: the customer's tokens.
fn shop(host: &Host) -> [String; 2] {
    let post = |path: &str, token: Option<&str>, body| host.post(&format!("{}{path}", host.shop), token, &body);
    let form = json!({
        "password": PASSWORD, "firstname": "Ada", "lastname": "Byron", "email": "ada@example.org",
        "address": "12 St James Square, London", "phone_number": "+44 20 7946 0000",
    });
    let (_, tokens) = post("/api/account/auth/signup", None, form);
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let (access, refresh) = (text(&tokens["access_token"]), text(&tokens["refresh_token"]));
    for (password, expected) in [(PASSWORD, 200), (GUESS, 401)] {
        let credentials = json!({ "email": "ada@example.org", "password": password });
        assert_eq!(post("/api/account/auth/login", None, credentials).0, expected);
    }
    let renewed = post("/api/account/auth/refresh", None, json!({ "refresh_token": refresh }));
    assert_eq!(renewed.0, 200);
    let product =
        json!({ "name": "Lute", "description": "Six courses", "brand_name": "Bragi", "price": 120, "inventory": 3 });
    let (_, product) = post("/api/product", None, product);
    let cart = json!({ "purchase_items": [{ "product_id": product["id"], "amount": 2 }], "payment": { "currency_code": "US" } });
    let (status, bought) = post("/api/purchase", Some(&access), cart);
    assert_eq!(status, 201, "{bought}");
    let page = format!("{}/api/payment/{}", host.shop, bought["purchase_id"]);
    host.until(&access, || (ask(&page, &access).0 == 200).then_some(()));
    [access, refresh]
}

fn ask(url: &str, token: &str) -> (u16, String) {
    let answer = agent()
        .get(url)
        .header("authorization", format!("Bearer {token}"))
        .call();
    let mut answer = answer.expect("an answer");
    (
        answer.status().as_u16(),
        answer.body_mut().read_to_string().expect("a text"),
    )
}

#[test]
fn no_key_token_or_password_is_ever_printed() {
    let place = place();
    let host = start(&place, "trace");
    let tokens = shop(&host);
    let mut shown = String::new();
    for path in ["components", "sagas", "databases"] {
        let (status, text) = ask(&format!("{}/admin/v1/{path}", host.admin), ADMIN_TOKEN);
        assert_eq!(status, 200, "{text}");
        shown.push_str(&text);
    }
    shown.push_str(&ask(&format!("{}/metrics", host.admin), ADMIN_TOKEN).1);
    for (admin, expected) in [(host.admin.as_str(), 0), ("http://127.0.0.1:9", 2)] {
        let mut command = skald();
        command.args(["--log", "trace", "sagas", "ls", "--admin", admin]);
        let (code, printed, error) = told(&command.env("SKALD_ADMIN_TOKEN", ADMIN_TOKEN).output().expect("it ran"));
        assert_eq!(code, expected, "{error}");
        shown.push_str(&printed);
        shown.push_str(&error);
    }
    host.stop();

    let key = fs::read_to_string(place.data().join("keys/customer-1.key")).expect("read");
    let mut secrets = forms(key.trim());
    secrets.extend(tokens);
    secrets.extend([PASSWORD, GUESS, ADMIN_TOKEN, SETTING, "$argon2"].map(str::to_owned));
    let log = place.log();
    assert!(log.contains("TRACE"), "only what is logged anyway was looked at");
    assert_hidden(&log, "the log", &secrets);
    assert_hidden(&shown, "what operators are shown", &secrets);
}

#[test]
fn a_start_that_fails_prints_no_secret() {
    let unsafe_key = "0123456789abcdef".repeat(4);
    let key = |secret: &str, mode| (String::new(), Some((secret.to_owned(), mode)));
    let manifest = |more: &str| (more.to_owned(), None);
    let cases = [
        manifest(&format!(
            "[databases.far]\nurl = \"postgres://app:{PASSWORD}@db.example.org/shop\"\n"
        )),
        manifest(&format!(
            "[databases.far]\nurl = \"sqlite://app:{PASSWORD}@db.example.org\"\n"
        )),
        manifest(&format!(
            "[keyrings.more]\nkeys = [{{ kid = \"1\", secret = \"{PASSWORD}\" }}]\n"
        )),
        manifest(&format!("[keyrings.more]\nkeys = [\"{PASSWORD}\"]\n")),
        manifest(&format!(
            "[keyrings.more]\nkeys = [{{ kid = \"1\", secret = \"{PASSWORD}\n"
        )),
        manifest("[components.lost]\nartifact = \"lost.wasm\"\nconfig = { token = { env = \"KEEPER_TOKEN\" } }\n"),
        key(&unsafe_key, 0o644),
        key(PASSWORD, 0o600),
    ];
    for (more, key) in cases {
        let place = Place::with(&format!("{MORE}{more}"));
        fs::create_dir_all(place.data().join("keys")).expect("a folder");
        write(&place, "admin.token", ADMIN_TOKEN, 0o600);
        if let Some((secret, mode)) = key {
            write(&place, "keys/customer-1.key", &secret, mode);
        }
        let mut command = place.command(&place.data());
        command.env("KEEPER_TOKEN", SETTING);
        let (code, printed, error) = told(
            &command
                .args(["--admin-listen", "127.0.0.1:0", "--log", COMPILED])
                .output()
                .expect("it ran"),
        );
        let secrets = [PASSWORD, ADMIN_TOKEN, SETTING, &unsafe_key].map(str::to_owned);
        let all = format!("{printed}{error}");
        assert_hidden(&all, "what a failing start prints", &secrets);
        assert_eq!(code, 2, "{error}");
    }
}

#[test]
fn what_holds_keys_shows_none_of_them_for_debugging() {
    let place = place();
    let manifest = fs::read_to_string(place.path("skald.toml")).expect("read");
    let manifest = skald_manifest::parse(&manifest).expect("no faults");
    let rings = Keyring::load_all(&manifest.keyrings, &place.data()).expect("they are there");
    let key = fs::read_to_string(place.data().join("keys/customer-1.key")).expect("read");
    let shown = format!("{rings:?} {rings:#?} {manifest:?}");
    assert!(shown.contains("customer"), "{shown}");
    assert_hidden(&shown, "what is printed for debugging", &forms(key.trim()));
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
