//! Handing rules to the kernel, by way of `nft`.

use std::io;
use std::io::Write as _;
use std::process::Command;
use std::process::Stdio;

use crate::redirect::plan::Plan;
use crate::redirect::rules::CLEARED;

/// Puts `plan` in force in this network namespace, in place of what we put in
/// force before. All of it, or nothing. Needs `CAP_NET_ADMIN`.
///
/// # Errors
///
/// [`NftError`]; the rules are then what they were.
pub fn apply(plan: &Plan) -> Result<(), NftError> {
    load(&plan.to_string())
}

/// Takes away all rules of ours, if there are any. Needs `CAP_NET_ADMIN`.
///
/// # Errors
///
/// [`NftError`]; the rules are then what they were.
pub fn remove() -> Result<(), NftError> {
    load(CLEARED)
}

fn load(rules: &str) -> Result<(), NftError> {
    let unusable = |cause| NftError::Unusable { cause };
    let mut nft = Command::new("nft")
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|cause| match cause.kind() {
            io::ErrorKind::NotFound => NftError::Missing,
            _ => unusable(cause),
        })?;
    // Dropped at the end of the statement: that is how nft knows that this is all.
    let written = nft
        .stdin
        .take()
        .map(|mut input| input.write_all(rules.as_bytes()));
    let ended = nft.wait_with_output().map_err(unusable)?;
    if !ended.status.success() {
        let said = String::from_utf8_lossy(&ended.stderr);
        let said = said.lines().next().unwrap_or("nothing").to_owned();
        return Err(NftError::Refused { said });
    }
    match written {
        Some(written) => written.map_err(unusable),
        None => Ok(()),
    }
}

/// Why the kernel's rules are what they were.
#[derive(Debug, thiserror::Error)]
pub enum NftError {
    /// There is no such program.
    #[error(
        "there is no `nft` here: install nftables, or print the rules and load them from where it is"
    )]
    Missing,
    /// The rules were not taken.
    #[error(
        "nft says `{said}`: changing rules needs CAP_NET_ADMIN, and a kernel with nftables' NAT (nft_redir, nft_fib_inet)"
    )]
    Refused {
        /// Its first line.
        said: String,
    },
    /// It could not be used.
    #[error("`nft` cannot be used")]
    Unusable {
        /// Why not.
        #[source]
        cause: io::Error,
    },
}
