//! Names for the programs of the authority's own machine.
//!
//! They come by the SPIFFE Workload API and show nothing: the system says who
//! they are (`attest`), the same entries as for everybody say what that is worth,
//! and the same office names them (`clerk`). All callers of whom the same was
//! proved share what they are given (`household`): a program that calls a
//! hundred times costs one signature, and gets no key that it could not have
//! got by calling once.

mod attest;
mod clerk;
mod household;
mod households;
mod seat;

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::unfold;
use tokio::sync::mpsc;

use crate::authority::board::Board;
use crate::authority::minting::Mint;
use crate::authority::office::Office;
use crate::authority::told::in_full;
use crate::jwt::JwtBundles;
use crate::time::Clock;
use crate::workload_api::Caller;
use crate::workload_api::Refusal;
use crate::workload_api::Registrar;
use crate::workload_api::Token;
use crate::workload_api::TokenRequest;
use crate::workload_api::Updates;
use crate::workload_api::X509Context;

pub(super) use attest::Whom;
pub(super) use households::Keeper;

use attest::Attestor;
use clerk::Clerk;
use households::Households;
use seat::KeysSeat;
use seat::Seat;

/// What naming programs needs of the rest of the authority.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) board: Arc<Board>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) mint: Arc<Mint>,
    pub(super) office: Arc<Office>,
}

/// The programs of this machine, and whoever must [run](Keeper::run) beside them.
pub(super) fn open(parts: Parts) -> (Programs, Keeper) {
    let (opened, incoming) = mpsc::channel(WAITING_HOUSEHOLDS);
    let Parts {
        board,
        clock,
        mint,
        office,
    } = parts;
    let clerk = Arc::new(Clerk::new(board, office));
    let households = Arc::new(Households::new(opened));
    let keeper = Keeper {
        clerk: Arc::clone(&clerk),
        households: Arc::clone(&households),
        incoming,
    };
    let programs = Programs {
        desk: Arc::new(Desk {
            attestor: Attestor::new(clock),
            clerk,
            households,
        }),
        mint,
    };
    (programs, keeper)
}

/// Says what programs of this machine get.
#[derive(Debug)]
pub(super) struct Programs {
    desk: Arc<Desk>,
    mint: Arc<Mint>,
}

/// What streams share.
#[derive(Debug)]
struct Desk {
    attestor: Attestor,
    clerk: Arc<Clerk>,
    households: Arc<Households>,
}

impl Desk {
    async fn attest(&self, caller: &Caller) -> Whom {
        let entries = self.clerk.entries();
        self.attestor.attest(caller, &entries).await
    }
}

impl Registrar for Programs {
    fn x509_contexts<'a>(
        &'a self,
        caller: &'a Caller,
    ) -> BoxFuture<'a, Result<Updates<X509Context>, Refusal>> {
        async {
            let whom = self.desk.attest(caller).await;
            let (room, _wanted) = self.desk.clerk.admit(&whom, None)?;
            let seat = Seat::take(Arc::clone(&self.desk), caller.clone(), whom).await?;
            clerk::record(room, seat.whom(), &seat.names());
            Ok(unfold(Some(seat), Seat::next).boxed())
        }
        .boxed()
    }

    fn jwt_bundles<'a>(
        &'a self,
        caller: &'a Caller,
    ) -> BoxFuture<'a, Result<Updates<JwtBundles>, Refusal>> {
        async {
            let whom = self.desk.attest(caller).await;
            // Whom to believe is no secret: only who is nobody is recorded.
            let (_room, _wanted) = self.desk.clerk.admit(&whom, None)?;
            let seat = KeysSeat::take(Arc::clone(&self.desk.clerk), whom);
            Ok(unfold(Some(seat), KeysSeat::next).boxed())
        }
        .boxed()
    }

    fn mint<'a>(
        &'a self,
        caller: &'a Caller,
        request: &'a TokenRequest,
    ) -> BoxFuture<'a, Result<Vec<Token>, Refusal>> {
        async {
            let whom = self.desk.attest(caller).await;
            // Each token has a record of its own.
            let (_room, wanted) = self.desk.clerk.admit(&whom, request.id.as_ref())?;
            let mut tokens = Vec::new();
            for wanted in wanted {
                let (id, most) = (&wanted.id, self.desk.clerk.lifetime(&wanted));
                let minted = self.mint.for_program(&whom, id, &request.audience, most);
                let text = minted.map_err(|refusal| {
                    tracing::warn!(error = in_full(&refusal), "a program gets no token");
                    clerk::told(&refusal)
                })?;
                tokens.push(Token {
                    hint: wanted.hint(),
                    id: wanted.id,
                    text,
                });
            }
            Ok(tokens)
        }
        .boxed()
    }
}

/// Programs that have called and wait for their first certificate.
const WAITING_HOUSEHOLDS: usize = 64;
