//! What authorities, workloads and their tools say to each other over gRPC.
//!
//! The `.proto` files beside this one are the contract; the code is made from
//! them when the crate is built. Nothing here decides anything: a message is
//! as untrusted as whoever sent it.

pub mod doorstep;

/// The authority's own services.
#[expect(
    missing_docs,
    unused_qualifications,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::clone_on_ref_ptr,
    clippy::excessive_nesting,
    clippy::missing_errors_doc,
    clippy::must_use_candidate,
    clippy::too_many_lines,
    reason = "generated; the comments are in the .proto file"
)]
pub mod authority {
    tonic::include_proto!("portreeve.authority.v1");
}

/// What programs that get their certificates from istiod say to it.
#[expect(
    missing_docs,
    unused_qualifications,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::clone_on_ref_ptr,
    clippy::excessive_nesting,
    clippy::missing_errors_doc,
    clippy::too_many_lines,
    reason = "generated; the comments are in the .proto file"
)]
pub mod istio {
    tonic::include_proto!("istio.v1.auth");
}

/// What an operator asks of a sidecar.
#[expect(
    missing_docs,
    unused_qualifications,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::clone_on_ref_ptr,
    clippy::excessive_nesting,
    clippy::missing_errors_doc,
    clippy::too_many_lines,
    reason = "generated; the comments are in the .proto file"
)]
pub mod sidecar {
    tonic::include_proto!("portreeve.sidecar.v1");
}

/// The SPIFFE Workload API.
#[expect(
    missing_docs,
    unused_qualifications,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::clone_on_ref_ptr,
    clippy::excessive_nesting,
    clippy::missing_errors_doc,
    clippy::too_many_lines,
    reason = "generated; the comments are in the .proto file"
)]
pub mod workload {
    tonic::include_proto!("_");
}
