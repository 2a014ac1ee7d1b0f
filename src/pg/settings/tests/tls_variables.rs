//! What programs of libpq's are told of TLS.

use super::super::keyword::KEYWORDS;
use super::super::{Environment, Explicit, resolve};
use crate::model::load::target::is_tls_option;

fn variables(dsn: &str, environment: &Environment) -> Vec<String> {
    let explicit = Explicit { dsn: Some(dsn.to_owned()), ..Explicit::default() };
    let resolved = resolve(&explicit, environment).unwrap();
    resolved.tls_variables.iter().map(|(name, value)| format!("{name}={value}")).collect()
}

#[test]
fn every_option_of_tls_is_handed_on() {
    let dsn = "channel_binding=require sslmode=require sslnegotiation=direct sslcert=/c sslkey=/k sslcertmode=disable \
               sslrootcert=/r sslcrl=/l sslcrldir=/d sslsni=0 ssl_min_protocol_version=TLSv1.3 \
               ssl_max_protocol_version=TLSv1.3 sslpassword=wunderwald";
    let expected = [
        "PGCHANNELBINDING=require",
        "PGSSLMODE=require",
        "PGSSLNEGOTIATION=direct",
        "PGSSLCERT=/c",
        "PGSSLKEY=/k",
        "PGSSLCERTMODE=disable",
        "PGSSLROOTCERT=/r",
        "PGSSLCRL=/l",
        "PGSSLCRLDIR=/d",
        "PGSSLSNI=0",
        "PGSSLMINPROTOCOLVERSION=TLSv1.3",
        "PGSSLMAXPROTOCOLVERSION=TLSv1.3",
    ];
    assert_eq!(variables(dsn, &Environment::empty()), expected);
}

#[test]
fn a_record_may_have_every_option_of_tls_and_no_other() {
    for keyword in KEYWORDS {
        assert_eq!(is_tls_option(keyword.name), keyword.is_of_tls(), "{}", keyword.name);
    }
}

#[test]
fn what_was_not_given_is_as_libpq_has_it() {
    let expected = [
        "PGCHANNELBINDING=prefer",
        "PGSSLMODE=require",
        "PGSSLNEGOTIATION=postgres",
        "PGSSLCERT=",
        "PGSSLKEY=",
        "PGSSLCERTMODE=allow",
        "PGSSLROOTCERT=",
        "PGSSLCRL=",
        "PGSSLCRLDIR=",
        "PGSSLSNI=1",
        "PGSSLMINPROTOCOLVERSION=TLSv1.2",
        "PGSSLMAXPROTOCOLVERSION=",
    ];
    let environment = Environment::empty().with_variable("PGREQUIRESSL", "1");
    assert_eq!(variables("user=u", &environment), expected);
    let environment = Environment::empty().with_variable("PGSSLCRL", "/l");
    let given = variables("sslmode=disable", &environment);
    assert!(given.contains(&"PGSSLCRL=/l".to_owned()), "{given:?}");
    assert!(given.contains(&"PGSSLMODE=disable".to_owned()), "{given:?}");
}
