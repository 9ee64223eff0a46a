//! What a set of policies costs to load, in time and memory, by its size.
//!
//! `sparse`: each policy is about another caller and another route. `conditions`:
//! each asks for path, clock and header besides. `kinds`: what people write, ten
//! policies for each service, of six kinds. From files that are read to a set
//! that decides: parse, check against the schema, examine, index, compile. Each
//! row is a process of its own, so that the memory is that of one load alone.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark may stop, and prints what it finds"
)]

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::time::Duration;

use mimalloc::MiMalloc;
use portreeve::policy::Policy;
use portreeve::policy::Settings;
use tokio::time::Instant;

/// That of the program.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const SETS: [&str; 3] = ["sparse", "conditions", "kinds"];

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [word, set, size] = arguments.as_slice()
        && word == "one"
    {
        println!("{}", one(set, size.parse().unwrap()));
        return;
    }
    println!(
        "| set | policies | text KiB | ms | µs a policy | peak MiB | kept MiB | kept bytes a policy |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");
    for set in SETS {
        for size in ["10", "100", "1000", "10000"] {
            let row = Command::new(env::current_exe().unwrap())
                .args(["one", set, size])
                .output()
                .unwrap();
            assert!(row.status.success(), "{set} {size}: {row:?}");
            print!("{}", String::from_utf8(row.stdout).unwrap());
        }
    }
}

/// A row: the median of some loads, and the memory of the first.
fn one(set: &str, size: usize) -> String {
    let text = text(set, size);
    let files = [("bench.cedar", text.as_str())];
    let settings = settings(size);
    // What Cedar makes once for a process is no part of a set.
    drop(Policy::parse(
        &[(
            "a.cedar",
            "@id(\"a\") permit (principal, action, resource);",
        )],
        &settings,
    ));
    let before = memory("VmRSS:");
    let begun = Instant::now();
    let first = Policy::parse(&files, &settings).unwrap();
    let mut times = vec![begun.elapsed()];
    let (peak, after) = (memory("VmHWM:"), memory("VmRSS:"));
    assert_eq!((first.0.names().len(), first.1.len()), (size, 0));
    while times.len() < 3 || (times.len() < 15 && times.iter().sum::<Duration>() < ENOUGH) {
        let begun = Instant::now();
        let loaded = Policy::parse(&files, &settings).unwrap();
        times.push(begun.elapsed());
        drop(loaded);
    }
    times.sort_unstable();
    let median = times.get(times.len() / 2).unwrap().as_secs_f64();
    let policies = u32::try_from(size).map(f64::from).unwrap();
    let kept = (after - before).max(0.0);
    format!(
        "| {set} | {size} | {:.0} | {:.1} | {:.0} | {:.1} | {:.1} | {:.0} |",
        u32::try_from(text.len()).map(f64::from).unwrap() / 1024.0,
        median * 1e3,
        median * 1e6 / policies,
        (peak - before).max(0.0) / 1024.0,
        kept / 1024.0,
        kept * 1024.0 / policies,
    )
}

fn settings(size: usize) -> Settings {
    let services = (0..size.div_ceil(10)).map(|number| format!("s{number}").parse().unwrap());
    Settings {
        services: services
            .chain(["orders".parse().unwrap()])
            .map(|name| (name, Vec::new()))
            .collect(),
        workload_groups: [("operators".parse().unwrap(), Default::default())].into(),
        headers: vec![http::HeaderName::from_static("x-tier")],
        ..Settings::default()
    }
}

fn text(set: &str, size: usize) -> String {
    let mut text = String::new();
    for number in 0..size {
        match set {
            "sparse" => sparse(&mut text, number, ""),
            "conditions" => sparse(&mut text, number, CONDITION),
            _ => kinds(&mut text, number),
        }
    }
    text
}

fn sparse(text: &mut String, number: usize, condition: &str) {
    writeln!(
        text,
        "@id(\"p{number}\") permit(principal == Workload::\"spiffe://td/ns/shop/sa/w{number}\", \
         action in Action::\"read\", resource in Route::\"orders:/r{number}/{{id}}\") {condition};"
    )
    .unwrap();
}

/// One of the ten policies of a service.
fn kinds(text: &mut String, number: usize) {
    let service = format!("s{}", number / 10);
    let web = format!("principal == Workload::\"spiffe://td/ns/{service}/sa/w{number}\"");
    let route = format!("resource in Route::\"{service}:/r{number}/{{id}}/**\"");
    let whole = format!("resource in Service::\"{service}\"");
    let (effect, scope, condition) = match number % 10 {
        0..4 => ("permit", format!("{web}, action in Action::\"read\", {route}"), "".to_owned()),
        4 => ("permit", format!("{web}, action == Action::\"POST\", {route}"), "when { context.utc.minuteOfDay >= 480 && context.utc.minuteOfDay < 1080 }".to_owned()),
        5 => ("permit", format!("{web}, action in Action::\"http\", {whole}"), "when { context.path like \"/api/*\" }".to_owned()),
        6 => ("permit", format!("principal in WorkloadGroup::\"operators\", action in Action::\"http\", {whole}"), "when { context.headers has \"x-tier\" && context.headers[\"x-tier\"] == \"gold\" }".to_owned()),
        7 => ("permit", format!("principal in Namespace::\"td/{service}\", action in [Action::\"GET\", Action::\"POST\"], {whole}"), "unless { context.sourceIp.isInRange(ip(\"10.0.0.0/8\")) }".to_owned()),
        8 => ("permit", format!("principal in Group::\"corp/team{number}\", action, {route}"), "when { context has authAge && context.authAge < 900 && principal.amr.contains(\"hwk\") }".to_owned()),
        _ => ("forbid", format!("principal, action in Action::\"http\", {whole}"), "unless { principal is Workload || context.headers has \"x-tier\" }".to_owned()),
    };
    writeln!(
        text,
        "@id(\"p{number}\")\n@owner(\"team-{service}\")\n{effect} ({scope})\n{condition};"
    )
    .unwrap();
}

/// KiB of this process.
fn memory(what: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(what))
        .unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}

const CONDITION: &str = "when { context.path like \"/r7/*\" && context.utc.minuteOfDay < 1440 \
     && context.headers has \"x-tier\" && context.headers[\"x-tier\"] == \"gold\" }";

/// More rounds than this say no more.
const ENOUGH: Duration = Duration::from_secs(3);
