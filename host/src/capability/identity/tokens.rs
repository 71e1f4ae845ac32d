//! Tokens: JSON Web Tokens (RFC 7519), signed with HS256 and a `kid` that names the key.

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, encode, get_current_timestamp};
use serde_json::{Map, Value};

use super::Keyring;

/// The most bytes of a token that is looked at: the headers of a request hold no more.
const MAX_TOKEN: usize = 16 << 10;

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Error {
    Forged(String),
    Outlived,
    Garbled(String),
}

/// Signs the claims, a JSON object, with the newest key; `iat` and `exp` are set here.
pub(super) fn sign(ring: &Keyring, claims: &str, ttl_s: u32) -> Result<String, Error> {
    let mut claims: Map<String, Value> = serde_json::from_str(claims)
        .map_err(|error| Error::Garbled(format!("the claims are no JSON object: {error}")))?;
    let now = get_current_timestamp();
    claims.insert("iat".into(), now.into());
    claims.insert("exp".into(), (now + u64::from(ttl_s)).into());
    let (kid, key) = ring.signing();
    let header = Header {
        kid: Some(kid.to_owned()),
        ..Header::new(Algorithm::HS256)
    };
    encode(&header, &claims, key).map_err(|error| Error::Garbled(error.to_string()))
}

/// The claims of a token that one of the keys has signed and that is still good.
pub(super) fn verify(ring: &Keyring, token: &str) -> Result<String, Error> {
    if token.len() > MAX_TOKEN {
        return Err(Error::Forged("it is too long".into()));
    }
    let header = decode_header(token).map_err(|error| Error::Forged(error.to_string()))?;
    let kid = header.kid.ok_or_else(|| Error::Forged("it names no key".into()))?;
    let key = ring
        .verifying(&kid)
        .ok_or_else(|| Error::Forged("it names a key that is not known".into()))?;
    // No other algorithm is accepted, whatever the token says of itself.
    let mut validation = Validation::new(Algorithm::HS256);
    validation.leeway = 0;
    // RFC 7519, 4.1.4: not "on or after" that second.
    validation.reject_tokens_expiring_in_less_than = 1;
    validation.validate_aud = false;
    let found = decode::<Map<String, Value>>(token, key, &validation).map_err(|error| match error.kind() {
        ErrorKind::ExpiredSignature => Error::Outlived,
        _ => Error::Forged(error.to_string()),
    })?;
    serde_json::to_string(&found.claims).map_err(|error| Error::Garbled(error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use jsonwebtoken::EncodingKey;
    use skald_manifest::{Key, SecretRef};

    use super::*;

    fn ring(data: &Path, kids: &[&str]) -> Keyring {
        let key = |kid: &&str| Key {
            kid: (*kid).into(),
            secret: SecretRef::File(format!("{kid}.key").into()),
            generate: true,
        };
        let keys = skald_manifest::Keyring {
            keys: kids.iter().map(key).collect(),
        };
        let rings = Keyring::load_all(&BTreeMap::from([("ring".into(), keys)]), data).expect("loaded");
        std::sync::Arc::into_inner(rings.into_values().next().expect("one ring")).expect("one owner")
    }

    #[test]
    fn the_newest_key_signs_and_all_of_them_verify() {
        let data = tempfile::tempdir().expect("a folder");
        let old = ring(data.path(), &["1"]);
        let token = sign(&old, r#"{"customer_id":7}"#, 60).expect("signed");
        let rotated = ring(data.path(), &["2", "1"]);
        let claims: Value = serde_json::from_str(&verify(&rotated, &token).expect("verified")).expect("JSON");
        assert_eq!(claims["customer_id"], 7);
        let fresh = sign(&rotated, "{}", 60).expect("signed");
        assert_eq!(decode_header(&fresh).expect("a header").kid.as_deref(), Some("2"));
        assert!(
            matches!(verify(&old, &fresh), Err(Error::Forged(_))),
            "the old ring has no key 2"
        );
    }

    #[test]
    fn what_is_expired_forged_or_garbled_is_told_apart() {
        let data = tempfile::tempdir().expect("a folder");
        let ring = ring(data.path(), &["1"]);
        let expired = sign(&ring, "{}", 0).expect("signed");
        assert_eq!(verify(&ring, &expired), Err(Error::Outlived));
        assert!(matches!(sign(&ring, "[]", 60), Err(Error::Garbled(_))));

        let good = sign(&ring, "{}", 60).expect("signed");
        let (head, signature) = good.rsplit_once('.').expect("three parts");
        let tampered = format!("{head}x.{signature}");
        let claims = serde_json::json!({"exp": get_current_timestamp() + 60});
        let header = |alg| Header {
            kid: Some("1".into()),
            ..Header::new(alg)
        };
        let key = fs::read(data.path().join("1.key")).expect("the key");
        let other = EncodingKey::from_secret(b"another key that is long enough to be one");
        let same = EncodingKey::from_secret(key.trim_ascii());
        let forged = [
            tampered,
            "rubbish".into(),
            // {"alg":"none","kid":"1"}
            "eyJhbGciOiJub25lIiwia2lkIjoiMSJ9.eyJleHAiOjk5OTk5OTk5OTl9.".into(),
            encode(&header(Algorithm::HS256), &claims, &other).expect("signed"),
            encode(&header(Algorithm::HS512), &claims, &same).expect("signed"),
            encode(&Header::new(Algorithm::HS256), &claims, &same).expect("signed"),
        ];
        for token in forged {
            assert!(matches!(verify(&ring, &token), Err(Error::Forged(_))), "{token}");
        }
    }

    #[test]
    fn a_short_key_is_refused_without_being_told() {
        let data = tempfile::tempdir().expect("a folder");
        let path = data.path().join("short.key");
        fs::write(&path, "hunter2").expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("changed");
        let key = Key {
            kid: "1".into(),
            secret: SecretRef::File(path),
            generate: false,
        };
        let rings = BTreeMap::from([("ring".into(), skald_manifest::Keyring { keys: vec![key] })]);
        let errors = Keyring::load_all(&rings, data.path()).expect_err("too short");
        assert!(errors[0].to_string().contains("7 bytes"), "{errors:?}");
        assert!(!format!("{errors:?}").contains("hunter2"));
    }
}
