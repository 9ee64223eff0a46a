//! Settings for policies that are looked at without a configuration.
//!
//! An author's machine has the policies, but not the configuration of every
//! sidecar that will load them. Services and groups then count as declared
//! when a policy names them; headers and zones cannot be guessed, because
//! their names are part of the schema.

use std::collections::BTreeSet;
use std::path::Path;

use crate::policy::load;
use crate::policy::name::GroupName;
use crate::policy::name::ServiceName;
use crate::policy::named;
use crate::policy::settings::Route;
use crate::policy::settings::Settings;
use crate::policy::template::Template;

impl Settings {
    /// Declares the services and groups that the policies in `dir` name.
    ///
    /// Nothing is declared by a file that cannot be read: loading the directory
    /// says what is wrong with it.
    #[must_use]
    pub fn as_named_in(dir: &Path) -> Self {
        let files = load::read(dir).unwrap_or_default().into_iter();
        Self::as_named_by(files.map(|(_, text)| text))
    }

    /// The same for files that are already read.
    #[must_use]
    pub fn as_named_by(texts: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let mut settings = Self::default();
        let mut route_groups = BTreeSet::new();
        for text in texts {
            for (kind, id) in named::entities(text.as_ref()) {
                settings.declare(kind, &id, &mut route_groups);
            }
        }
        let everything = "/**".parse::<Template>();
        if let (Ok(path), Some(routes)) = (everything, settings.services.values_mut().next())
            && !route_groups.is_empty()
        {
            routes.push(Route {
                path,
                groups: route_groups,
            });
        }
        settings
    }

    fn declare(&mut self, kind: &str, id: &str, route_groups: &mut BTreeSet<GroupName>) {
        match kind {
            "Route" => self.declare_service(id.split_once(':').map_or(id, |(service, _)| service)),
            "RouteGroup" => route_groups.extend(id.parse::<GroupName>()),
            "Service" => self.declare_service(id),
            "WorkloadGroup" => {
                if let Ok(group) = id.parse::<GroupName>() {
                    self.workload_groups.entry(group).or_default();
                }
            }
            _ => {}
        }
    }

    fn declare_service(&mut self, name: &str) {
        if let Ok(service) = name.parse::<ServiceName>() {
            self.services.entry(service).or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::policy::Policy;
    use crate::policy::Settings;

    #[test]
    fn what_policies_name_counts_as_declared_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let text = r#"@id("a") permit (principal in WorkloadGroup::"ops", action, resource in Route::"orders:/x/{id}");
            @id("b") permit (principal, action, resource in RouteGroup::"public");
            @id("c") permit (principal, action, resource in Service::"carts");"#;
        fs::write(dir.path().join("a.cedar"), text).unwrap();
        assert!(Policy::load(dir.path(), &Settings::default()).is_err());
        let settings = Settings::as_named_in(dir.path());
        let (policy, warnings) = Policy::load(dir.path(), &settings).unwrap();
        assert_eq!((policy.names().len(), warnings), (3, Vec::new()));
        let header =
            r#"@id("a") permit (principal, action, resource) when { context.headers has "x-a" };"#;
        fs::write(dir.path().join("a.cedar"), header).unwrap();
        assert!(Policy::load(dir.path(), &Settings::as_named_in(dir.path())).is_err());
    }
}
