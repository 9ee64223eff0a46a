//! The control thread: everything that is not on the way of a request.

use std::io;
use std::sync::Arc;

use tokio::runtime::Runtime;
use tokio::sync::Notify;

use crate::admin::Block;
use crate::admin::Hatch;
use crate::admin::Readiness;
use crate::admin::Window;
use crate::app::edge::Household;
use crate::app::hatch;
use crate::app::policy_origin::PolicyKeeper;
use crate::audit::Log;
use crate::drain::Watch;
use crate::enrol::Follower;
use crate::identity::Renewal;
use crate::net::Names;
use crate::proxy::AppWatch;
use crate::workload_api;

/// What the control thread looks after.
#[derive(Debug)]
pub(super) struct Control {
    pub(super) api: Option<workload_api::Server>,
    pub(super) drain: Watch,
    pub(super) follower: Option<Follower>,
    pub(super) hatch: Option<Hatch>,
    pub(super) household: Option<Household>,
    pub(super) log: Log,
    pub(super) names: Names,
    pub(super) policies: PolicyKeeper,
    pub(super) readiness: Readiness,
    pub(super) reload: Arc<Notify>,
    pub(super) renewal: Renewal,
    /// Ends the thread, after all workers.
    pub(super) stop: Watch,
    pub(super) watch: Option<AppWatch>,
    pub(super) window: Option<Window>,
}

impl Control {
    /// Runs on `runtime` until told to stop.
    pub(super) fn run(self, runtime: &Runtime) -> io::Result<()> {
        runtime.block_on(self.look_after())
    }

    async fn look_after(self) -> io::Result<()> {
        let Self {
            api,
            drain,
            follower,
            hatch,
            household,
            log,
            names,
            policies,
            readiness,
            reload,
            renewal,
            mut stop,
            watch,
            window,
        } = self;
        let policy_reload = Notify::new();
        let until_calls_end = stop.clone();
        let api = async {
            match api {
                Some(api) => api.serve(until_calls_end).await,
                None => Ok(()),
            }
        };
        let live = renewal.live();
        let operators = hatch::serve(window, hatch, stop.clone());
        let follow = run_if_any(follower.map(|follower| follower.run(live)));
        let watch = run_if_any(watch.map(AppWatch::run));
        // Boxed, as all of it: together they are larger than a thread's stack should hold.
        let people = Box::pin(run_if_any(household.map(Household::run)));
        let relay = relay(&reload, &log, &policy_reload);
        let rest = Box::pin(async {
            tokio::select! {
                () = stop.draining() => {}
                () = operators => {}
                () = renewal.run() => {}
                () = follow => {}
                () = names.run() => {}
                () = watch => {}
                () = people => {}
                () = policies.watch(&policy_reload) => {}
                () = relay => {}
                _unready = block_when_draining(drain, &readiness) => {}
            }
        });
        // Its callers are told that it ends: that takes a moment more.
        let ((), served) = tokio::join!(rest, api);
        served
    }
}

/// Opens the log and reads the policies again, whenever told to.
async fn relay(reload: &Notify, log: &Log, policies: &Notify) {
    loop {
        reload.notified().await;
        // A log that was rotated away is opened again.
        log.reopen();
        policies.notify_one();
    }
}

/// Tells load balancers to go elsewhere, for as long as the answer is awaited.
async fn block_when_draining(mut drain: Watch, readiness: &Readiness) -> Block {
    drain.draining().await;
    let block = readiness.block("draining", "told to stop");
    std::future::pending::<()>().await;
    block
}

/// Ends when `task` does; never, if there is none.
async fn run_if_any(task: Option<impl Future<Output = ()>>) {
    match task {
        Some(task) => task.await,
        None => std::future::pending().await,
    }
}
