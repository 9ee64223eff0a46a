//! A program's side of signing in at an edge: `portreeve login`.
//!
//! The edge says what to show to the person, and in the end gives a token that
//! stands for a session there (RFC 8628). It is kept in a file of its own for
//! each edge, which nobody else may read; it is shown to its edge only.

mod edge;
mod error;
mod kept;
mod shelf;
mod site;

pub use edge::Edge;
pub use edge::LetIn;
pub use error::LoginError;
pub use kept::Kept;
pub use kept::KeptError;
pub use shelf::Shelf;
pub use shelf::ShelfError;
pub use site::Site;
pub use site::SiteError;
