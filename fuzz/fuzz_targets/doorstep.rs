//! Any bytes from a client at the doorstep: an answer, never a panic; the same
//! however they are cut up; what comes out is bounded by what went in, and
//! passes a second time without a change.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve::rpc::doorstep::Rewriter;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

fuzz_target!(|input: &[u8]| {
    let Some((&size, frames)) = input.split_first() else {
        return;
    };
    let input = [PREFACE, frames].concat();
    let mut whole = Vec::new();
    let outcome = Rewriter::new().push(&input, &mut whole);

    let mut rewriter = Rewriter::new();
    let mut pieces = Vec::new();
    let in_pieces = input
        .chunks(usize::from(size).max(1))
        .try_for_each(|piece| rewriter.push(piece, &mut pieces));
    assert_eq!(outcome, in_pieces);
    assert_eq!(whole, pieces);

    if outcome.is_ok() {
        let mut again = Vec::new();
        assert_eq!(Rewriter::new().push(&whole, &mut again), Ok(()));
        assert_eq!(again, whole);
    }
});
