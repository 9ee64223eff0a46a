//! What is told of a provider.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::jwt::Algorithm;
use crate::oidc::issuer::Issuer;
use crate::policy::ClaimType;
use crate::policy::ProviderName;

/// A provider, as it is configured, already checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How its tokens may be signed. What it says of itself is not asked.
    pub algorithms: BTreeSet<Algorithm>,
    /// Whom bearer tokens must be for: one of these. None: it vouches for no
    /// programs.
    pub bearer_audiences: BTreeSet<String>,
    /// Which claims policies may read, by name or JSON Pointer, and their types.
    pub claims: BTreeMap<Box<str>, ClaimType>,
    /// Who we are to it. None: nobody signs in with it, it only vouches for programs.
    pub client: Option<ClientSettings>,
    /// Whether programs are let in whose person says so to it (RFC 8628).
    pub device_login: DeviceLogin,
    /// The claim that groups are in: a name, or a JSON Pointer (RFC 6901) such
    /// as `/realm_access/roles`.
    pub groups_claim: String,
    /// Its own name for itself.
    pub issuer: Issuer,
    /// What we call it.
    pub name: ProviderName,
    /// The claim that roles are in, as `groups_claim`.
    pub roles_claim: String,
    /// Whom its certificates are of: a PEM file; none: the system's roots.
    pub roots: Option<PathBuf>,
    /// What is asked for at a login; `openid` always is.
    pub scopes: Vec<String>,
    /// Whether what the ID token does not say is asked for at its userinfo
    /// endpoint, where it has one.
    pub userinfo: bool,
}

impl Settings {
    /// A provider called `name`, with what most have; nobody signs in with it yet.
    #[must_use]
    pub fn new(name: ProviderName, issuer: Issuer) -> Self {
        Self {
            algorithms: BTreeSet::from([Algorithm::Es256, Algorithm::Ps256, Algorithm::Rs256]),
            bearer_audiences: BTreeSet::new(),
            claims: BTreeMap::new(),
            client: None,
            device_login: DeviceLogin::Refuse,
            groups_claim: "groups".to_owned(),
            issuer,
            name,
            roles_claim: "roles".to_owned(),
            roots: None,
            scopes: ["openid", "email", "profile"].map(String::from).to_vec(),
            userinfo: true,
        }
    }
}

/// Whether people may let programs in by a provider (RFC 8628).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DeviceLogin {
    /// They may.
    Allow,
    /// They may not: whoever talks somebody into typing in a code is in as they.
    Refuse,
}

/// Who we are to a provider.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// How we prove it.
    pub authentication: ClientAuthentication,
    /// Our `client_id`.
    pub id: String,
}

/// How a client proves who it is (OpenID Connect Core 9).
#[derive(Clone, Debug)]
pub enum ClientAuthentication {
    /// A secret in the `authorization` field, `client_secret_basic`.
    Basic {
        /// The file with the secret, which is read each time.
        secret_file: PathBuf,
    },
    /// A secret in the form that is posted, `client_secret_post`.
    Post {
        /// The file with the secret, which is read each time.
        secret_file: PathBuf,
    },
    /// Not at all: PKCE alone binds the answer to us.
    Public,
}
