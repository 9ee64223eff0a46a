//! The TLS connection of a described caller.

use std::str::FromStr;
use std::time::Duration;
use std::time::SystemTime;

use crate::policy::Tls;
use crate::rehearsal::asked::moment;

/// How a caller is connected, as somebody describes it: `none`, or
/// `group=X25519,issued=2026-11-24T12:00:00Z,expires=…,serial=0a`. What is not
/// said is what a sidecar would do: a key exchange that is safe from quantum
/// computers, and a certificate that holds from half an hour before the request
/// to half an hour after.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Handshake {
    is_none: bool,
    group: Option<String>,
    issued: Option<SystemTime>,
    expires: Option<SystemTime>,
    serial: Option<String>,
}

impl Handshake {
    /// What policies get to know of it at `now`; nothing without TLS.
    pub(super) fn at(&self, now: SystemTime) -> Option<Tls> {
        let group = self.group.clone().unwrap_or_else(|| GROUP.to_owned());
        let serial = self.serial.clone().unwrap_or_else(|| "01".to_owned());
        let tls = Tls {
            group: group.into(),
            not_before: self.issued.or_else(|| now.checked_sub(HALF_AN_HOUR))?,
            not_after: self.expires.or_else(|| now.checked_add(HALF_AN_HOUR))?,
            serial: serial.into(),
        };
        (!self.is_none).then_some(tls)
    }
}

impl FromStr for Handshake {
    type Err = HandshakeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut handshake = Self::default();
        if text == "none" {
            handshake.is_none = true;
            return Ok(handshake);
        }
        for part in text.split(',') {
            let bad = || HandshakeError::BadPart { part: part.into() };
            let (key, value) = part.split_once('=').ok_or_else(bad)?;
            let time = || {
                moment(value).map_err(|cause| HandshakeError::BadTime {
                    text: value.into(),
                    cause,
                })
            };
            match key.trim() {
                "group" => handshake.group = Some(value.to_owned()),
                "issued" => handshake.issued = Some(time()?),
                "expires" => handshake.expires = Some(time()?),
                "serial" => handshake.serial = Some(value.to_owned()),
                _ => return Err(bad()),
            }
        }
        Ok(handshake)
    }
}

/// Why a text describes no handshake.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// Not a part of one.
    #[error("`{part}` is neither `none` nor one of `group=`, `issued=`, `expires=`, `serial=`")]
    BadPart {
        /// What was found.
        part: String,
    },
    /// Not a moment.
    #[error("`{text}` is no moment")]
    BadTime {
        /// What was found.
        text: String,
        /// Why not.
        #[source]
        cause: jiff::Error,
    },
}

/// What two sidecars agree on.
const GROUP: &str = "X25519MLKEM768";
/// Half of the life that an authority gives a certificate by default.
const HALF_AN_HOUR: Duration = Duration::from_secs(1800);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_not_said_is_what_a_sidecar_would_do() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(86_400);
        let tls = Handshake::default().at(now).unwrap();
        assert_eq!(tls.group, GROUP);
        assert_eq!(tls.not_after, now + HALF_AN_HOUR);
        let said = "group=X25519,issued=1970-01-01T00:00:00Z,serial=0a";
        let tls = said.parse::<Handshake>().unwrap().at(now).unwrap();
        assert_eq!((&*tls.group, &*tls.serial), ("X25519", "0a"));
        assert_eq!(tls.not_before, SystemTime::UNIX_EPOCH);
        assert_eq!("none".parse::<Handshake>().unwrap().at(now), None);
    }

    proptest! {
        #[test]
        fn any_text_is_a_handshake_or_refused(text in "((group|issued|expires|serial|none)[=,]?[0-9TZ:-]{0,8}){0,4}") {
            let parts_ok = text == "none" || text.split(',').all(|part| part.contains('='));
            prop_assert!(parts_ok || text.parse::<Handshake>().is_err());
        }
    }
}
