//! What is said of a person, in any shape: nobody has more groups than one
//! token may tell, nor an address of two readings.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve::jwt::parse_object;
use portreeve::oidc::Issuer;
use portreeve::oidc::Places;
use portreeve::oidc::Reading;
use portreeve::oidc::Settings;

fuzz_target!(|text: &[u8]| {
    let Ok(claims) = parse_object(text) else {
        return;
    };
    let issuer = Issuer::parse("https://id.example", Places::Https).unwrap();
    let mut settings = Settings::new("corp".parse().unwrap(), issuer);
    settings.roles_claim = "/realm_access/roles".to_owned();
    let reading = Reading {
        token: Some(&claims),
        userinfo: None,
    };
    let Ok(person) = reading.person("alice".parse().unwrap(), &settings) else {
        return;
    };
    assert!(person.groups.len() <= Reading::MOST_GROUPS);
    assert!(person.roles.len() <= Reading::MOST_GROUPS);
    assert!(person.email.is_none_or(|email| email.matches('@').count() == 1));
});
