//! Any text is values of signals, or refused with its mistakes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve::policy::SignalType;
use portreeve::policy::Signals;

fuzz_target!(|text: &str| {
    let kinds = [
        ("risk", SignalType::Long),
        ("safe", SignalType::Bool),
        ("site", SignalType::Text),
        ("tags", SignalType::Texts),
    ];
    let declared = kinds.map(|(name, kind)| (name.parse().expect("it is plain"), kind));
    if let Err(mistakes) = Signals::parse("signals.yaml", text, &declared.into()) {
        assert!(!mistakes.is_empty());
    }
});
