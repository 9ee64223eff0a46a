//! `portreeve signal`: what is said of a caller, for a while.

use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;
use jiff::SignedDuration;

use crate::cli::hatch::Hatch;
use crate::cli::hatch::with;
use crate::cli::print;
use crate::cli::socket::date;
use crate::rpc::sidecar as rpc;

#[derive(Debug, Subcommand)]
pub(super) enum SignalCommand {
    /// Say that a signal has a value, over what the sidecar's file says
    ///
    /// What is in flight is decided again at once. It is forgotten when its time is
    /// over, and when the sidecar ends: then it is what the file says, or absent.
    Set {
        /// The signal, as `policy.signals` declares it
        name: String,
        /// Its value, of the declared type, in YAML: 7, true, high, [a, b]
        #[arg(allow_hyphen_values = true)]
        value: String,
        /// Of whom it is said
        #[arg(long, value_name = "SPIFFE-ID|PROVIDER/SUBJECT")]
        of: String,
        /// For how long, such as 90s, 10m or 2h: up to a week
        #[arg(long = "for", value_name = "TIME", value_parser = while_of)]
        duration: Duration,
        #[command(flatten)]
        hatch: Hatch,
    },
    /// Say it no longer
    Clear {
        /// The signal
        name: String,
        /// Of whom it is said
        #[arg(long, value_name = "SPIFFE-ID|PROVIDER/SUBJECT")]
        of: String,
        #[command(flatten)]
        hatch: Hatch,
    },
    /// Print what is said so; what the file says is not among it
    List {
        #[command(flatten)]
        hatch: Hatch,
    },
}

pub(super) fn signal(command: SignalCommand) -> ExitCode {
    match command {
        SignalCommand::Set {
            name,
            value,
            of,
            duration,
            hatch,
        } => with(&hatch, async |mut client| {
            let request = rpc::SetSignalRequest {
                name,
                value,
                of,
                for_s: duration.as_secs(),
            };
            client.set_signal(request).await.map(drop)
        }),
        SignalCommand::Clear { name, of, hatch } => with(&hatch, async |mut client| {
            let request = rpc::ClearSignalRequest { name, of };
            client.clear_signal(request).await.map(drop)
        }),
        SignalCommand::List { hatch } => with(&hatch, async |mut client| {
            let told = client.list_signals(rpc::ListSignalsRequest {}).await?;
            let mut told = told.into_inner();
            while let Some(signal) = told.message().await? {
                print::line(format_args!(
                    "{}  {}  of {}  until {}",
                    signal.name,
                    signal.value.escape_debug(),
                    signal.of,
                    date(signal.until_s)
                ));
            }
            Ok(())
        }),
    }
}

/// Whole seconds, as people write them.
fn while_of(text: &str) -> Result<Duration, String> {
    let why = |_| "write it as 90s, 10m, 2h or 1h30m".to_owned();
    let read = text.parse::<SignedDuration>().map_err(why)?;
    let read =
        Duration::try_from(read).map_err(|_negative| "it must not be negative".to_owned())?;
    if read.subsec_nanos() != 0 {
        return Err("it must be whole seconds".to_owned());
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_while_is_read_as_people_write_it() {
        for (text, seconds) in [("90s", 90), ("10m", 600), ("2h", 7_200), ("1h30m", 5_400)] {
            assert_eq!(while_of(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in [
            "",
            "10",
            "soon",
            "-5m",
            "1500ms",
            "1y",
            "99999999999999999999h",
        ] {
            assert!(while_of(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_whole_seconds_or_refused(text in "\\PC{0,12}|[0-9]{1,20}[smhd]([0-9]{1,9}[smh])?") {
            if let Ok(read) = while_of(&text) {
                prop_assert_eq!(read.subsec_nanos(), 0);
            }
        }
    }
}
