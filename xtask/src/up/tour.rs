//! What `cargo xtask up` prints once the shop is open: where it is, and a session to paste into another terminal.
//!
//! The README's tour is made of the same commands; a test keeps them equal.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use super::demo::Login;

/// The session, step by step. It needs a POSIX shell, curl and sed, and has no comments: some shells don't know them.
///
/// The stream is watched for a few seconds in the background; `sleep 1` lets it open before the purchase, because a
/// stream tells what happens from then on.
pub const STEPS: &[&str] = &[
    r#"TOKEN=$(curl -sS $SHOP/api/account/auth/signup --data '{"email":"ada-'$(date +%s)'@example.com","password":"correct horse","firstname":"Ada","lastname":"Byron","address":"12 St James Square, London","phone_number":"+44 20 7946 0000"}' | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
AUTH="Authorization: Bearer $TOKEN""#,
    r#"PRODUCT=$(curl -sS $SHOP/api/product --data '{"name":"Lute","description":"Six courses, spruce and maple","brand_name":"Bragi","price":120,"inventory":10}' | sed 's/[^0-9]//g')
curl -sS $SHOP/api/product/$PRODUCT; echo"#,
    r#"curl -sN --max-time 4 $SHOP/api/purchase/result -H "$AUTH" &
sleep 1
PURCHASE=$(curl -sS $SHOP/api/purchase -H "$AUTH" --data '{"purchase_items":[{"product_id":'$PRODUCT',"amount":2}],"payment":{"currency_code":"US"}}' | sed 's/[^0-9]//g')
wait"#,
    r#"curl -sS $SHOP/api/order/$PURCHASE -H "$AUTH"; echo
curl -sS $SHOP/api/payment/$PURCHASE -H "$AUTH"; echo"#,
];

/// The address as a client on this machine writes it: "every address" is no place to connect to.
pub fn url(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

/// The whole session for the shop at this URL, one command a line.
pub fn session(shop: &str) -> String {
    format!("{}\n{}", variable(shop), STEPS.join("\n"))
}

/// What is printed once the shop is open.
pub fn greeting(shop: &str, admin: &str, data: &Path, demo: Option<&Login>) -> String {
    let demo = demo.map_or_else(String::new, |login| {
        format!("  demo     {} with password {}\n", login.email, login.password)
    });
    format!(
        "\nThe shop is open; Ctrl-C closes it.\n\n  shop     {shop} (API: {shop}/docs)\n  admin    {admin}\n  data     {}\n{demo}\n\
         Sign up, buy, watch the saga, read order and payment: paste this into another terminal.\n\n{}\n",
        data.display(),
        session(shop)
    )
}

fn variable(shop: &str) -> String {
    format!("SHOP={shop}")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// The contents of the README's shell blocks.
    fn shell_blocks(text: &str) -> Vec<&str> {
        text.split("\n```sh\n")
            .skip(1)
            .filter_map(|rest| rest.split_once("\n```"))
            .map(|(block, _)| block)
            .collect()
    }

    #[test]
    fn the_readme_holds_the_same_session() {
        let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
        let told = shell_blocks(&readme).join("\n");
        let printed = session("http://127.0.0.1:8080");
        assert!(
            told.contains(&printed),
            "the README's tour should be these commands, in this order:\n{printed}"
        );
    }

    #[test]
    fn an_unspecified_address_is_reached_through_loopback() {
        let of = |address: &str| url(address.parse().unwrap());
        assert_eq!(of("0.0.0.0:80"), "http://127.0.0.1:80");
        assert_eq!(of("[::]:80"), "http://[::1]:80");
        assert_eq!(of("192.0.2.1:8080"), "http://192.0.2.1:8080");
    }

    #[test]
    fn the_session_is_plain_shell() {
        let session = session("http://127.0.0.1:1");
        assert_eq!(session.lines().next(), Some("SHOP=http://127.0.0.1:1"));
        for line in session.lines() {
            assert!(
                !line.is_empty() && !line.starts_with('#'),
                "{line:?} doesn't survive every interactive shell"
            );
        }
    }

    #[test]
    fn a_demo_start_prints_its_login() {
        let login = Login {
            email: "demo@example.com",
            password: "secret",
        };
        let told = greeting("http://a", "http://b", Path::new("data"), Some(&login));
        assert!(told.contains("demo@example.com with password secret"), "{told}");
        assert!(!greeting("http://a", "http://b", Path::new("data"), None).contains("demo"));
    }
}
