//! Two services, each with its sidecar: `web` calls `orders`.

use crate::application::Application;
use crate::application::Call;
use crate::caller::Caller;
use crate::stage::Calendar;
use crate::stage::Sidecar;
use crate::stage::Stage;
use crate::trial::begin;

/// Both sidecars, and what is beside them.
pub(crate) struct Pair {
    /// What `orders` is.
    pub(crate) application: Application,
    pub(crate) orders: Sidecar,
    stage: Stage,
    pub(crate) web: Sidecar,
}

impl Pair {
    pub(crate) fn new(more: &str) -> Self {
        Self::on(Stage::new(), more)
    }

    pub(crate) fn on(stage: Stage, more: &str) -> Self {
        let application = Application::start();
        let orders = stage.orders(application.address(), more);
        let web = stage.web(orders.inbound(), more);
        Self {
            application,
            orders,
            stage,
            web,
        }
    }

    /// `web` itself, at the door that leads to `orders`.
    pub(crate) fn call(&self) -> Caller {
        Caller::plain(self.web.outbound())
    }

    /// A request for `/a` that the application has, and nothing came back of.
    pub(crate) fn begin(&self) -> (Caller, Call) {
        begin(self.call(), &self.application)
    }

    pub(crate) fn calendar(&self) -> &Calendar {
        &self.stage.calendar
    }

    /// What the next record at each door says, first `web`'s.
    pub(crate) fn record<const N: usize>(&self, fields: [&str; N]) -> [String; 2] {
        [&self.web, &self.orders].map(|sidecar| sidecar.records.next().says(fields))
    }
}
