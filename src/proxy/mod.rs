//! The story of a request. (x)
mod authority;
mod canonical;
mod headers;
mod path;
pub use canonical::Malformed;
