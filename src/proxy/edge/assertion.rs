//! What we sign for applications: who asks, how they signed in, for which route.
//!
//! An application that checks it needs no network that only we can reach it by.

use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::time::Duration;
use std::time::SystemTime;

use serde_json::Value;
use serde_json::json;

use crate::jwt::PublicKey;
use crate::jwt::SigningError;
use crate::jwt::SigningKey;
use crate::policy::ClaimValue;
use crate::policy::Person;
use crate::time::seconds;

/// Signs assertions, for all workers.
#[derive(Debug)]
pub struct Asserter(RwLock<Arc<AssertionKeys>>);

/// The keys in force.
#[derive(Debug)]
pub(super) struct AssertionKeys {
    current: SigningKey,
    /// A JWK Set of all that somebody may have to check with.
    published: String,
}

impl AssertionKeys {
    /// `current` signs; the `others` are published beside it.
    pub(super) fn new(current: SigningKey, others: Vec<PublicKey>) -> Self {
        let all = [current.public_key()].into_iter().chain(others);
        let all: Vec<_> = all.map(|key| jwk(&key)).collect();
        Self {
            current,
            published: json!({ "keys": all }).to_string(),
        }
    }
}

fn jwk(key: &PublicKey) -> Value {
    let mut jwk: serde_json::Map<_, _> = key.to_jwk().into_iter().collect();
    let kid = key.thumbprint();
    for (name, value) in [("alg", "ES256"), ("use", "sig"), ("kid", &kid)] {
        jwk.insert(name.to_owned(), value.into());
    }
    jwk.into()
}

/// What one is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct About<'a> {
    /// The route, as a URL.
    pub(super) audience: &'a str,
    /// Ours, as a URL.
    pub(super) issuer: &'a str,
    pub(super) now: SystemTime,
    pub(super) person: &'a Person,
    /// The session's handle, if there is one.
    pub(super) session: Option<&'a str>,
}

impl Asserter {
    /// One that signs with `keys`.
    pub(super) fn new(keys: AssertionKeys) -> Self {
        Self(RwLock::new(Arc::new(keys)))
    }

    /// Signs with these from now on.
    pub(super) fn replace(&self, keys: AssertionKeys) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    fn current(&self) -> Arc<AssertionKeys> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The keys that assertions are checked with, a JWK Set.
    pub(super) fn keys(&self) -> String {
        self.current().published.clone()
    }

    /// The assertion `about` somebody; good for [`LIFETIME`].
    ///
    /// # Errors
    ///
    /// If it could not be signed.
    pub(super) fn assert(&self, about: About<'_>) -> Result<String, SigningError> {
        self.current().current.sign_body(&claims(about))
    }
}

fn claims(about: About<'_>) -> Value {
    let About {
        audience,
        issuer,
        now,
        person,
        session,
    } = about;
    let mut claims = json!({
        "iss": issuer,
        "aud": audience,
        "sub": person.id(),
        "iat": seconds(now),
        "exp": seconds(now).saturating_add(LIFETIME.as_secs()),
        "sid": session,
        "idp": person.provider.as_str(),
        "email_verified": person.email_verified,
        "groups": person.groups,
        "roles": person.roles,
        "amr": person.amr,
    });
    let mut add = |name: &str, value: Option<Value>| {
        if let (Some(all), Some(value)) = (claims.as_object_mut(), value) {
            all.entry(name).or_insert(value);
        }
    };
    let text = |text: &Option<Box<str>>| text.as_deref().map(Value::from);
    add("email", text(&person.email));
    add("name", text(&person.name));
    add("acr", text(&person.acr));
    add(
        "auth_time",
        person.authenticated_at.map(|at| seconds(at).into()),
    );
    for (name, value) in &person.claims {
        // Never one of those above: `or_insert`.
        add(name, Some(claim(value)));
    }
    claims
}

fn claim(value: &ClaimValue) -> Value {
    match value {
        ClaimValue::Bool(truth) => (*truth).into(),
        ClaimValue::Long(number) => (*number).into(),
        ClaimValue::Text(text) => text.as_ref().into(),
        ClaimValue::Texts(texts) => json!(texts),
    }
}

/// How long an assertion is good.
pub(super) const LIFETIME: Duration = Duration::from_secs(300);

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::proxy::edge) fn person() -> Person {
        let texts = |texts: &[&str]| texts.iter().map(|&text| text.into()).collect();
        Person {
            acr: Some("gold".into()),
            amr: texts(&["pwd", "otp"]),
            authenticated_at: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(900)),
            claims: [
                ("department".into(), ClaimValue::Text("sales".into())),
                ("level".into(), ClaimValue::Long(3)),
                ("sub".into(), ClaimValue::Text("root".into())),
                ("exp".into(), ClaimValue::Long(i64::MAX)),
            ]
            .into(),
            email: Some("a@example.org".into()),
            email_verified: true,
            groups: texts(&["ops, and more", "eng"]),
            name: Some("Älice".into()),
            provider: "corp".parse().unwrap(),
            roles: texts(&[]),
            subject: "alice".parse().unwrap(),
        }
    }

    #[test]
    fn it_says_who_and_for_what_and_no_claim_takes_the_place_of_that() {
        let person = person();
        let about = About {
            audience: "https://a.example/api",
            issuer: "https://a.example",
            now: SystemTime::UNIX_EPOCH + Duration::from_secs(1_000),
            person: &person,
            session: Some("abc"),
        };
        let said = claims(about);
        let expected = json!({
            "iss": "https://a.example", "aud": "https://a.example/api", "sub": "corp/alice",
            "iat": 1_000, "exp": 1_300, "sid": "abc", "idp": "corp",
            "email": "a@example.org", "email_verified": true, "name": "Älice",
            "groups": ["eng", "ops, and more"], "roles": [], "amr": ["otp", "pwd"],
            "acr": "gold", "auth_time": 900, "department": "sales", "level": 3,
        });
        assert_eq!(said, expected);
    }

    #[test]
    fn whoever_has_the_keys_can_check_it() {
        let asserter = Asserter::new(AssertionKeys::new(
            SigningKey::generate().unwrap(),
            Vec::new(),
        ));
        let person = person();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        let about = About {
            audience: "https://a/",
            issuer: "https://a",
            now,
            person: &person,
            session: Some("s"),
        };
        let token = asserter.assert(about).unwrap();
        let keys: jsonwebtoken::jwk::JwkSet = serde_json::from_str(&asserter.keys()).unwrap();
        let header = jsonwebtoken::decode_header(&token).unwrap();
        let key = keys.find(header.kid.as_deref().unwrap()).unwrap();
        let key = jsonwebtoken::DecodingKey::from_jwk(key).unwrap();
        let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
        rules.set_audience(&["https://a/"]);
        // The token is of long ago.
        rules.validate_exp = false;
        let read = jsonwebtoken::decode::<Value>(&token, &key, &rules).unwrap();
        assert_eq!(read.claims["sub"], "corp/alice");
        rules.set_audience(&["https://b/"]);
        assert!(jsonwebtoken::decode::<Value>(&token, &key, &rules).is_err());
    }
}
