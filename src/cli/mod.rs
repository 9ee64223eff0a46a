//! The words an operator types.
//!
//! Results go to standard output; what is wrong goes to standard error with
//! all its causes, and the exit code is then 1. A command line that cannot be
//! understood exits with 2. Where a question was asked and the answer is no,
//! the exit code is 3.

mod asking;
mod audit;
mod authority;
mod check;
mod colour;
mod completions;
mod demonstrate;
mod develop;
mod examples;
mod explain;
mod hatch;
mod health;
mod import;
mod init_net;
mod injector;
mod login;
mod manual;
mod orders;
mod print;
mod query;
mod rehearse;
mod run;
mod runtime;
mod session;
mod shown;
mod signal;
mod socket;
mod svid;
mod tap;
mod top;
mod watch;
mod window;
mod words;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use clap::Subcommand;

use crate::config::AuthorityConfig;
use crate::config::Config;
use crate::config::InjectorConfig;
use crate::login::Site;
use crate::policy::ProviderName;
use crate::rehearsal;

use audit::AuditCommand;
use completions::Shell;
use demonstrate::Stay;
use develop::DevelopCommand;
use explain::Explain;
use import::Import;
use init_net::InitNet;
use injector::InjectorCommand;
use orders::AuthorityCommand;
use orders::EntryCommand;
use orders::RevocationCommand;
use orders::TokenCommand;
use rehearse::Test;
use session::SessionCommand;
use signal::SignalCommand;
use tap::Tap;
use top::Top;

/// Does what the command line says.
#[must_use]
pub fn main() -> ExitCode {
    let typed: Vec<_> = std::env::args_os().collect();
    let arguments = match words::understood(&typed) {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    match arguments.command {
        Command::Audit { command } => audit::audit(command),
        Command::Authority { config, command } => run_or_order(config, command),
        Command::Entry { command } => orders::entry(command),
        Command::Revocation { command } => orders::revocation(command),
        Command::Token { site, command } => token(site, command),
        Command::Login { at, provider } => login::login(&at, provider.as_ref()),
        Command::Logout { at } => login::logout(&at),
        Command::Check { config } => check::configuration(&config),
        Command::Completions { shell } => completions::completions(shell),
        Command::Demo { dir, once: true } => demonstrate::demonstrate(dir, Stay::ForTheTour),
        Command::Demo { dir, once: false } => demonstrate::demonstrate(dir, Stay::UntilInterrupted),
        Command::Develop { command } => develop::develop(command),
        Command::Health { admin } => health::health(admin),
        Command::InitNet(wanted) => init_net::init_net(wanted),
        Command::Injector { config, command } => injector::injector(config, command),
        Command::Manual { dir } => manual::manual(&dir),
        Command::Policy {
            command: PolicyCommand::Check { dir, config },
        } => check::policies(&dir, config.as_deref()),
        Command::Policy {
            command: PolicyCommand::Explain(wanted),
        } => explain::explain(*wanted),
        Command::Policy {
            command: PolicyCommand::Import(wanted),
        } => import::import(wanted),
        Command::Policy {
            command: PolicyCommand::Test(wanted),
        } => rehearse::test(&wanted),
        Command::Run { config } => run::run(&config),
        Command::Schema {
            policy_tests: true, ..
        } => print::schema(&rehearsal::cases_schema()),
        Command::Schema { injector: true, .. } => print::schema(&InjectorConfig::schema()),
        Command::Schema {
            authority: false, ..
        } => print::schema(&Config::schema()),
        Command::Schema {
            authority: true, ..
        } => print::schema(&AuthorityConfig::schema()),
        Command::Session { command } => session::session(command),
        Command::Signal { command } => signal::signal(command),
        Command::Svid {
            command: SvidCommand::Show { file, bundle },
        } => svid::show(&file, bundle.as_deref()),
        Command::Tap(wanted) => tap::tap(&wanted),
        Command::Top(wanted) => top::top(&wanted),
    }
}

/// Runs it, or orders it about.
fn run_or_order(config: Option<PathBuf>, command: Option<AuthorityCommand>) -> ExitCode {
    match (config, command) {
        (_, Some(command)) => orders::authority(command),
        (Some(config), None) => authority::run(&config),
        // clap demands one of the two.
        (None, None) => ExitCode::from(2),
    }
}

/// Two kinds of tokens have one word: an edge's and an authority's.
fn token(site: Option<Site>, command: Option<TokenCommand>) -> ExitCode {
    match (site, command) {
        (_, Some(command)) => orders::token(command),
        (Some(site), None) => login::token(&site),
        // clap demands one of the two.
        (None, None) => ExitCode::from(2),
    }
}

/// A sidecar that decides every request, not every login
#[derive(Debug, Parser)]
#[command(
    name = "portreeve",
    version,
    max_term_width = 100,
    arg_required_else_help = true
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check, search and sign for the log of decisions
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Run the workload CA, which gives sidecars their identities
    ///
    /// SIGHUP opens the audit file again. Changed entries are noticed by themselves.
    #[command(args_conflicts_with_subcommands = true, arg_required_else_help = true)]
    Authority {
        /// The authority's configuration file
        #[arg(long, value_name = "FILE", required = true)]
        config: Option<PathBuf>,
        #[command(subcommand)]
        command: Option<AuthorityCommand>,
    },
    /// Say all that is wrong with a configuration and its policies
    ///
    /// Reads the identity's files and the policies, takes no port and writes
    /// nothing. Exits with 0 if nothing is wrong, with 1 if something is.
    Check {
        /// The configuration file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Print what makes a shell complete these commands
    ///
    /// A package of a distribution has it installed already.
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Say who may be named what by an authority
    Entry {
        #[command(subcommand)]
        command: EntryCommand,
    },
    /// Say who is believed no longer, before their certificates end
    Revocation {
        #[command(subcommand)]
        command: RevocationCommand,
    },
    /// Print a login's token, or make tokens for sidecars to join with
    ///
    /// With an address: the token that `portreeve login` has kept, for `curl -H "Authorization: Bearer $(portreeve token
    /// https://HOST)"`. Whoever has it is you there. It is not asked whether the session goes on: the edge says 401 if it
    /// does not. Exits with 1 if there is none, or if it has ended.
    #[command(args_conflicts_with_subcommands = true, arg_required_else_help = true)]
    Token {
        /// The edge that the token is for
        #[arg(value_name = "https://HOST", required = true)]
        site: Option<Site>,
        #[command(subcommand)]
        command: Option<TokenCommand>,
    },
    /// Sign in at an edge, for programs that have no browser
    ///
    /// Shows an address and a code. Whoever opens the one in a browser, on any machine, signs in there and types in the
    /// other, lets this program act as themselves, until `portreeve logout`, or until the session ends as that of a browser
    /// would. The token is kept under $XDG_STATE_HOME/portreeve or ~/.local/state/portreeve, for
    /// `portreeve token`; that of a login from before is ended. Exits with 3 if the answer is no, with 1 if nobody
    /// answers in time or something is wrong.
    Login {
        #[command(flatten)]
        at: login::Where,
        /// Which of the edge's providers is asked [default: the only one that lets programs in]
        #[arg(long, value_name = "NAME")]
        provider: Option<ProviderName>,
    },
    /// Sign out at an edge: end the session and forget its token
    ///
    /// What is in flight with the token is cut. Exits with 0 also if there was nothing to end, with 1 if the edge could not be
    /// asked: the session goes on then, and its token is kept.
    Logout {
        #[command(flatten)]
        at: login::Where,
    },
    /// Run a whole small mesh on loopback, to look at and to try
    ///
    /// Two services with their sidecars, and a door for people. Who signs them in is a development provider on loopback that
    /// asks for no password: it is a part of this command, and nothing that `portreeve run` starts has it.
    Demo {
        /// Where the policies and the decision log go [default: a new folder under the system's temporary one]
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
        /// Take the tour, print each outcome, and exit with 0 if all were as expected
        #[arg(long)]
        once: bool,
    },
    /// What a mesh of containers on a developer's machine needs besides: never in earnest
    #[command(hide = true)]
    Develop {
        #[command(subcommand)]
        command: DevelopCommand,
    },
    /// Say whether a sidecar or an authority is ready
    ///
    /// What a container's health check runs. Exits with 0 if it is, with 1 if it is not or nobody answers within three seconds, and says why.
    Health {
        /// Its `admin.listen`
        #[arg(value_name = "ADDRESS", default_value = "127.0.0.1:15020", value_parser = health::address)]
        admin: SocketAddr,
    },
    /// Print or apply the firewall rules that lead to the sidecar
    ///
    /// nftables rules, in one table of their own, for the network namespace that this is run in: TCP connections that leave go to
    /// `transparent.listen`, those that come from outside to the inbound door of the application that they are for. The sidecar's own
    /// connections, loopback and whatever is excluded go their way. Loading them again replaces them.
    InitNet(InitNet),
    /// Put a sidecar into each Kubernetes pod that wants one
    ///
    /// A mutating webhook, which API servers ask about each new pod. SIGHUP opens the audit file again.
    #[command(args_conflicts_with_subcommands = true, arg_required_else_help = true)]
    Injector {
        /// The injector's configuration file
        #[arg(long, value_name = "FILE", required = true)]
        config: Option<PathBuf>,
        #[command(subcommand)]
        command: Option<InjectorCommand>,
    },
    /// Write the manual pages, as a package has them
    #[command(hide = true)]
    Manual {
        /// The folder, which is there
        dir: PathBuf,
    },
    /// Check, explain, test and import policies
    Policy {
        #[command(subcommand)]
        command: PolicyCommand,
    },
    /// Run the sidecar until SIGTERM
    ///
    /// SIGHUP reads the policies again and opens the audit file again. A
    /// changed policy folder and changed certificates are noticed by themselves.
    Run {
        /// The configuration file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Print the JSON Schema of the configuration file
    Schema {
        /// That of an authority, instead of a sidecar
        #[arg(long)]
        authority: bool,
        /// That of an injector
        #[arg(long, conflicts_with = "authority")]
        injector: bool,
        /// That of a file of cases for policies
        #[arg(long, conflicts_with_all = ["authority", "injector"])]
        policy_tests: bool,
    },
    /// Say who has signed in at a sidecar, and end sessions
    Session {
        #[command(subcommand)]
        command: SessionCommand,
    },
    /// Say something of a caller to a sidecar's policies, for a while
    Signal {
        #[command(subcommand)]
        command: SignalCommand,
    },
    /// Say what a certificate or a Workload API holds
    Svid {
        #[command(subcommand)]
        command: SvidCommand,
    },
    /// Show decisions as they happen
    ///
    /// Each record that is written from now on and fits, until the sidecar ends or Ctrl-C: in short on a terminal, else as it is, one
    /// JSON object a line. Whoever is too slow is told how many are left out. It asks the sidecar's window, on this machine.
    Tap(Box<Tap>),
    /// Show who calls whom, how often and with what outcome
    ///
    /// A table of the last ten seconds, each second anew, until q or Ctrl-C; where there is no terminal, one JSON object a second.
    /// It asks the sidecar's window, on this machine.
    Top(Top),
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    /// Say everything that is wrong with a folder of policies
    Check {
        /// The folder of the *.cedar files
        dir: PathBuf,
        /// The configuration that declares services, routes, headers, zones and groups.
        /// Without it, services and groups are what the policies name
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Say what would be decided about a request, and why
    ///
    /// The request is read and decided as the sidecar would, and each policy
    /// is asked alone: which apply, which do not and on what condition. Exits
    /// with 0 if it would pass, with 3 if not, with 1 if the configuration or
    /// its policies have mistakes.
    Explain(Box<Explain>),
    /// Translate the policies of another mesh
    ///
    /// Prints Cedar that says what the original says, or all that cannot be said
    /// so, with its line. Exits with 0 if all is translated, with 1 if nothing is.
    #[command(subcommand)]
    Import(Import),
    /// Hold policies against the cases that stand beside them
    ///
    /// Prints each case that is not answered as expected, with the reasons, and
    /// the policies that apply in no case. Exits with 0 if all is as expected,
    /// with 3 if not, with 1 if policies or cases have mistakes.
    Test(Test),
}

#[derive(Debug, Subcommand)]
enum SvidCommand {
    /// Say what a certificate file or a Workload API holds, and what is wrong with it
    Show {
        /// A PEM file: an SVID with its intermediates, leaf first; or `unix://PATH`, a Workload API's socket
        file: PathBuf,
        /// The trust domain's roots, to check a file's chain against
        #[arg(long, value_name = "FILE")]
        bundle: Option<PathBuf>,
    },
}
