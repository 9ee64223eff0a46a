//! Turns `src/rpc/*.proto` into the code that `rpc` holds. No `protoc` is needed.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=src/rpc");
    let files = [
        "authority.proto",
        "admin.proto",
        "workload.proto",
        "istio.proto",
    ];
    let set = protox::compile(files, ["src/rpc"])?;
    tonic_prost_build::configure()
        // It is large, and the same for everybody.
        .bytes(".portreeve.authority.v1.PolicySet.document")
        .compile_fds(set)?;
    Ok(())
}
