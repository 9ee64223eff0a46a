//! What an authority is told of clusters and of other trust domains is whole,
//! or all of its mistakes are told by their path.

use std::path::Path;

use portreeve::authority::ClusterChecks;
use portreeve::authority::EndpointProfile;
use portreeve::authority::RelationProfile;
use portreeve::authority::Settings;
use portreeve::config::AuthorityConfig;

const WHOLE: &str = r#"
trust_domain: example.org
listen: 127.0.0.1:15443
store: { sqlite: authority.db }
sealing_key_file: sealing.key
audit: { stdout: true }
"#;

fn parse(more: &str) -> Result<Settings, Vec<String>> {
    let text = format!("{WHOLE}{more}");
    let parsed = AuthorityConfig::parse(&text, Path::new("/etc/portreeve"));
    let told = |mistakes: Vec<_>| mistakes.iter().map(ToString::to_string).collect();
    parsed.map(|config| config.authority).map_err(told)
}

#[test]
fn a_federation_is_read_whole() {
    let settings = parse(
        r#"
federation:
  listen: 127.0.0.1:15444
  profile: https_web
  certificate: web.crt
  key: /run/web.key
  refresh_hint_s: 60
  with:
    - { trust_domain: a.example, url: "https://a.example/bundle?x=1", profile: https_web, roots: a.pem }
    - { trust_domain: b.example, url: "https://b.example", profile: https_spiffe, spiffe_id: "spiffe://c.example/server", bundle: c.json }
"#,
    );
    let federation = settings.unwrap().federation;
    let endpoint = federation.endpoint.unwrap();
    assert_eq!(endpoint.refresh_hint.as_secs(), 60);
    assert!(matches!(
        endpoint.profile,
        EndpointProfile::Web { certificate, key }
            if certificate == Path::new("/etc/portreeve/web.crt") && key == Path::new("/run/web.key")
    ));
    let [a, b] = &federation.relations[..] else {
        panic!("{:?}", federation.relations);
    };
    assert_eq!(a.url.to_string(), "https://a.example/bundle?x=1");
    assert!(matches!(
        &a.profile,
        RelationProfile::Web { roots: Some(_) }
    ));
    assert!(matches!(
        &b.profile,
        RelationProfile::Spiffe { spiffe_id, .. } if spiffe_id.as_str() == "spiffe://c.example/server"
    ));
    assert!(parse("").unwrap().federation.relations.is_empty());
    assert!(parse("federation: { listen: \"127.0.0.1:0\" }").is_ok());
}

#[test]
fn every_mistake_in_a_federation_is_told_by_its_place() {
    let web = "trust_domain: a.example, url: \"https://a.example/\", profile: https_web";
    let spiffe = "spiffe_id: \"spiffe://a.example/x\", bundle: a.pem";
    let cases = [
        (
            "listen: here".to_owned(),
            "federation.listen: `here`: invalid socket address syntax",
        ),
        (
            "refresh_hint_s: 0".to_owned(),
            "federation.refresh_hint_s: must be from 1 to 86400, not 0",
        ),
        (
            "listen: \"127.0.0.1:1\", profile: https_web, key: k".to_owned(),
            "federation.certificate: is missing, and this profile needs it",
        ),
        (
            "listen: \"127.0.0.1:1\", certificate: c".to_owned(),
            "federation.certificate: has no meaning with this profile",
        ),
        (
            format!("with: [{{ {web}, {spiffe} }}]"),
            "federation.with[0].spiffe_id: has no meaning with this profile",
        ),
        (
            "with: [{ trust_domain: a.example, url: \"https://a/\", profile: https_spiffe, bundle: b }]".to_owned(),
            "federation.with[0].spiffe_id: is missing, and this profile needs it",
        ),
        (
            format!("with: [{{ {web} }}, {{ {web} }}]"),
            "federation.with[1].trust_domain: `a.example` is there already: a trust domain has one bundle",
        ),
        (
            "with: [{ trust_domain: example.org, url: \"https://a/\", profile: https_web }]".to_owned(),
            "federation.with[0].trust_domain: is our own trust domain, which we ask nobody about",
        ),
        (
            "with: [{ trust_domain: a.example, url: \"http://a/\", profile: https_web }]".to_owned(),
            "federation.with[0].url: `http://a/`: it does not begin with `https://`",
        ),
    ];
    for (written, told) in cases {
        let mistakes = parse(&format!("federation: {{ {written} }}")).unwrap_err();
        assert!(
            mistakes.iter().any(|mistake| mistake == told),
            "{told}: {mistakes:?}"
        );
    }
}

#[test]
fn a_cluster_is_checked_in_exactly_one_way() {
    let cluster = |checks: &str| {
        parse(&format!(
            "proofs: {{ kubernetes: [{{ name: east, issuer: \"https://east\", {checks} }}] }}"
        ))
    };
    let review =
        "token_review: { url: \"https://east/reviews\", ca_file: ca.pem, token_file: token }";
    let url = "jwks_url: \"https://east/jwks\"";
    for (checks, is_expected) in [
        (
            "jwks_file: a.json",
            (|checks| matches!(checks, ClusterChecks::KeyFile(_))) as fn(&_) -> bool,
        ),
        (
            url,
            |checks| matches!(checks, ClusterChecks::KeyUrl(server) if server.token.is_none()),
        ),
        (
            review,
            |checks| matches!(checks, ClusterChecks::Review(server) if server.roots.is_some()),
        ),
    ] {
        let settings = cluster(checks).unwrap();
        assert!(is_expected(&settings.clusters[0].checks), "{checks}");
    }
    for checks in [
        "",
        &format!("jwks_file: a.json, {url}"),
        &format!("{url}, {review}"),
    ] {
        let told = "proofs.kubernetes[0]: must have exactly one of `jwks_file`, `jwks_url` and `token_review`";
        let checks = format!("audience: us, {checks}");
        assert_eq!(cluster(&checks).unwrap_err(), [told], "{checks}");
    }
    let told = "proofs.kubernetes[0].ca_file: belongs to `jwks_url`, which is missing";
    assert_eq!(
        cluster("jwks_file: a.json, ca_file: ca.pem").unwrap_err(),
        [told]
    );
}
