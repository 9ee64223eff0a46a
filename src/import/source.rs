//! Who asks.

use std::net::IpAddr;

use serde_saphyr::Spanned;

use crate::id::SpiffeId;
use crate::id::TrustDomain;
use crate::import::cedar;
use crate::import::file::Source;
use crate::import::file::Text;
use crate::import::pattern::Pattern;
use crate::import::refusals::Refusals;
use crate::import::trust;

/// What the names in a policy are relative to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Home<'a> {
    pub(super) namespace: &'a str,
    /// The mesh's own, and its other names.
    pub(super) trust_domains: &'a [TrustDomain],
}

/// One value as a condition; nothing if it has none.
type Translate<'a> = &'a dyn Fn(&Text, &mut Refusals) -> Option<String>;

/// The values that must hold, those that must not, and how they are translated.
type Field<'a> = (&'a [Text], &'a [Text], Translate<'a>);

/// The condition that a `source` is. Its fields must all hold.
pub(super) fn source(source: &Source, home: Home<'_>, notes: &mut Refusals) -> Vec<String> {
    let principals = |value: &Text, notes: &mut Refusals| principal(value, home, notes);
    let namespaces = |value: &Text, _: &mut Refusals| Some(namespace(value));
    let accounts = |value: &Text, notes: &mut Refusals| account(value, home, notes);
    let domains = |value: &Text, notes: &mut Refusals| domain(value, home, notes);
    let blocks = |value: &Text, notes: &mut Refusals| address(value, notes);
    let fields: [Field<'_>; 5] = [
        (&source.principals, &source.not_principals, &principals),
        (&source.namespaces, &source.not_namespaces, &namespaces),
        (
            &source.service_accounts,
            &source.not_service_accounts,
            &accounts,
        ),
        (&source.trust_domains, &source.not_trust_domains, &domains),
        (&source.ip_blocks, &source.not_ip_blocks, &blocks),
    ];
    for (key, values) in [
        ("requestPrincipals", &source.request_principals),
        ("notRequestPrincipals", &source.not_request_principals),
    ] {
        notes.all(key, values, TOKENS);
    }
    for (key, values) in [
        ("remoteIpBlocks", &source.remote_ip_blocks),
        ("notRemoteIpBlocks", &source.not_remote_ip_blocks),
    ] {
        notes.all(
            key,
            values,
            "`x-forwarded-for` is not believed; `ipBlocks` are",
        );
    }
    let mut parts = Vec::new();
    for (values, others, translate) in fields {
        both(values, others, translate, (&mut parts, notes));
    }
    parts
}

/// That one of `values` holds, and none of `others`.
pub(super) fn both(
    values: &[Text],
    others: &[Text],
    translate: Translate<'_>,
    (parts, notes): (&mut Vec<String>, &mut Refusals),
) {
    let mut conditions = |values: &[Text]| -> Vec<String> {
        let translated = values.iter().map(|value| translate(value, notes));
        translated
            .collect::<Vec<_>>()
            .into_iter()
            .flatten()
            .collect()
    };
    if !values.is_empty() {
        parts.push(cedar::any(&conditions(values)));
    }
    if !others.is_empty() {
        parts.push(format!("!({})", cedar::any(&conditions(others))));
    }
}

/// `<trust domain>/ns/<namespace>/sa/<account>`, to which Istio puts `spiffe://`.
pub(super) fn principal(value: &Text, home: Home<'_>, notes: &mut Refusals) -> Option<String> {
    Pattern::read(value, notes)?;
    let names = trust::names(&value.value, home.trust_domains);
    let all: Option<Vec<String>> = names.iter().map(|name| named(name, value, notes)).collect();
    Some(cedar::any(&all?))
}

fn named(name: &str, at: &Text, notes: &mut Refusals) -> Option<String> {
    let pattern = Pattern::parse(name)
        .map_err(|why| notes.add(at, why))
        .ok()?;
    match pattern {
        Pattern::Is(text) => {
            let id = format!("spiffe://{text}").parse::<SpiffeId>();
            let id = id.map_err(|why| notes.add(at, format!("`{text}` is no principal: {why}")));
            let id = cedar::quoted(id.ok()?.as_str());
            Some(format!("principal == Workload::{id}"))
        }
        Pattern::Any => Some("principal.spiffe like \"spiffe://*\"".to_owned()),
        Pattern::Begins(text) => {
            let text = cedar::plain(text);
            Some(format!("principal.spiffe like \"spiffe://{text}*\""))
        }
        Pattern::Contains(text) => {
            let text = cedar::plain(text);
            Some(format!("principal.spiffe like \"spiffe://*{text}*\""))
        }
        Pattern::Ends(end) => {
            let end = cedar::plain(end);
            Some(format!("principal.spiffe like \"spiffe://*{end}\""))
        }
    }
}

/// Istio looks for `/ns/<namespace>/` anywhere, and lets `*` be anything.
pub(super) fn namespace(value: &Text) -> String {
    let parts: Vec<String> = value.value.split('*').map(cedar::plain).collect();
    format!("principal.spiffe like \"*/ns/{}/*\"", parts.join("*"))
}

/// `<namespace>/<account>`, or `<account>` in the policy's own namespace.
pub(super) fn account(value: &Text, home: Home<'_>, notes: &mut Refusals) -> Option<String> {
    let text = value.value.as_str();
    if text.contains('*') || text.is_empty() {
        notes.add(
            value,
            format!("`{text}`: a service account is named in full"),
        );
        return None;
    }
    let (namespace, account) = text.split_once('/').unwrap_or((home.namespace, text));
    let (namespace, account) = (cedar::plain(namespace), cedar::plain(account));
    let forms = ["", "*/"].iter().flat_map(|between| {
        ["", "/*"].map(|after| {
            format!(
                "principal.spiffe like \"spiffe://*/ns/{namespace}/{between}sa/{account}{after}\""
            )
        })
    });
    Some(cedar::any(&forms.collect::<Vec<_>>()))
}

/// A trust domain. The mesh's own and its aliases are one; `cluster.local` is
/// itself, as in Istio, where it is another name in principals only.
pub(super) fn domain(value: &Text, home: Home<'_>, notes: &mut Refusals) -> Option<String> {
    let pattern = Pattern::read(value, notes)?;
    let of = |pattern: Pattern<'_>| pattern.of("principal.trustDomain");
    let own = home.trust_domains.iter().map(TrustDomain::as_str);
    match pattern {
        Pattern::Is(text) if own.clone().any(|one| one == text) => {
            let all: Vec<String> = own.map(|one| of(Pattern::Is(one))).collect();
            Some(cedar::any(&all))
        }
        other => Some(of(other)),
    }
}

/// An address or a block, as Cedar writes them.
pub(super) fn address(value: &Text, notes: &mut Refusals) -> Option<String> {
    let (address, length) = match value.value.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (value.value.as_str(), None),
    };
    let parsed = address
        .parse::<IpAddr>()
        .ok()
        .filter(|address| address.to_canonical() == *address);
    let length = length.map(str::parse::<u8>).transpose().ok();
    let most = |address: IpAddr| if address.is_ipv4() { 32 } else { 128 };
    let (Some(address), Some(length)) = (parsed, length) else {
        notes.add(value, format!("`{}` is no block of addresses", value.value));
        return None;
    };
    let length = length.unwrap_or_else(|| most(address));
    if length > most(address) {
        notes.add(value, format!("`{}` is no block of addresses", value.value));
        return None;
    }
    Some(format!(
        "context.sourceIp.isInRange(ip(\"{address}/{length}\"))"
    ))
}

/// Whether it looks at the token of a request.
pub(super) const fn has_tokens(source: &Source) -> bool {
    !(source.request_principals.is_empty() && source.not_request_principals.is_empty())
}

/// Takes out what is about tokens.
pub(super) fn drop_tokens(source: &mut Source) {
    source.request_principals.clear();
    source.not_request_principals.clear();
}

/// Whether nothing is said of who asks.
pub(super) fn is_empty(source: &Source) -> bool {
    let all: [&[Spanned<String>]; 14] = [
        &source.principals,
        &source.not_principals,
        &source.request_principals,
        &source.not_request_principals,
        &source.namespaces,
        &source.not_namespaces,
        &source.service_accounts,
        &source.not_service_accounts,
        &source.trust_domains,
        &source.not_trust_domains,
        &source.ip_blocks,
        &source.not_ip_blocks,
        &source.remote_ip_blocks,
        &source.not_remote_ip_blocks,
    ];
    all.iter().all(|values| values.is_empty())
}

/// Istio looks for a user's token in what a workload asks, and decides by both.
/// Here nobody is a workload and a user at once, and a token that a workload
/// passes on is not looked at: a DENY by it would let everybody in.
pub(super) const TOKENS: &str = "a token in a workload's request is not looked at. Who signs in at \
    the edge is a `User` of its own: write a policy with `principal == User::\"PROVIDER/SUBJECT\"` for them";
