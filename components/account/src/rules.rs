//! What customers may enter.

use skald_sdk::json::{Invalid, Object};

/// The most characters that a name or a telephone number has.
const TEXT: usize = 255;

/// An e-mail address.
#[derive(Debug, PartialEq)]
pub struct Email<'a> {
    /// As it was entered.
    pub entered: &'a str,
    /// In small letters: two addresses that differ in nothing else are the same.
    pub key: String,
}

impl<'a> Email<'a> {
    /// Reads the field `email`. The rules are few on purpose: only a letter that arrives proves an
    /// address, and 254 characters are the longest that mail can be sent to (RFC 5321).
    pub fn read(body: &'a Object) -> Result<Self, Invalid> {
        let entered = body.string("email", 3..=254)?;
        let sound = match entered.split_once('@') {
            Some((mailbox, host)) => !mailbox.is_empty() && !host.is_empty() && !host.contains('@'),
            None => false,
        };
        if !sound || entered.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(body.wrong("email", "must be an e-mail address"));
        }
        Ok(Self {
            entered,
            key: entered.to_lowercase(),
        })
    }
}

/// What a customer is called.
pub struct Person<'a> {
    pub firstname: &'a str,
    pub lastname: &'a str,
    pub email: Email<'a>,
}

impl<'a> Person<'a> {
    /// Reads the fields of the same names.
    pub fn read(body: &'a Object) -> Result<Self, Invalid> {
        Ok(Self {
            firstname: body.text("firstname", TEXT)?,
            lastname: body.text("lastname", TEXT)?,
            email: Email::read(body)?,
        })
    }
}

/// Where a customer's goods go.
pub struct Shipping<'a> {
    pub address: &'a str,
    pub phone_number: &'a str,
}

impl<'a> Shipping<'a> {
    /// Reads the fields of the same names.
    pub fn read(body: &'a Object) -> Result<Self, Invalid> {
        Ok(Self {
            address: body.text("address", 1024)?,
            phone_number: body.text("phone_number", TEXT)?,
        })
    }
}

/// A password to be: 8 to 128 characters, whichever they are.
pub fn new_password<'a>(body: &'a Object) -> Result<&'a str, Invalid> {
    body.string("password", 8..=128)
}

/// A password to be tried. One that nobody could have set is wrong, but no mistake of the form.
pub fn tried_password<'a>(body: &'a Object) -> Result<&'a str, Invalid> {
    body.string("password", 1..=1024)
}

#[cfg(test)]
mod tests {
    use super::{Email, Person, Shipping, new_password};
    use serde_json::{Value, json};
    use skald_sdk::json::Object;

    fn object(value: &Value) -> Object<'static> {
        Object::parse(value.to_string().as_bytes()).expect("the cases are objects")
    }

    #[test]
    fn an_address_has_two_parts_and_no_blanks() {
        let long = |length: usize| format!("{}@example.com", "a".repeat(length - 12));
        let cases = [
            ("a@b".to_owned(), true),
            ("Ann.O'Neill+shop@example.com".to_owned(), true),
            ("grüße@example.com".to_owned(), true),
            (long(254), true),
            (long(255), false),
            (String::new(), false),
            ("@".to_owned(), false),
            ("a@".to_owned(), false),
            ("@b".to_owned(), false),
            ("a.b".to_owned(), false),
            ("a@b@c".to_owned(), false),
            ("a b@c".to_owned(), false),
            (" a@b".to_owned(), false),
            ("a@b\n".to_owned(), false),
            ("a\0@b".to_owned(), false),
        ];
        for (email, sound) in cases {
            assert_eq!(
                Email::read(&object(&json!({ "email": email }))).is_ok(),
                sound,
                "{email:?}"
            );
        }
    }

    #[test]
    fn an_address_is_kept_as_entered_and_compared_in_small_letters() {
        for (entered, key) in [
            ("Ann@Example.com", "ann@example.com"),
            ("ÄNN@b", "änn@b"),
            ("a@b", "a@b"),
        ] {
            let body = object(&json!({ "email": entered }));
            assert_eq!(
                Email::read(&body),
                Ok(Email {
                    entered,
                    key: key.to_owned()
                })
            );
        }
    }

    #[test]
    fn a_password_has_8_to_128_characters_of_any_kind() {
        for (password, sound) in [
            ("1234567", false),
            ("12345678", true),
            ("        ", true),
            ("ÄÄÄÄÄÄÄ", false),
            ("ÄÄÄÄÄÄÄÄ", true),
        ] {
            assert_eq!(
                new_password(&object(&json!({ "password": password }))).is_ok(),
                sound,
                "{password}"
            );
        }
        for (length, sound) in [(128, true), (129, false)] {
            assert_eq!(
                new_password(&object(&json!({ "password": "✓".repeat(length) }))).is_ok(),
                sound,
                "{length}"
            );
        }
    }

    #[test]
    fn every_field_is_needed_and_none_is_blank() {
        let good =
            json!({ "firstname": "Ann", "lastname": "O", "email": "a@b", "address": "1 Main St", "phone_number": "1" });
        assert!(Person::read(&object(&good)).is_ok() && Shipping::read(&object(&good)).is_ok());
        for field in ["firstname", "lastname", "email", "address", "phone_number"] {
            for wrong in [
                json!(null),
                json!(1),
                json!(""),
                json!("  "),
                json!("a\0@b"),
                json!(["a@b"]),
                json!("x".repeat(1025)),
            ] {
                let mut body = good.clone();
                body[field] = wrong;
                let body = object(&body);
                assert!(
                    Person::read(&body).is_err() || Shipping::read(&body).is_err(),
                    "{field}: {body:?}"
                );
            }
        }
    }
}
