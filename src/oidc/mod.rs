//! The relying party: what an OpenID provider says of people, believed only
//! where it must be.
//!
//! Library code without a server of its own: whoever serves browsers calls a
//! [`Provider`] with what came back from them. Every answer of a provider is
//! bounded, read in one way, and checked against what was asked. A text that
//! breaks a rule is refused by the name of that rule; a provider that is away
//! is told apart from one that says no, so that an outage ends nobody's session
//! and a refusal does.

mod bearer;
mod cached;
mod callback;
mod claims;
mod device;
mod error;
mod fault;
mod id_token;
mod issuer;
mod logout;
mod metadata;
mod provider;
mod random;
mod refresh;
mod settings;
mod signed;
mod token_answer;
mod token_endpoint;
mod userinfo;

pub use bearer::Vouched;
pub use callback::{Departure, Prompt, Return, SignedIn};
pub use claims::{ClaimsFault, Reading};
pub use device::{DeviceAnswer, DeviceAnswerError, DeviceProgress};
pub use error::{ProviderError, RefreshError, SignInError, TokenError};
pub use fault::TokenFault;
pub use id_token::{Expected, IdToken};
pub use issuer::{Issuer, IssuerError, Places};
pub use logout::{FrontChannelFault, LogoutToken};
pub use metadata::{Metadata, MetadataError};
pub use provider::{OpenError, Provider};
pub use random::{Nonce, NotRandom, Verifier};
pub use settings::{ClientAuthentication, ClientSettings, DeviceLogin, Settings};
pub use token_answer::{Refusal, TokenAnswer, TokenAnswerError};
pub use userinfo::UserinfoError;
