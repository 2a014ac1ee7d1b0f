//! One HTTP exchange with a deadline, on a connection of its own, for all that asks pages and APIs.
//!
//! - [`endpoint`]: the server that is asked: connecting, TLS, and the deadline of the whole.
//! - `exchange`: the connection of one exchange, of which no more is read than an answer can have.
//! - [`failure`]: why there is no answer: what the other side did is told apart from the way there.
//! - [`concealed()`]: a URL without the secrets in it.
//!
//! It knows no API: what an answer means is for the rooms above.

pub mod concealed;
pub mod endpoint;
mod exchange;
pub mod failure;

pub use concealed::concealed;
pub use endpoint::{HttpAnswer, HttpEndpoint};
pub use failure::HttpFailure;
