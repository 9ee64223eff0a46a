//! Portreeve: a sidecar that decides every request, not every login.
//!
//! # The house
//!
//! A module uses only floors below its own: not its neighbours, not above.
//! `tests/architecture.rs` reads this table and fails on a breach.
//!
//! | floor | modules | what lives there |
//! |---|---|---|
//! | 9 | `cli` | the words an operator types |
//! | 8 | `demo`, `import`, `rehearsal` | a whole small mesh on loopback; policies of other meshes; requests that are described and not sent |
//! | 7 | `app` | builds the graph, starts, drains; spawns threads and runtimes |
//! | 6 | `config` | a YAML file becomes settings, or a list of all its mistakes |
//! | 5 | `admin`, `inject` | the operator's window; a sidecar for each pod of a cluster |
//! | 4 | `proxy`, `authority`, `enrol`, `acme`, `login` | the story of a request; the CA as a service; asking it for a name; asking a CA of the web for a host's certificate; a program at an edge |
//! | 3 | `tls`, `ca`, `workload_api`, `oidc` | handshakes → `Peer`; signing requests → certificates; identities for the programs of this machine; what providers say of people |
//! | 2 | `identity`, `https`, `redirect`, `session` | our own live SVID and bundles, and who is believed no longer; asking a server; the firewall's rules; who has signed in |
//! | 1 | `policy`, `audit`, `metrics`, `x509`, `net`, `http1`, `http2`, `store`, `rpc`, `jwt` | decisions; records; the registry; certificates as values; sockets; messages on them; frames, counted; what is at rest; words over gRPC; tokens as values |
//! | 0 | `id`, `time`, `drain` | words; the calendar; shutdown |

pub mod acme;
pub mod admin;
pub mod app;
pub mod audit;
pub mod authority;
pub mod ca;
pub mod cli;
pub mod config;
pub mod demo;
pub mod drain;
pub mod enrol;
pub mod http1;
pub mod http2;
pub mod https;
pub mod id;
pub mod identity;
pub mod import;
pub mod inject;
pub mod jwt;
pub mod login;
pub mod metrics;
pub mod net;
pub mod oidc;
pub mod policy;
pub mod proxy;
pub mod redirect;
pub mod rehearsal;
pub mod rpc;
pub mod session;
pub mod store;
pub mod time;
pub mod tls;
pub mod workload_api;
pub mod x509;
