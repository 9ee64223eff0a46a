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

/// What the names in a policy are relative to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Home<'a> {
    pub(super) namespace: &'a str,
    pub(super) trust_domain: &'a TrustDomain,
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
    let pattern = Pattern::read(value, notes)?;
    let at_home = |text: &str| text.replacen(CLUSTER, &format!("{}/", home.trust_domain), 1);
    match pattern {
        Pattern::Any => Some("principal.spiffe like \"spiffe://*\"".to_owned()),
        Pattern::Contains(text) => {
            let text = cedar::plain(text);
            Some(format!("principal.spiffe like \"spiffe://*{text}*\""))
        }
        Pattern::Ends(end) => {
            let end = cedar::plain(end);
            Some(format!("principal.spiffe like \"spiffe://*{end}\""))
        }
        Pattern::Begins(text) if CLUSTER.starts_with(text) => {
            let why = format!(
                "`{text}*` may mean `cluster.local`, which is another name for the mesh's own trust domain"
            );
            notes.add(value, why);
            None
        }
        Pattern::Begins(text) => {
            let text = cedar::plain(&at_home(text));
            Some(format!("principal.spiffe like \"spiffe://{text}*\""))
        }
        Pattern::Is(text) => {
            let id = format!("spiffe://{}", at_home(text)).parse::<SpiffeId>();
            let id = id.map_err(|why| notes.add(value, format!("`{text}` is no principal: {why}")));
            Some(format!(
                "principal == Workload::{}",
                cedar::quoted(id.ok()?.as_str())
            ))
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

pub(super) fn domain(value: &Text, home: Home<'_>, notes: &mut Refusals) -> Option<String> {
    let pattern = Pattern::read(value, notes)?;
    let local = CLUSTER.trim_end_matches('/');
    let pattern = match pattern {
        Pattern::Is(text) if text == local => Pattern::Is(home.trust_domain.as_str()),
        Pattern::Begins(text) if local.starts_with(text) => {
            notes.add(value, format!("`{text}*` may mean `{local}`"));
            return None;
        }
        Pattern::Ends(text) if local.ends_with(text) => {
            notes.add(value, format!("`*{text}` may mean `{local}`"));
            return None;
        }
        other => other,
    };
    Some(pattern.of("principal.trustDomain"))
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

/// Istio's other name for the mesh's own trust domain.
const CLUSTER: &str = "cluster.local/";
