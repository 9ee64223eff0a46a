//! What requests must get past besides the policy, put together.

use prometheus::IntGauge;
use prometheus::Registry;

use crate::admin::Readiness;
use crate::config::Config;
use crate::proxy::AppHealth;
use crate::proxy::AppWatch;
use crate::proxy::Gates;

/// What there is of it, as the configuration wants it.
#[derive(Debug, Default)]
pub(super) struct Gatehouse {
    /// None without an inbound door.
    pub(super) gates: Option<Gates>,
    health: Option<AppHealth>,
    /// Who asks the application whether it is ready, if anybody does.
    pub(super) watch: Option<AppWatch>,
}

impl Gatehouse {
    /// As `config` wants it, with its metrics in `registry`.
    pub(super) fn build(config: &Config, registry: &Registry) -> Result<Self, prometheus::Error> {
        let Some(door) = &config.inbound else {
            return Ok(Self::default());
        };
        let Some(ready) = &door.app_ready else {
            return Ok(Self {
                gates: Some(Gates::new(door, None)),
                ..Self::default()
            });
        };
        let gauge = IntGauge::new(APP_READY, "Whether our application is ready for requests.")?;
        registry.register(Box::new(gauge.clone()))?;
        let health = AppHealth::new(gauge);
        Ok(Self {
            gates: Some(Gates::new(door, Some(health.clone()))),
            watch: Some(AppWatch::new(door, ready.clone(), health.clone())),
            health: Some(health),
        })
    }

    /// Lets `readiness` say when the application is not ready.
    pub(super) fn tell(&self, readiness: &Readiness) {
        if let Some(health) = self.health.clone() {
            readiness.watch("app_not_ready", move || health.complaint());
        }
    }
}

const APP_READY: &str = "portreeve_app_ready";
