//! How the provider's pages look, and what browsers may do with them.

use http::HeaderName;
use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http::header;
use serde_json::Value;

use crate::demo::provider::wish::Wish;
use crate::proxy::Shown;

/// An answer, with what protects it.
#[derive(Debug)]
pub(super) struct Page(Response<String>);

impl Page {
    fn new(status: StatusCode, kind: &'static str, body: String) -> Self {
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let page = Self(response)
            .with(header::CONTENT_TYPE, kind)
            .with(header::CACHE_CONTROL, "no-store")
            .with(header::CONTENT_SECURITY_POLICY, CONTENT_POLICY)
            .with(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        page.with(header::REFERRER_POLICY, "same-origin")
    }

    pub(super) fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::try_from(value) {
            self.0.headers_mut().append(name, value);
        }
        self
    }

    pub(super) fn into_response(self) -> Response<String> {
        self.0
    }
}

/// On to `place`.
pub(super) fn redirect(place: &str) -> Page {
    let page = Page::new(
        StatusCode::SEE_OTHER,
        "text/plain; charset=utf-8",
        String::new(),
    );
    page.with(header::LOCATION, place)
}

pub(super) fn json(status: StatusCode, body: &Value) -> Page {
    Page::new(status, "application/json", format!("{body}\n"))
}

/// A whole page. `body` is HTML.
pub(super) fn page(status: StatusCode, title: &str, body: &str) -> Page {
    let title = Shown(title);
    let text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title} · development provider</title>\n\
         <link rel=\"stylesheet\" href=\"/style.css\">\n</head>\n<body>\n\
         <p class=\"notice\" role=\"note\"><strong>Development provider.</strong> It runs on this machine only, \
         for the demo, and asks for no password: whoever opens this page is whoever they click on.</p>\n\
         <main>\n<h1>{title}</h1>\n{body}</main>\n</body>\n</html>\n"
    );
    Page::new(status, "text/html; charset=utf-8", text)
}

/// A page for a request that makes no sense.
pub(super) fn mistake(status: StatusCode, words: &str) -> Page {
    let body = format!(
        "<p>{}</p>\n<p><a href=\"/\">Who is who here</a></p>\n",
        Shown(words)
    );
    page(status, "This cannot be done", &body)
}

/// What was asked for, to be asked again from a form. What a form's own button
/// says is left out.
pub(super) fn hidden(wish: &Wish) -> String {
    let fields = wish.iter().filter(|(name, _)| *name != "person");
    let fields = fields.map(|(name, value)| {
        format!(
            "<input type=\"hidden\" name=\"{}\" value=\"{}\">\n",
            Shown(name),
            Shown(value)
        )
    });
    fields.collect()
}

pub(super) fn style() -> Page {
    Page::new(StatusCode::OK, "text/css; charset=utf-8", STYLE.to_owned())
}

/// Forms lead to ourselves, and from there to applications on this machine:
/// browsers hold redirects to it as well.
const CONTENT_POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' https://localhost:*";

const STYLE: &str = include_str!("style.css");
