//! Turns `src/rpc/*.proto` into the code that `rpc` holds, for which no `protoc`
//! is needed, and tells the linker what belongs together.

use std::env;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=src/rpc");
    let files = [
        "authority.proto",
        "admin.proto",
        "sidecar.proto",
        "workload.proto",
        "istio.proto",
    ];
    let set = protox::compile(files, ["src/rpc"])?;
    tonic_prost_build::configure()
        // It is large, and the same for everybody.
        .bytes(".portreeve.authority.v1.PolicySet.document")
        .compile_fds(set)?;
    order_functions();
    Ok(())
}

/// The program is large, and a sidecar runs little of it. What it runs lies
/// together, so that an idle one takes half of the memory (`benches/pair/order`).
///
/// The script is for the linker that Rust brings along for this target. Whoever
/// has chosen another gets a program that does the same.
fn order_functions() {
    println!("cargo:rerun-if-changed=src/order.ld");
    let is_usual =
        told("RUSTC_LINKER").is_empty() && !told("CARGO_ENCODED_RUSTFLAGS").contains("link");
    if is_usual && told("PROFILE") == "release" && told("TARGET") == "x86_64-unknown-linux-gnu" {
        let root = told("CARGO_MANIFEST_DIR");
        println!("cargo:rustc-link-arg-bins=-Wl,-T,{root}/src/order.ld");
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "Cargo tells a build script by its environment"
)]
fn told(name: &str) -> String {
    env::var(name).unwrap_or_default()
}
