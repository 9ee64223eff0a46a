//! The binary: everything is in the library.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A request allocates and frees some dozens of small blocks on one thread;
/// glibc's allocator took a ninth of a sidecar's own instructions for it.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    portreeve::cli::main()
}
