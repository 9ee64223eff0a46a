//! What is called how, in a pod and around it.
//!
//! All words that people write begin with one prefix, and so do those that we
//! write: whatever else begins so is a mistake, and is refused as one.

/// What all our labels and annotations begin with.
pub(super) const PREFIX: &str = "portreeve.dev/";

/// A label of namespaces and pods: whether pods get a sidecar.
pub(super) const INJECT: &str = "portreeve.dev/inject";
/// A label that we give to a pod that has one.
pub(super) const SIDECAR: &str = "portreeve.dev/sidecar";
/// Its value.
pub(super) const INJECTED: &str = "injected";

/// What policies call the application.
pub(super) const SERVICE: &str = "portreeve.dev/service";
/// Where the application listens, on loopback.
pub(super) const APP_PORT: &str = "portreeve.dev/app-port";
/// What it speaks there.
pub(super) const APP_PROTOCOL: &str = "portreeve.dev/app-protocol";
/// Parts of the sidecar's configuration, as its file has them.
pub(super) const CONFIG: &str = "portreeve.dev/config";
/// Where policies come from.
pub(super) const POLICY: &str = "portreeve.dev/policy";
/// Whether connections are brought to the sidecar by the firewall.
pub(super) const TRANSPARENT: &str = "portreeve.dev/transparent";
/// What the firewall leaves alone.
pub(super) const EXCLUDE_INBOUND_PORTS: &str = "portreeve.dev/exclude-inbound-ports";
/// What the firewall leaves alone.
pub(super) const EXCLUDE_OUTBOUND_PORTS: &str = "portreeve.dev/exclude-outbound-ports";
/// What the firewall leaves alone.
pub(super) const EXCLUDE_NETWORKS: &str = "portreeve.dev/exclude-networks";
/// How many threads the sidecar has for requests.
pub(super) const WORKERS: &str = "portreeve.dev/workers";
/// What the sidecar is promised of a processor.
pub(super) const CPU_REQUEST: &str = "portreeve.dev/cpu-request";
/// The most that it gets of one.
pub(super) const CPU_LIMIT: &str = "portreeve.dev/cpu-limit";
/// What the sidecar is promised of memory.
pub(super) const MEMORY_REQUEST: &str = "portreeve.dev/memory-request";
/// The most that it gets of it.
pub(super) const MEMORY_LIMIT: &str = "portreeve.dev/memory-limit";

/// All that people may write in annotations.
pub(super) const WISHES: [&str; 14] = [
    SERVICE,
    APP_PORT,
    APP_PROTOCOL,
    CONFIG,
    POLICY,
    TRANSPARENT,
    EXCLUDE_INBOUND_PORTS,
    EXCLUDE_OUTBOUND_PORTS,
    EXCLUDE_NETWORKS,
    WORKERS,
    CPU_REQUEST,
    CPU_LIMIT,
    MEMORY_REQUEST,
    MEMORY_LIMIT,
];

/// Where we write the sidecar's configuration.
pub(super) const SIDECAR_CONFIG: &str = "portreeve.dev/sidecar-config";
/// Where we write the roots that it believes its authority by.
pub(super) const SIDECAR_ROOTS: &str = "portreeve.dev/sidecar-roots";

/// What means yes, of a label or an annotation.
pub(super) const ENABLED: &str = "enabled";
/// What means no.
pub(super) const DISABLED: &str = "disabled";

/// The sidecar's container.
pub(super) const CONTAINER: &str = "portreeve";
/// The container that loads the firewall's rules.
pub(super) const INIT_CONTAINER: &str = "portreeve-init-net";
/// The volume of what the sidecar is told.
pub(super) const CONFIG_VOLUME: &str = "portreeve-config";
/// The volume of what it has been given.
pub(super) const STATE_VOLUME: &str = "portreeve-state";
/// The volume of policies from a ConfigMap.
pub(super) const POLICY_VOLUME: &str = "portreeve-policy";

/// Where other sidecars connect.
pub(super) const INBOUND_PORT: u16 = 15_006;
/// The operator's window.
pub(super) const ADMIN_PORT: u16 = 15_020;
/// Where the kubelet asks for the application's health.
pub(super) const PROBES_PORT: u16 = 15_021;
/// Where the firewall brings what leaves.
pub(super) const TRANSPARENT_PORT: u16 = 15_101;

/// Ports of the pod's network namespace that are the sidecar's.
pub(super) const OWN_PORTS: [u16; 4] = [INBOUND_PORT, ADMIN_PORT, PROBES_PORT, TRANSPARENT_PORT];

/// The sidecar's user, that of the image.
pub(super) const UID: u32 = 65_532;
/// Its user where the firewall tells its connections from the application's: many
/// images of applications have the user 65532, too, and what such a one sends would
/// pass as the sidecar's own.
pub(super) const TRANSPARENT_UID: u32 = 1_337;
