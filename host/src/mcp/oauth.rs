//! Logins to servers over HTTP: what a login is and where it is kept, how one is made, how a request gets its token.
//! The protocol itself is rmcp's; here are its limits, its order, and the person.
//!
//! [`Login`] is made by a person at a browser and ends in [`Credentials`], which a [`TokenStore`] keeps. A connection takes
//! them from there, renews them when they are over, and asks nobody: what cannot be renewed is an error that says to log in.

mod access;
mod address;
mod discovery;
mod error;
mod fetch;
mod folder;
mod login;
mod store;
#[cfg(test)]
mod tests;

pub use error::LoginError;
pub use folder::TokenFolder;
pub use login::{Login, LoginOptions};
pub use store::{Credentials, TokenStore, Tokens};

pub(super) use access::{Access, Challenge};

/// Whether what is sent to an address stays unread on the way.
pub(super) fn is_safe(url: &str) -> bool {
    reqwest::Url::parse(url).is_ok_and(|url| url.scheme() == "https" || address::is_loopback(&url))
}
