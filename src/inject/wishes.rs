//! What somebody wants of a pod's sidecar: its annotations, understood.

use std::num::NonZeroU16;
use std::str::FromStr;

use serde_json::Map;
use serde_json::Value;

use crate::inject::pod::Pod;
use crate::inject::quantity::Quantity;
use crate::inject::refusal::Mistakes;
use crate::inject::words;
use crate::net::Network;
use crate::policy::ServiceName;

/// All wishes.
#[derive(Clone, Debug)]
pub(super) struct Wishes {
    /// What is behind the sidecar, if something is.
    pub(super) app: Option<App>,
    /// Parts of the configuration's file.
    pub(super) config: Map<String, Value>,
    pub(super) policy: PolicyFrom,
    /// What of the pod's connections is brought to the sidecar by the firewall.
    pub(super) redirected: Option<Redirected>,
    pub(super) workers: Option<NonZeroU16>,
    pub(super) cpu_limit: Option<Quantity>,
    pub(super) cpu_request: Option<Quantity>,
    pub(super) memory_limit: Option<Quantity>,
    pub(super) memory_request: Option<Quantity>,
}

/// The application.
#[derive(Clone, Debug)]
pub(super) struct App {
    pub(super) service: ServiceName,
    pub(super) port: NonZeroU16,
    pub(super) protocol: Option<String>,
}

/// Where policies come from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum PolicyFrom {
    Authority,
    ConfigMap(String),
}

/// All connections, but for these.
#[derive(Clone, Debug, Default)]
pub(super) struct Redirected {
    pub(super) inbound_ports: Vec<NonZeroU16>,
    pub(super) outbound_ports: Vec<NonZeroU16>,
    pub(super) networks: Vec<Network>,
}

impl Wishes {
    /// What the annotations of `pod` say; what cannot be understood is noted.
    pub(super) fn read(pod: Pod<'_>, notes: &mut Mistakes) -> Self {
        unknown(pod, notes);
        let mut reader = Reader { pod, notes };
        let app = app(&mut reader);
        let redirected = redirected(&mut reader);
        Self {
            app,
            config: config(&mut reader),
            policy: policy(&mut reader),
            redirected,
            workers: reader.parsed(words::WORKERS),
            cpu_limit: reader.parsed(words::CPU_LIMIT),
            cpu_request: reader.parsed(words::CPU_REQUEST),
            memory_limit: reader.parsed(words::MEMORY_LIMIT),
            memory_request: reader.parsed(words::MEMORY_REQUEST),
        }
    }
}

/// Whatever begins as ours does and is none of them is most likely misspelt: then
/// something else would happen than is meant.
fn unknown(pod: Pod<'_>, notes: &mut Mistakes) {
    let names = pod.annotations().into_iter().flat_map(Map::keys);
    for name in names.filter(|name| name.starts_with(words::PREFIX)) {
        let ours = [words::SIDECAR_CONFIG, words::SIDECAR_ROOTS];
        if words::WISHES.contains(&name.as_str()) || ours.contains(&name.as_str()) {
            continue;
        }
        let text = if name == words::INJECT {
            "is a label, of a pod or a namespace, and no annotation".to_owned()
        } else {
            let known = words::WISHES.map(|known| known.trim_start_matches(words::PREFIX));
            format!("is no annotation of ours: there are {}", known.join(", "))
        };
        notes.add(annotation(name), text);
    }
    let labels = pod.labels().into_iter().flat_map(Map::keys);
    for name in labels.filter(|name| name.starts_with(words::PREFIX)) {
        if name != words::INJECT && name != words::SIDECAR {
            let text = "is no label of ours: is it meant to be an annotation?";
            notes.add(format!("label `{name}`"), text);
        }
    }
}

fn app(reader: &mut Reader<'_, '_>) -> Option<App> {
    let service = reader.parsed::<ServiceName>(words::SERVICE);
    let port = reader.text(words::APP_PORT);
    let port = port.and_then(|written| app_port(written, reader));
    let protocol = reader.text(words::APP_PROTOCOL);
    if let Some(protocol) = protocol
        && !["http1", "http2"].contains(&protocol)
    {
        reader.refuse(words::APP_PROTOCOL, protocol, "must be `http1` or `http2`");
    }
    let has = |name: &str| reader.pod.annotation(name).is_some();
    let together = [words::SERVICE, words::APP_PORT];
    if together.map(has) == [true, false] || together.map(has) == [false, true] {
        let text = format!(
            "`{}` and `{}` go together: one says what policies call the application, the other where it listens",
            words::SERVICE,
            words::APP_PORT
        );
        reader.notes.add("annotations", text);
    } else if has(words::APP_PROTOCOL) && !has(words::APP_PORT) {
        let text = format!("is of use only with `{}`", words::APP_PORT);
        reader.notes.add(annotation(words::APP_PROTOCOL), text);
    }
    Some(App {
        service: service?,
        port: port?,
        protocol: protocol.map(str::to_owned),
    })
}

/// A port by its number, or by the name that a container gives it.
fn app_port(written: &str, reader: &mut Reader<'_, '_>) -> Option<NonZeroU16> {
    let port = match written.parse::<NonZeroU16>() {
        Ok(port) => Some(port),
        Err(_not_a_number) => named_port(reader.pod, written),
    };
    let Some(port) = port else {
        let text = "must be from 1 to 65535, or the name of a port of one of the containers";
        reader.refuse(words::APP_PORT, written, text);
        return None;
    };
    if words::OWN_PORTS.contains(&port.get()) {
        let text = "is a port of the sidecar's: the application must listen on another";
        reader.refuse(words::APP_PORT, written, text);
        return None;
    }
    Some(port)
}

/// The number of the port that a container of `pod` calls `name`.
pub(super) fn named_port(pod: Pod<'_>, name: &str) -> Option<NonZeroU16> {
    let containers = pod.containers().filter(|container| !container.is_ours());
    let ports =
        containers.flat_map(|container| container.value["ports"].as_array().into_iter().flatten());
    let number = ports
        .filter(|port| port["name"] == name)
        .find_map(|port| port["containerPort"].as_u64())?;
    u16::try_from(number).ok().and_then(NonZeroU16::new)
}

fn redirected(reader: &mut Reader<'_, '_>) -> Option<Redirected> {
    let wanted = match reader.text(words::TRANSPARENT) {
        None | Some(words::DISABLED) => false,
        Some(words::ENABLED) => true,
        Some(other) => {
            let text = "must be `enabled` or `disabled`";
            reader.refuse(words::TRANSPARENT, other, text);
            return None;
        }
    };
    let redirected = Redirected {
        inbound_ports: reader.list(words::EXCLUDE_INBOUND_PORTS),
        outbound_ports: reader.list(words::EXCLUDE_OUTBOUND_PORTS),
        networks: reader.list(words::EXCLUDE_NETWORKS),
    };
    if wanted {
        return Some(redirected);
    }
    for name in [
        words::EXCLUDE_INBOUND_PORTS,
        words::EXCLUDE_OUTBOUND_PORTS,
        words::EXCLUDE_NETWORKS,
    ] {
        if reader.pod.annotation(name).is_some() {
            let text = format!("is of use only with `{}: enabled`", words::TRANSPARENT);
            reader.notes.add(annotation(name), text);
        }
    }
    None
}

fn config(reader: &mut Reader<'_, '_>) -> Map<String, Value> {
    let Some(written) = reader.text(words::CONFIG) else {
        return Map::new();
    };
    let plain = serde_saphyr::options! { with_snippet: false };
    match serde_saphyr::from_str_with_options::<Value>(written, plain) {
        Ok(Value::Object(parts)) => parts,
        Ok(_other) => {
            let text = "must be sections of the configuration's file, such as `outbound: […]`";
            reader.notes.add(annotation(words::CONFIG), text);
            Map::new()
        }
        Err(error) => {
            let error = error.to_string().replace('\n', " ");
            reader.notes.add(annotation(words::CONFIG), error);
            Map::new()
        }
    }
}

fn policy(reader: &mut Reader<'_, '_>) -> PolicyFrom {
    match reader.text(words::POLICY) {
        None | Some("authority") => PolicyFrom::Authority,
        Some(written) => match written.strip_prefix("configmap/") {
            Some(name) if is_object_name(name) => PolicyFrom::ConfigMap(name.to_owned()),
            _ => {
                let text = "must be `authority`, or `configmap/NAME` for the `*.cedar` files of a ConfigMap of the pod's namespace";
                reader.refuse(words::POLICY, written, text);
                PolicyFrom::Authority
            }
        },
    }
}

/// Whether an object of Kubernetes can have that name (a DNS subdomain).
fn is_object_name(name: &str) -> bool {
    let is_end = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_label = |label: &str| {
        let bytes = label.as_bytes();
        let ends = [bytes.first(), bytes.last()];
        ends.iter().all(|end| end.is_some_and(|&byte| is_end(byte)))
            && bytes.iter().all(|&byte| is_end(byte) || byte == b'-')
    };
    name.len() <= MOST_NAME_BYTES && name.split('.').all(is_label)
}

/// Reads annotations one by one.
struct Reader<'a, 'n> {
    pod: Pod<'a>,
    notes: &'n mut Mistakes,
}

impl<'a> Reader<'a, '_> {
    fn text(&mut self, name: &str) -> Option<&'a str> {
        let found = self.pod.annotation(name)?;
        let text = found.as_str();
        if text.is_none() {
            self.notes.add(annotation(name), "must be a text");
        }
        text
    }

    fn parsed<T>(&mut self, name: &str) -> Option<T>
    where
        T: FromStr<Err: std::error::Error>,
    {
        let written = self.text(name)?;
        self.one(name, written)
    }

    /// What is separated by commas; spaces do not matter.
    fn list<T>(&mut self, name: &str) -> Vec<T>
    where
        T: FromStr<Err: std::error::Error>,
    {
        let written = self.text(name).into_iter();
        let parts: Vec<&str> = written.flat_map(|text| text.split(',')).collect();
        let parts = parts.into_iter().map(str::trim);
        parts.filter_map(|part| self.one(name, part)).collect()
    }

    fn one<T>(&mut self, name: &str, written: &str) -> Option<T>
    where
        T: FromStr<Err: std::error::Error>,
    {
        match written.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                let causes = std::iter::successors(error.source(), |&cause| cause.source());
                let text = causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"));
                self.refuse(name, written, &text);
                None
            }
        }
    }

    fn refuse(&mut self, name: &str, written: &str, text: &str) {
        let place = annotation(name);
        self.notes.add(place, format!("`{written}`: {text}"));
    }
}

/// The place of an annotation, for people.
pub(super) fn annotation(name: &str) -> String {
    format!("annotation `{name}`")
}

const MOST_NAME_BYTES: usize = 253;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_that_kubernetes_would_take() {
        for name in ["a", "orders-policy", "a.b-c.d", "7"] {
            assert!(is_object_name(name), "{name}");
        }
        for name in ["", "-a", "a-", "a..b", "A", "a_b", "a/b", &"a".repeat(254)] {
            assert!(!is_object_name(name), "{name}");
        }
    }
}
