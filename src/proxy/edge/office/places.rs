//! Our own places on every host, and what may be asked of them.

use http::HeaderValue;
use http::Method;
use http::StatusCode;
use http::header;

use crate::proxy::edge::errand::Asked;
use crate::proxy::edge::html;
use crate::proxy::edge::office::OfficeDesk;
use crate::proxy::edge::page::Page;
use crate::proxy::edge::passage::PLACE;
use crate::proxy::edge::passage::WELL_KNOWN;

impl OfficeDesk {
    /// Answers what is asked of one of our own places.
    pub(super) async fn place(&self, asked: Asked) -> Page {
        let path = asked.target.path().to_owned();
        if let Some(place) = path.strip_prefix(WELL_KNOWN) {
            return match (place, is_read(&asked.method)) {
                ("/jwks.json", true) => self.keys(),
                ("/jwks.json", false) => not_so("GET, HEAD"),
                _ => nothing_here(),
            };
        }
        let (first, name) = parts(&path);
        let is_post = asked.method == Method::POST;
        match (first, name) {
            ("", None) if is_read(&asked.method) => self.me(&asked),
            ("style.css", None) if is_read(&asked.method) => style(),
            ("sign-in", None) if is_read(&asked.method) => self.begin(asked).await,
            ("callback", Some(provider)) if asked.method == Method::GET => {
                self.callback(provider, asked).await
            }
            ("sign-out", None) if is_post => self.sign_out(asked).await,
            ("sign-out", None) if is_read(&asked.method) => self.may_sign_out(&asked),
            ("device", None) if is_post => self.begin_device(asked).await,
            ("device", Some("token")) if is_post => self.device_token(asked).await,
            ("sessions", Some("end")) if is_post => self.end_another(asked).await,
            ("backchannel-logout", Some(provider)) if is_post => {
                self.backchannel(provider, asked).await
            }
            ("frontchannel-logout", Some(provider)) if is_read(&asked.method) => {
                self.frontchannel(provider, asked).await
            }
            ("" | "style.css" | "sign-in", None) => not_so("GET, HEAD"),
            ("callback", Some(_)) => not_so("GET"),
            ("sign-out", None) => not_so("GET, HEAD, POST"),
            ("device", None | Some("token"))
            | ("sessions", Some("end"))
            | ("backchannel-logout", Some(_)) => not_so("POST"),
            ("frontchannel-logout", Some(_)) => not_so("GET, HEAD"),
            _ => nothing_here(),
        }
    }

    /// What assertions are checked with.
    fn keys(&self) -> Page {
        Page::done(StatusCode::OK, None)
            .of("application/jwk-set+json", self.asserter.keys())
            .with(
                header::CACHE_CONTROL,
                HeaderValue::from_static("public, max-age=300"),
            )
    }
}

/// What follows `/.portreeve/`: up to the next slash, and from there on.
pub(in crate::proxy::edge) fn parts(path: &str) -> (&str, Option<&str>) {
    let place = path.strip_prefix(PLACE).unwrap_or_default();
    let place = place.strip_prefix('/').unwrap_or_default();
    match place.split_once('/') {
        Some((first, name)) => (first, Some(name)),
        None => (place, None),
    }
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

fn style() -> Page {
    Page::done(StatusCode::OK, None)
        .of("text/css; charset=utf-8", html::STYLE)
        .with(
            header::CACHE_CONTROL,
            HeaderValue::from_static("public, max-age=3600"),
        )
}

fn nothing_here() -> Page {
    let body = "<p><a href=\"/.portreeve/\">Who am I here?</a></p>\n";
    Page::refused(StatusCode::NOT_FOUND, "no_such_place")
        .html(html::page("There is nothing here", body))
}

fn not_so(allowed: &'static str) -> Page {
    Page::refused(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed")
        .of(
            "text/plain; charset=utf-8",
            "This place is not asked in that way.\n",
        )
        .with(header::ALLOW, HeaderValue::from_static(allowed))
}
