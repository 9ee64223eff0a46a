//! What the shop shows to people: pages of an application that leaves the
//! signing in to others, and believes what its sidecar says of who asks.

use http::HeaderMap;
use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http::header;

use crate::demo::orders::Body;
use crate::demo::orders::whole;
use crate::proxy::Shown;

/// Who asks, and what there is to try. `provider` is where people are moved about.
pub(super) fn home(headers: &HeaderMap, provider: &str) -> Response<Body> {
    let body = format!(
        "<h1>The shop</h1>\n{}\
         <h2>Try</h2>\n<ul>\n\
         <li><a href=\"/orders/7\">Order 7</a>: for who is in <em>eng</em>. Others see why not.</li>\n\
         <li><a href=\"/orders/0\">Order 0</a>: for nobody.</li>\n\
         <li><a href=\"/till\">The till</a>: for who is in <em>ops</em> and signed in not 20 seconds ago. Others sign in again first.</li>\n\
         <li><a href=\"/live\">Orders as they come in</a>: until you may no longer see them.</li>\n\
         <li><a href=\"/.portreeve/\">Who am I here?</a> Sign out there, too.</li>\n\
         <li><a href=\"{}\">The provider's page</a>: put <em>bob</em> into <em>eng</em>, or end a session.</li>\n\
         </ul>\n",
        who(headers),
        Shown(provider),
    );
    page("The shop", &body)
}

/// Watches orders come in, until it is cut off.
pub(super) fn live(headers: &HeaderMap, provider: &str) -> Response<Body> {
    let body = format!(
        "<h1>Orders as they come in</h1>\n{}\
         <p>On <a href=\"{}\" target=\"_blank\" rel=\"noopener\">the provider's page</a> sign yourself out everywhere, \
         or take yourself out of <em>eng</em>: this page does not ask again, and stops all the same.</p>\n\
         <p id=\"state\" role=\"status\">connecting</p>\n<ol id=\"lines\"></ol>\n\
         <p><a href=\"/\">Back to the shop</a></p>\n<script>\n{WATCH}</script>\n",
        who(headers),
        Shown(provider),
    );
    page("Orders as they come in", &body)
}

/// Where the money is.
pub(super) fn till(headers: &HeaderMap) -> Response<Body> {
    let body = format!(
        "<h1>The till</h1>\n{}<p id=\"sum\">It has 4711 pieces of gold.</p>\n<p><a href=\"/\">Back to the shop</a></p>\n",
        who(headers)
    );
    page("The till", &body)
}

/// For what the shop does not have, such as the icon that browsers ask for.
pub(super) fn nothing() -> Response<Body> {
    let body = "<h1>There is nothing here</h1>\n<p><a href=\"/\">To the shop</a></p>\n";
    let mut response = page("There is nothing here", body);
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

fn who(headers: &HeaderMap) -> String {
    let text = |name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.filter(|value| !value.is_empty())
    };
    let Some(user) = text("x-forwarded-user") else {
        return "<p>Nobody told the shop who you are: you did not come through the edge.</p>\n"
            .to_owned();
    };
    let groups = text("x-forwarded-groups").unwrap_or("no group");
    format!(
        "<p>You are <strong id=\"user\">{}</strong>, in {}. So says the edge: the shop itself asks nobody.</p>\n",
        Shown(user),
        Shown(&groups.replace(',', " and "))
    )
}

fn page(title: &str, body: &str) -> Response<Body> {
    let text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n<style>{STYLE}</style>\n\
         </head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n",
        Shown(title)
    );
    let mut response = Response::new(whole(text));
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

const STYLE: &str = "
:root { color-scheme: light dark; }
body { margin: 0; padding: 1rem; font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 40rem; margin: 1rem auto; }
h1 { font-size: 1.5rem; line-height: 1.3; }
h2 { font-size: 1.125rem; }
li { margin: 0.25rem 0; }
#state { padding: 0.5rem 0.75rem; border-inline-start: 4px solid currentColor; }
a:focus-visible { outline: 3px solid; outline-offset: 2px; }
";

const WATCH: &str = "
const say = (text) => { document.getElementById('state').textContent = text; };
const socket = new WebSocket(`wss://${location.host}/orders/live`);
socket.onopen = () => say('watching');
socket.onmessage = (event) => {
  const lines = document.getElementById('lines');
  const line = document.createElement('li');
  line.textContent = event.data;
  lines.prepend(line);
  while (lines.children.length > 10) lines.lastChild.remove();
};
socket.onclose = (event) => say(`cut off: ${event.code} ${event.reason}`.trim());
";
