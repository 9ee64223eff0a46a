//! An `AuthorizationPolicy` as it is written. A field that is not here is refused.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;

pub(super) type Text = Spanned<String>;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Document {
    pub(super) api_version: Text,
    pub(super) kind: Text,
    pub(super) metadata: Metadata,
    #[serde(default)]
    pub(super) spec: Spec,
    /// What a cluster says of it.
    #[serde(default, rename = "status")]
    pub(super) _status: Value,
}

/// The rest of it says nothing about access.
#[derive(Debug, Deserialize)]
pub(super) struct Metadata {
    pub(super) name: Text,
    pub(super) namespace: Option<Text>,
    #[serde(default)]
    pub(super) annotations: BTreeMap<String, Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Spec {
    pub(super) selector: Selector,
    pub(super) target_ref: Option<Spanned<Value>>,
    pub(super) target_refs: Option<Spanned<Value>>,
    pub(super) action: Option<Text>,
    pub(super) provider: Option<Spanned<Value>>,
    pub(super) rules: Vec<Rule>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Selector {
    pub(super) match_labels: BTreeMap<String, Text>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Rule {
    pub(super) from: Option<Vec<From>>,
    pub(super) to: Option<Vec<To>>,
    pub(super) when: Vec<When>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct From {
    pub(super) source: Source,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct To {
    pub(super) operation: Operation,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Source {
    pub(super) principals: Vec<Text>,
    pub(super) not_principals: Vec<Text>,
    pub(super) request_principals: Vec<Text>,
    pub(super) not_request_principals: Vec<Text>,
    pub(super) namespaces: Vec<Text>,
    pub(super) not_namespaces: Vec<Text>,
    pub(super) service_accounts: Vec<Text>,
    pub(super) not_service_accounts: Vec<Text>,
    pub(super) trust_domains: Vec<Text>,
    pub(super) not_trust_domains: Vec<Text>,
    pub(super) ip_blocks: Vec<Text>,
    pub(super) not_ip_blocks: Vec<Text>,
    pub(super) remote_ip_blocks: Vec<Text>,
    pub(super) not_remote_ip_blocks: Vec<Text>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Operation {
    pub(super) hosts: Vec<Text>,
    pub(super) not_hosts: Vec<Text>,
    pub(super) ports: Vec<Text>,
    pub(super) not_ports: Vec<Text>,
    pub(super) methods: Vec<Text>,
    pub(super) not_methods: Vec<Text>,
    pub(super) paths: Vec<Text>,
    pub(super) not_paths: Vec<Text>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct When {
    pub(super) key: Text,
    #[serde(default)]
    pub(super) values: Vec<Text>,
    #[serde(default)]
    pub(super) not_values: Vec<Text>,
}
