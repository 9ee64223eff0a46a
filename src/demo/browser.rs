//! A browser that shows nothing: keeps cookies, is led on, and clicks.

use std::collections::BTreeMap;
use std::io;

use http::HeaderMap;
use http::Method;
use http::Request;
use http::header;

use crate::demo::web::Reply;
use crate::demo::web::Web;

/// One person's browser, with its cookies.
#[derive(Debug)]
pub(super) struct Browser {
    /// By name: browsers tell no port from another.
    cookies: BTreeMap<String, String>,
    web: Web,
}

/// What stands in the address line, and what is seen.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) place: String,
    pub(super) reply: Reply,
}

impl Browser {
    pub(super) const fn new(web: Web) -> Self {
        Self {
            cookies: BTreeMap::new(),
            web,
        }
    }

    /// Opens `place`, and goes wherever that leads.
    pub(super) async fn open(&mut self, place: &str) -> io::Result<Seen> {
        self.follow(Method::GET, place, String::new()).await
    }

    /// Clicks on the button `(name, value)` of the form that was `seen`.
    pub(super) async fn click(&mut self, seen: &Seen, button: (&str, &str)) -> io::Result<Seen> {
        let page = &seen.reply.body;
        let action = between(page, "<form method=\"post\" action=\"", "\"")
            .ok_or_else(|| io::Error::other("no form is seen"))?;
        let mut form = form_urlencoded::Serializer::new(String::new());
        for field in page.split("<input type=\"hidden\" name=\"").skip(1) {
            let name = field.split('"').next().unwrap_or_default();
            let value = between(field, "value=\"", "\"").unwrap_or_default();
            form.append_pair(&read(name), &read(value));
        }
        if !button.0.is_empty() {
            form.append_pair(button.0, button.1);
        }
        let place = beside(&seen.place, &read(action));
        self.follow(Method::POST, &place, form.finish()).await
    }

    /// What is sent to be let in: the cookies, as a page's own request has them.
    pub(super) fn cookies(&self) -> String {
        let pairs = self.cookies.iter();
        let pairs: Vec<_> = pairs
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("; ")
    }

    async fn follow(&mut self, method: Method, place: &str, form: String) -> io::Result<Seen> {
        let (mut method, mut place, mut form) = (method, place.to_owned(), form);
        for _ in 0..MOST_REDIRECTS {
            let reply = self.ask(&method, &place, std::mem::take(&mut form)).await?;
            self.remember(&reply.headers);
            let onward = reply.headers.get(header::LOCATION);
            let Some(onward) = onward.filter(|_| reply.status.is_redirection()) else {
                return Ok(Seen { place, reply });
            };
            let onward = onward.to_str().map_err(io::Error::other)?;
            (method, place) = (Method::GET, beside(&place, onward));
        }
        Err(io::Error::other(format!("{place} leads round in circles")))
    }

    async fn ask(&self, method: &Method, place: &str, form: String) -> io::Result<Reply> {
        let mut request = Request::builder()
            .method(method)
            .uri(place)
            .header(header::ACCEPT, "text/html,*/*;q=0.8")
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-dest", "document");
        if !self.cookies.is_empty() {
            request = request.header(header::COOKIE, self.cookies());
        }
        if method == Method::POST {
            request = request
                .header(header::ORIGIN, origin(place))
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let request = request.body(form).map_err(io::Error::other)?;
        self.web.ask(request).await
    }

    fn remember(&mut self, headers: &HeaderMap) {
        for field in headers.get_all(header::SET_COOKIE) {
            let field = field.to_str().unwrap_or_default();
            let Some((name, value)) = field
                .split(';')
                .next()
                .and_then(|pair| pair.split_once('='))
            else {
                continue;
            };
            if field.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

/// `place` as a link on a page at `page` means it.
fn beside(page: &str, place: &str) -> String {
    if place.starts_with('/') {
        format!("{}{place}", origin(page))
    } else {
        place.to_owned()
    }
}

/// Scheme, host and port.
fn origin(place: &str) -> &str {
    let rest = place.strip_prefix("https://").unwrap_or_default();
    let host = rest.find('/').unwrap_or(rest.len());
    place
        .get(..place.len() - rest.len() + host)
        .unwrap_or(place)
}

fn between<'a>(text: &'a str, begin: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(begin)?;
    rest.split_once(end).map(|(found, _)| found)
}

/// HTML as text.
fn read(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

/// Signing in takes three.
const MOST_REDIRECTS: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_read_as_browsers_do() {
        let page = "https://localhost:1/a/b?c=/d";
        assert_eq!(origin(page), "https://localhost:1");
        assert_eq!(origin("https://localhost:1"), "https://localhost:1");
        assert_eq!(beside(page, "/e?f"), "https://localhost:1/e?f");
        assert_eq!(beside(page, "https://x/"), "https://x/");
        assert_eq!(read("a&amp;lt;&lt;&#39;"), "a&lt;<'");
    }
}
