//! `portreeve top`: who calls whom, in a table that lives.

mod keys;
mod news;
mod screen;
mod table;

use std::io::IsTerminal as _;
use std::io::stdout;
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Args;
use tokio::signal::unix::Signal;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;

use crate::cli::colour::Palette;
use crate::cli::colour::When;
use crate::cli::health;
use crate::cli::print;
use crate::cli::runtime;
use crate::cli::watch::Told;
use crate::cli::watch::Watch;

use keys::Keys;
use news::News;
use screen::Screen;
use table::Sort;
use table::Table;

/// Which sidecar, and how it is shown.
#[derive(Args, Debug)]
pub(super) struct Top {
    /// The sidecar's `admin.listen`
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:15020", value_parser = health::address)]
    admin: SocketAddr,
    /// Print one JSON object each second, also on a terminal
    #[arg(long)]
    json: bool,
    /// When there is colour
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: When,
}

/// Shows the traffic until the sidecar ends, or somebody ends us.
pub(super) fn top(wanted: &Top) -> ExitCode {
    runtime::run(async {
        let mut window = match Watch::open(wanted.admin, "/traffic").await {
            Ok(window) => window,
            Err(code) => return code,
        };
        if wanted.json || !stdout().is_terminal() {
            return tokio::select! {
                code = as_json(&mut window) => code,
                _interrupted = tokio::signal::ctrl_c() => ExitCode::SUCCESS,
            };
        }
        match show(&mut window, wanted.color.palette()).await {
            Ok(code) => code,
            Err(error) => print::failure(&error),
        }
    })
}

async fn as_json(window: &mut Watch) -> ExitCode {
    loop {
        match window.next().await {
            Ok(Told::Event(mut news)) => {
                news.push(b'\n');
                // Whoever reads has gone, as `head` does.
                if print::whole(&news).is_err() {
                    return ExitCode::SUCCESS;
                }
            }
            Ok(Told::Missed(_)) => {}
            Ok(Told::End) => return ExitCode::SUCCESS,
            Err(code) => return code,
        }
    }
}

/// What ends us, and what changes the screen.
struct Signals {
    ends: [Signal; 3],
    resize: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            ends: [
                signal(SignalKind::interrupt())?,
                signal(SignalKind::terminate())?,
                signal(SignalKind::hangup())?,
            ],
            resize: signal(SignalKind::window_change())?,
        })
    }

    async fn end(ends: &mut [Signal; 3]) {
        let [interrupt, terminate, hangup] = ends;
        tokio::select! {
            _told = interrupt.recv() => {}
            _told = terminate.recv() => {}
            _told = hangup.recv() => {}
        }
    }
}

async fn show(window: &mut Watch, palette: Palette) -> std::io::Result<ExitCode> {
    let mut signals = Signals::listen()?;
    let mut keys = Keys::open()?;
    let screen = Screen::open()?;
    let mut table = Table {
        palette,
        news: None,
        sort: Sort::Requests,
    };
    let code = loop {
        screen.draw(&table)?;
        tokio::select! {
            () = Signals::end(&mut signals.ends) => break ExitCode::SUCCESS,
            _resized = signals.resize.recv() => {}
            key = keys.next() => match key? {
                // Ctrl-C and Ctrl-D are signals, or not, as the terminal is set.
                b'q' | b'Q' | 3 | 4 => break ExitCode::SUCCESS,
                b's' => table.sort = table.sort.next(),
                _ => {}
            },
            told = window.next() => match told {
                Ok(Told::Event(news)) => table.news = News::read(&news),
                Ok(Told::Missed(_)) => {}
                Ok(Told::End) => {
                    drop(screen);
                    print::complaint("portreeve: the sidecar has ended");
                    return Ok(ExitCode::SUCCESS);
                }
                Err(code) => break code,
            },
        }
    };
    drop(screen);
    Ok(code)
}
