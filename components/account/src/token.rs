//! Pairs of tokens. The host signs and checks them; what stands in them is settled here.

use serde::{Deserialize, Serialize};
use serde_json::json;
use skald_sdk::config;
use skald_sdk::http::{Problem, Response};
use skald_sdk::identity::tokens::{self, Error};

/// The label under which the manifest grants the keys.
const RING: &str = "customer";

/// What stands in a token, beside the times that the host adds.
#[derive(Serialize, Deserialize)]
struct Claims {
    customer_id: u64,
    /// A refresh token is no access token, and the reverse.
    refresh: bool,
}

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It says who is asking.
    Access,
    /// It is exchanged for a new pair.
    Refresh,
}

/// An answer that hands a customer a new pair.
pub fn pair(status: u16, customer: u64) -> Result<Response, Problem> {
    let refresh_token = sign(customer, Purpose::Refresh, config::get_or("refresh-ttl-s", 24 * 3600)?)?;
    let access_token = sign(customer, Purpose::Access, config::get_or("access-ttl-s", 3 * 3600)?)?;
    Ok(Response::json(
        status,
        &json!({ "refresh_token": refresh_token, "access_token": access_token }),
    ))
}

fn sign(customer_id: u64, purpose: Purpose, ttl_s: u32) -> Result<String, Problem> {
    let claims = serde_json::to_string(&Claims {
        customer_id,
        refresh: purpose == Purpose::Refresh,
    })?;
    Ok(tokens::sign(RING, &claims, ttl_s)?)
}

/// The customer to whom a token for this purpose was given.
pub fn customer(token: &str, purpose: Purpose) -> Result<u64, Error> {
    bearer(&tokens::verify(RING, token)?, purpose)
}

/// A token that was signed with our keys for something else is as good as forged.
fn bearer(claims: &str, purpose: Purpose) -> Result<u64, Error> {
    match serde_json::from_str(claims) {
        Ok(Claims { customer_id, refresh }) if refresh == (purpose == Purpose::Refresh) => Ok(customer_id),
        Ok(_) => Err(Error::Forged("the token is for another purpose".to_owned())),
        Err(error) => Err(Error::Forged(format!("the claims are not ours: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::{Purpose, bearer};

    #[test]
    fn a_token_serves_its_own_purpose_only() {
        let cases = [
            (r#"{"customer_id":7,"refresh":false,"iat":1,"exp":2}"#, Some(7), None),
            (r#"{"customer_id":7,"refresh":true,"iat":1,"exp":2}"#, None, Some(7)),
            (r#"{"customer_id":7}"#, None, None),
            (r#"{"refresh":false}"#, None, None),
            (r#"{"customer_id":"7","refresh":false}"#, None, None),
            (r#"{"customer_id":-7,"refresh":true}"#, None, None),
            ("[]", None, None),
        ];
        for (claims, access, refresh) in cases {
            assert_eq!(bearer(claims, Purpose::Access).ok(), access, "{claims}");
            assert_eq!(bearer(claims, Purpose::Refresh).ok(), refresh, "{claims}");
        }
    }
}
