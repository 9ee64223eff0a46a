//! A sign-in that has begun, as the browser keeps it for us.
//!
//! It is sealed: the browser cannot read or change it, and it is tied to the
//! browser because it is there and nowhere else. Whoever is sent a link to the
//! end of somebody else's sign-in has no such cookie.

use std::time::Duration;
use std::time::SystemTime;

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::Serialize;

use crate::proxy::edge::cookies::LOGIN;
use crate::store::SealingKey;
use crate::time::seconds;

/// What is to be remembered until the browser comes back.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Flow {
    /// Host and port that it began on.
    pub(super) authority: String,
    /// Seconds since 1970.
    pub(super) expires: u64,
    pub(super) is_step_up: bool,
    pub(super) nonce: String,
    pub(super) provider: String,
    pub(super) return_to: String,
    pub(super) verifier: String,
}

/// 256 random bits as a word; none if the system has none.
pub(super) fn random() -> Option<String> {
    let mut bits = [0_u8; 32];
    rand::fill(&mut bits).ok()?;
    Some(BASE64_URL_SAFE_NO_PAD.encode(bits))
}

/// The number of a flow that begins `now`: earlier ones sort before later ones.
pub(super) fn number(now: SystemTime) -> Option<String> {
    Some(format!("{:010x}{}", seconds(now), random()?))
}

impl Flow {
    /// The cookie that keeps it under `number`.
    pub(super) fn to_cookie(&self, number: &str, key: &SealingKey) -> Option<String> {
        let text = serde_json::to_vec(self).ok()?;
        let sealed = key.seal(&sealed_name(number), &text).ok()?;
        let seconds = LIFETIME.as_secs();
        Some(format!(
            "{LOGIN}{number}={sealed}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax"
        ))
    }

    /// That of `cookies` which is under `number`, if it is still good `now`.
    pub(super) fn from_cookies(
        cookies: &[String],
        number: &str,
        (key, now): (&SealingKey, SystemTime),
    ) -> Option<Self> {
        let mut named = cookies.iter().filter_map(|cookie| {
            let (name, value) = cookie.split_once('=')?;
            (name.strip_prefix(LOGIN)? == number).then_some(value)
        });
        let (sealed, None) = (named.next()?, named.next()) else {
            return None;
        };
        let text = key.unseal(&sealed_name(number), sealed).ok()?;
        let flow: Self = serde_json::from_slice(&text).ok()?;
        (seconds(now) < flow.expires).then_some(flow)
    }

    /// When one that begins `now` is no good any more.
    pub(super) fn expiry(now: SystemTime) -> u64 {
        seconds(now).saturating_add(LIFETIME.as_secs())
    }
}

/// The cookie that ends what `cookie` (`name=value`) kept.
pub(super) fn forgotten(cookie: &str) -> String {
    let name = cookie.split_once('=').map_or(cookie, |(name, _)| name);
    format!("{name}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax")
}

/// Those of `cookies` that must go so that one more may come: the oldest.
pub(super) fn too_many(cookies: &[String]) -> Vec<String> {
    let mut sorted = cookies.to_vec();
    sorted.sort_unstable();
    let spare = (sorted.len() + 1).saturating_sub(MOST);
    sorted.truncate(spare);
    sorted
}

fn sealed_name(number: &str) -> String {
    format!("sign-in {number}")
}

/// Long enough for a second factor that has to be looked for.
pub(super) const LIFETIME: Duration = Duration::from_secs(600);
/// Tabs that wait for their sign-in. Each costs a kilobyte in every request.
const MOST: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn flow() -> Flow {
        Flow {
            authority: "a.example".to_owned(),
            expires: 1_600,
            is_step_up: false,
            nonce: "n".to_owned(),
            provider: "corp".to_owned(),
            return_to: "/x?y".to_owned(),
            verifier: "v".to_owned(),
        }
    }

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn only_the_browser_that_began_can_go_on_and_only_for_a_while() {
        let folder = tempfile::tempdir().unwrap();
        let key = SealingKey::load_or_make(&folder.path().join("key")).unwrap();
        let other = SealingKey::load_or_make(&folder.path().join("other")).unwrap();
        let cookie = flow().to_cookie("7", &key).unwrap();
        let (kept, attributes) = cookie.split_once("; ").unwrap();
        assert_eq!(
            attributes,
            "Path=/; Max-Age=600; Secure; HttpOnly; SameSite=Lax"
        );
        let (name, value) = kept.split_once('=').unwrap();
        assert_eq!(name, "__Host-portreeve-login-7");
        assert!(!value.contains("a.example"));
        let read = |cookies: &[&str], number: &str, key, now| {
            let cookies: Vec<_> = cookies.iter().map(|&text| text.to_owned()).collect();
            Flow::from_cookies(&cookies, number, (key, at(now)))
        };
        assert_eq!(
            read(&["__Host-portreeve-login-8=x", kept], "7", &key, 1_599),
            Some(flow())
        );
        // Too late; another number; another key; twice; moved to another number; changed.
        assert_eq!(read(&[kept], "7", &key, 1_600), None);
        assert_eq!(read(&[kept], "8", &key, 1_000), None);
        assert_eq!(read(&[], "7", &key, 1_000), None);
        assert_eq!(read(&[kept], "7", &other, 1_000), None);
        assert_eq!(read(&[kept, kept], "7", &key, 1_000), None);
        let moved = format!("__Host-portreeve-login-8={value}");
        assert_eq!(read(&[&moved], "8", &key, 1_000), None);
        let mut changed = kept.to_owned();
        changed.replace_range(
            kept.len() - 1..,
            if kept.ends_with('0') { "1" } else { "0" },
        );
        assert_eq!(read(&[&changed], "7", &key, 1_000), None);
        assert!(forgotten(kept).starts_with("__Host-portreeve-login-7=; Path=/; Max-Age=0;"));
    }

    #[test]
    fn the_oldest_make_room() {
        let cookies: Vec<_> = [3, 1, 2, 5, 4]
            .map(|at| format!("{}=x", number(self::at(at)).unwrap()))
            .into();
        let gone = too_many(&cookies);
        assert_eq!(gone, [cookies[1].clone()]);
        assert!(too_many(&cookies[..4]).is_empty());
    }
}
