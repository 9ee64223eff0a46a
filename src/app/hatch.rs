//! The operators' socket, as long as there is one.

use crate::admin::Hatch;
use crate::admin::Window;
use crate::drain::Watch;

/// Serves operators until `stop`, at the window and at the hatch beside it.
/// Requests go on without either.
pub(super) async fn serve(window: Option<Window>, hatch: Option<Hatch>, mut stop: Watch) {
    let mut until = stop.clone();
    let shown = async {
        if let Some(window) = window {
            window.serve(until.draining()).await;
        }
    };
    let ordered = async {
        if let Some(hatch) = hatch
            && let Err(error) = hatch.serve(stop.clone()).await
        {
            let error: &dyn std::error::Error = &error;
            tracing::error!(
                error,
                "operators are not heard any more: start the sidecar anew"
            );
        }
    };
    tokio::join!(shown, ordered);
    stop.draining().await;
}
