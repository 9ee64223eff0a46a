//! Any text is a filter of records, or refused; any line is a record, or none.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve::audit::Filter;
use portreeve::audit::Row;

fuzz_target!(|input: (Vec<(String, String)>, &[u8])| {
    let (pairs, line) = input;
    let (Ok(filter), Some(row)) = (Filter::read(pairs_of(&pairs)), Row::read(line)) else {
        return;
    };
    assert!(!filter.takes(&row) || row.is_record());
});

fn pairs_of(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
    pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}
