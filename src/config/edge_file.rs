//! The door for people, as the file has it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::authority_file::Store;
use crate::config::file::defaults;
use crate::config::inbound_file::AppProtocol;

/// The door for people.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Edge {
    /// Where browsers connect to us, such as `0.0.0.0:443`.
    pub(super) listen: String,
    /// What browsers are shown.
    pub(super) certificate: EdgeCertificate,
    /// Who signs people in: what policies call a provider, to how it is reached.
    pub(super) providers: BTreeMap<String, Provider>,
    /// Where sessions are kept, and how long.
    pub(super) sessions: Sessions,
    /// Where requests go: by host, then by the longest beginning of the path.
    pub(super) routes: Vec<EdgeRoute>,
    /// Balancers that must say by the PROXY protocol, version 2, whom a connection is from: networks such as `10.0.0.0/8`.
    #[serde(default)]
    pub(super) proxy_protocol_from: Vec<String>,
    /// How often one address, or one IPv6 /64, may want something of the door itself: sign-ins, what belongs to them, and sessions and tokens that are not known yet.
    #[serde(default)]
    pub(super) sign_in_rate: SignInRate,
}

/// How often one address may want something of the door itself.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct SignInRate {
    /// How many requests it is granted in a period: 1 to 1000000. Default: 50.
    pub(super) requests: u32,
    /// How long the period is, in seconds: 1 to 86400. Default: 1.
    pub(super) period_s: u64,
    /// How many may come at once after a time without any: 1 to 1000000. Default: 20 times as many as `requests`.
    pub(super) burst: Option<u32>,
}

impl Default for SignInRate {
    /// A sign-in takes about four. Behind one address, a company's few hundred people
    /// come at once, and thousands within some minutes; whoever guesses has no use for it.
    fn default() -> Self {
        Self {
            requests: 50,
            period_s: 1,
            burst: None,
        }
    }
}

/// What browsers are shown: PEM files, swapped when they change, or what a CA gives for each host.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EdgeCertificate {
    /// The certificate for all hosts, with its intermediates, leaf first.
    pub(super) certificate: Option<PathBuf>,
    /// Its private key.
    pub(super) key: Option<PathBuf>,
    /// A CA that gives a certificate for each host of the routes. Instead of the files.
    pub(super) acme: Option<Acme>,
}

/// A CA that looks at our own door (ACME, RFC 8555, by TLS-ALPN-01).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Acme {
    /// Its directory, an `https` URL such as `https://acme-v02.api.letsencrypt.org/directory`; `http` on loopback only.
    pub(super) directory: String,
    /// Whether you agree to its terms of service: it must be `true`. Default: false.
    #[serde(default)]
    pub(super) agree_to_terms: bool,
    /// Whom it writes to, such as `mailto:ops@example.org`. Default: nobody.
    #[serde(default)]
    pub(super) contact: Vec<String>,
    /// PEM: whom its own certificate is of. Default: the system's roots.
    pub(super) roots: Option<PathBuf>,
    /// The account that it has of us already, where it wants to be told. Default: none.
    pub(super) external_account: Option<ExternalAccount>,
    /// How long after a host's first failure it is tried again, in seconds, doubled with each further one: 1 to 86400. Default: 120.
    #[serde(default = "retry_s")]
    pub(super) retry_s: u64,
}

/// An account that a CA has of us already (RFC 8555, 7.3.4).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExternalAccount {
    /// What the CA calls its key.
    pub(super) key_id: String,
    /// A file with that key, in base64url as the CA gives it.
    pub(super) key_file: PathBuf,
}

/// Where the requests of one route go: exactly one of `app` and `outbound`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EdgeRoute {
    /// The host that browsers ask for, such as `grafana.example.org`.
    pub(super) host: String,
    /// The beginning of the path, in whole segments. Default: `/`.
    #[serde(default = "root")]
    pub(super) path: String,
    /// The application, such as `127.0.0.1:3000` or `unix:/run/app.sock`.
    pub(super) app: Option<String>,
    /// What it speaks. Default: `http1`.
    #[serde(default)]
    pub(super) app_protocol: AppProtocol,
    /// How long an unused connection to it is kept, in milliseconds. Default: 4000.
    #[serde(default = "defaults::app_idle_ms")]
    pub(super) app_idle_ms: u64,
    /// The `service` of one of the `outbound` doors: requests go to that workload, over mutual TLS.
    pub(super) outbound: Option<String>,
    /// What it is called in policies. Must be given with `app`; default with `outbound`: what that says.
    pub(super) service: Option<String>,
    /// Which of the providers signs people in. Default: the only one, or the one that they choose.
    pub(super) provider: Option<String>,
    /// Which of the providers vouches for programs by bearer tokens. Default: none, and `authorization` is the application's own business.
    pub(super) bearer: Option<String>,
    /// Whether paths may have `%2F`, a slash inside a segment: only for what does not decode paths before it looks for what is asked. Default: false.
    pub(super) allow_encoded_slashes: Option<bool>,
    /// Whether paths may have `;`. Default: false.
    #[serde(default)]
    pub(super) allow_semicolons: bool,
}

/// An OpenID provider.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Provider {
    /// Its own name for itself, an `https` URL: the beginning of `/.well-known/openid-configuration`.
    pub(super) issuer: String,
    /// What it calls us.
    pub(super) client_id: String,
    /// A file with the secret that it gave us. Without it we are a public client, which PKCE protects.
    pub(super) client_secret_file: Option<PathBuf>,
    /// How the secret is shown: `basic` or `post`. Default: `basic`.
    #[serde(default)]
    pub(super) client_secret_by: SecretBy,
    /// PEM: whom its certificate is of. Default: the system's roots.
    pub(super) roots: Option<PathBuf>,
    /// What is asked for at a sign-in; `openid` always is. Add `offline_access` where the provider gives refresh tokens for that only. Default: `openid`, `email`, `profile`.
    pub(super) scopes: Option<Vec<String>>,
    /// The claim with the groups: a name, or a JSON Pointer such as `/realm_access/roles`. Default: `groups`.
    pub(super) groups_claim: Option<String>,
    /// The claim with the roles, likewise. Default: `roles`.
    pub(super) roles_claim: Option<String>,
    /// How its tokens may be signed, such as `RS256`. Default: `ES256`, `PS256` and `RS256`.
    pub(super) algorithms: Option<Vec<String>>,
    /// Whom bearer tokens of it must be for (`aud`): one of these. Must be given where a route has it as `bearer`; never the `client_id`. Default: none.
    #[serde(default)]
    pub(super) bearer_audiences: Vec<String>,
    /// Whether what the ID token does not say is asked for at its userinfo endpoint. Default: true.
    #[serde(default = "yes")]
    pub(super) userinfo: bool,
    /// Whether people may let programs in by it, which have no browser (`portreeve login`, RFC 8628): its client must be allowed the device grant. Default: false.
    pub(super) device_login: Option<bool>,
    /// Whether it may be a development provider on loopback that speaks `http`. Default: false.
    pub(super) insecure_loopback: Option<bool>,
}

/// How a client shows its secret (OpenID Connect Core 9).
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum SecretBy {
    /// In the `authorization` field.
    #[default]
    Basic,
    /// In the form.
    Post,
}

/// Where sessions are kept, and how long.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Sessions {
    /// Where they are kept.
    pub(super) store: Store,
    /// A file with what they are sealed with: 64 hexadecimal digits, or up to four lines of them, of which the first seals; the same for all that share a server. With `store.sqlite` it is made if it is not there.
    pub(super) key_file: PathBuf,
    /// After how long without a request one ends, in seconds: 1 to 31536000. Default: 3600.
    pub(super) idle_s: Option<u64>,
    /// After how long one ends however much it is used, in seconds: 1 to 31536000. Default: 43200.
    pub(super) absolute_s: Option<u64>,
    /// For how long one outlives what its provider said last while that cannot be asked, in seconds: 0 to 86400. Default: 600.
    pub(super) refresh_grace_s: Option<u64>,
    /// For how long sessions are believed while the store, which is asked each second, does not answer, in seconds: 3 to 86400. Default: 60.
    pub(super) blind_s: Option<u64>,
    /// How many there may be at once: 1 to 10000000. Default: 20000.
    pub(super) most: Option<usize>,
    /// How many one person may have; the oldest ends for another: 1 to 10000. Default: 50.
    pub(super) most_per_person: Option<usize>,
}

fn root() -> String {
    "/".to_owned()
}

/// Five failures in an hour are what the strictest CA of the web takes.
const fn retry_s() -> u64 {
    120
}

const fn yes() -> bool {
    true
}
