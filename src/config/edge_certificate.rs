//! What browsers are shown, into the settings of those who get it.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use crate::acme;
use crate::acme::ExternalAccount;
use crate::config::EdgeCertificate;
use crate::config::Mistakes;
use crate::config::edge_file as file;
use crate::https::Url;
use crate::proxy::EdgeRoute;

/// Files, or a CA that gives a certificate for each host of `routes`.
pub(super) fn certificate(
    written: &file::EdgeCertificate,
    routes: &[EdgeRoute],
    folder: &Path,
    notes: &mut Mistakes,
) -> Option<EdgeCertificate> {
    let file::EdgeCertificate {
        acme,
        certificate,
        key,
    } = written;
    match (certificate, key, acme) {
        (Some(certificate), Some(key), None) => Some(EdgeCertificate::Files {
            certificate: folder.join(certificate),
            key: folder.join(key),
        }),
        (None, None, Some(written)) => {
            let acme = settings(written, routes, folder, notes);
            acme.map(|acme| EdgeCertificate::Acme(Box::new(acme)))
        }
        _ => {
            notes.add(
                PLACE,
                "must have exactly one of `acme` and, together, `certificate` and `key`",
            );
            None
        }
    }
}

fn settings(
    written: &file::Acme,
    routes: &[EdgeRoute],
    folder: &Path,
    notes: &mut Mistakes,
) -> Option<acme::Settings> {
    let place = |key: &str| format!("{PLACE}.acme.{key}");
    let text = &written.directory;
    let directory = Url::loopback(text);
    let directory = directory
        .map_err(|error| notes.add(place("directory"), format!("`{text}`: {error}")))
        .ok();
    if !written.agree_to_terms {
        notes.add(
            place("agree_to_terms"),
            "must be `true`: a CA gives certificates only to who agrees to its terms of service, and nobody else can do that for you",
        );
    }
    let contact = written.contact.iter().enumerate();
    let contact = contact
        .filter_map(|(at, text)| notes.parse(place(&format!("contact[{at}]")), text))
        .collect();
    let retry_s = notes.between(&place("retry_s"), written.retry_s, 1, A_DAY_S);
    let external_account = written.external_account.as_ref();
    let external_account = external_account.map(|external| {
        if external.key_id.is_empty() {
            notes.add(place("external_account.key_id"), "must not be empty");
        }
        ExternalAccount {
            key_file: folder.join(&external.key_file),
            key_id: external.key_id.clone(),
        }
    });
    Some(acme::Settings {
        contact,
        directory: directory?,
        external_account,
        hosts: hosts(routes, notes),
        retry: Duration::from_secs(retry_s),
        roots: written.roots.as_ref().map(|roots| folder.join(roots)),
    })
}

/// Each host once; those that no CA can look at are mistakes.
fn hosts(routes: &[EdgeRoute], notes: &mut Mistakes) -> Vec<String> {
    let mut hosts = BTreeSet::new();
    for (at, route) in routes.iter().enumerate() {
        let host = &route.host;
        let bare = host.trim_matches(['[', ']']);
        let is_here = bare == "localhost" || bare.ends_with(".localhost");
        if is_here || bare.parse::<IpAddr>().is_ok() {
            notes.add(
                format!("edge.routes[{at}].host"),
                format!(
                    "`{host}` cannot be had by `{PLACE}.acme`: it must be a name that the CA finds us by"
                ),
            );
        } else {
            hosts.insert(host.clone());
        }
    }
    hosts.into_iter().collect()
}

const PLACE: &str = "edge.certificate";
const A_DAY_S: u64 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    /// A sidecar with an edge for `hosts`, whose certificate is written so.
    fn parsed(certificate: &str, hosts: &[&str]) -> Result<EdgeCertificate, Vec<String>> {
        let routes = hosts.iter();
        let routes =
            routes.map(|host| format!("{{ host: {host}, app: '127.0.0.1:1', service: web }}"));
        let routes = routes.collect::<Vec<_>>().join(", ");
        let text = format!(
            "
trust_domain: example.org
identity: {{ embedded: {{ dir: ca, id: spiffe://example.org/a }} }}
edge:
  listen: 0.0.0.0:443
  certificate: {certificate}
  providers: {{ corp: {{ issuer: https://id.example.org, client_id: edge }} }}
  sessions: {{ store: {{ sqlite: sessions.db }}, key_file: session.key }}
  routes: [{routes}]
policy: {{ dir: p }}
audit: {{ stdout: true }}
"
        );
        match Config::parse(&text, Path::new("/etc/portreeve")) {
            Ok(config) => Ok(config.edge.unwrap().certificate),
            Err(mistakes) => Err(mistakes.iter().map(ToString::to_string).collect()),
        }
    }

    #[test]
    fn a_ca_is_asked_for_each_host_once_and_its_files_are_beside_the_configuration() {
        let written = "{ acme: { directory: https://ca.example/dir, agree_to_terms: true,
            contact: ['mailto:ops@example.org'], roots: ca.pem, retry_s: 5,
            external_account: { key_id: kid-1, key_file: external.key } } }";
        let hosts = ["b.example", "a.example", "b.example"];
        let Err(twice) = parsed(written, &hosts) else {
            panic!("a route is there twice");
        };
        assert_eq!(twice.len(), 1, "{twice:?}");
        let Ok(EdgeCertificate::Acme(acme)) = parsed(written, &hosts[..2]) else {
            panic!("it is not from a CA");
        };
        assert_eq!(acme.hosts, ["a.example", "b.example"]);
        assert_eq!(acme.directory.to_string(), "https://ca.example/dir");
        assert_eq!(acme.contact[0].as_str(), "mailto:ops@example.org");
        assert_eq!(acme.retry, Duration::from_secs(5));
        assert_eq!(
            acme.roots.as_deref(),
            Some(Path::new("/etc/portreeve/ca.pem"))
        );
        let external = acme.external_account.unwrap();
        assert_eq!(external.key_file, Path::new("/etc/portreeve/external.key"));
        let plain = "{ acme: { directory: http://127.0.0.1:14000/dir, agree_to_terms: true } }";
        assert!(parsed(plain, &["a.example"]).is_ok());
        let files = parsed("{ certificate: a.crt, key: a.key }", &["localhost"]);
        assert!(
            matches!(files, Ok(EdgeCertificate::Files { .. })),
            "{files:?}"
        );
    }

    #[test]
    fn each_mistake_about_a_certificate_is_told_by_its_path() {
        const GOOD: &str = "directory: https://ca.example/dir, agree_to_terms: true";
        let one_of = "edge.certificate: must have exactly one of `acme`";
        let cases = [
            ("{}".to_owned(), one_of),
            ("{ certificate: a.crt }".to_owned(), one_of),
            ("{ key: a.key }".to_owned(), one_of),
            (
                format!("{{ certificate: a.crt, key: a.key, acme: {{ {GOOD} }} }}"),
                one_of,
            ),
            (format!("{{ key: a.key, acme: {{ {GOOD} }} }}"), one_of),
            (
                "{ acme: { directory: https://ca.example/dir } }".to_owned(),
                "edge.certificate.acme.agree_to_terms: must be `true`: a CA gives certificates only",
            ),
            (
                "{ acme: { directory: https://ca.example/dir, agree_to_terms: false } }".to_owned(),
                "edge.certificate.acme.agree_to_terms: must be `true`",
            ),
            (
                "{ acme: { directory: http://ca.example/dir, agree_to_terms: true } }".to_owned(),
                "edge.certificate.acme.directory: `http://ca.example/dir`: it does not begin with `https://`",
            ),
            (
                format!("{{ acme: {{ {GOOD}, contact: ['mailto:a@b', 'ops@example.org'] }} }}"),
                "edge.certificate.acme.contact[1]: `ops@example.org`: it does not begin with `mailto:`",
            ),
            (
                format!("{{ acme: {{ {GOOD}, retry_s: 0 }} }}"),
                "edge.certificate.acme.retry_s: must be from 1 to 86400, not 0",
            ),
            (
                format!(
                    "{{ acme: {{ {GOOD}, external_account: {{ key_id: '', key_file: k }} }} }}"
                ),
                "edge.certificate.acme.external_account.key_id: must not be empty",
            ),
            (
                format!("{{ acme: {{ {GOOD}, challenge: http }} }}"),
                "challenge",
            ),
        ];
        for (written, expected) in cases {
            let told = parsed(&written, &["a.example"]).unwrap_err();
            let is_told = told.len() == 1 && told[0].contains(expected);
            assert!(is_told, "{written}: {told:?}");
        }
        let written = format!("{{ acme: {{ {GOOD} }} }}");
        for host in ["127.0.0.1", "'[::1]'", "localhost", "app.localhost"] {
            let told = parsed(&written, &["a.example", host]).unwrap_err();
            let place = "edge.routes[1].host: ";
            let is_told = told.len() == 1 && told[0].starts_with(place);
            assert!(
                is_told && told[0].contains("the CA finds us by"),
                "{told:?}"
            );
        }
    }
}
