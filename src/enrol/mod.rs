//! Asking an authority for a name.
