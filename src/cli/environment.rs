//! The environment variables `PGCHAOS_…`: one for each long option, and words about a misspelt one.

use std::collections::BTreeSet;
use std::env;

use super::command_line::command;

/// Every variable's name begins with it.
const PREFIX: &str = "PGCHAOS_";

/// These are of pgchaos's tests, and none of its own.
const OF_TESTS: &str = "PGCHAOS_TESTS_";

/// Set by drills for the commands of their hooks, and by the lab for its members. A pgchaos that
/// these start inherits them.
const HANDED_ON: [&str; 7] = [
    "PGCHAOS_ACTION",
    "PGCHAOS_TARGET",
    "PGCHAOS_MEMBER",
    "PGCHAOS_RUN_ID",
    "PGCHAOS_ACKNOWLEDGED",
    "PGCHAOS_RECOVERED",
    "PGCHAOS_LAB_MEMBER",
];

/// One letter in so many may be wrong for a name to count as misspelt.
const LETTERS_PER_TYPO: usize = 4;

/// A warning for each `PGCHAOS_…` variable of this process that no option reads.
#[must_use]
pub fn misspelt() -> Vec<String> {
    let said = env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
    let mut said: Vec<String> = said.filter(|name| name.starts_with(PREFIX)).collect();
    said.sort();
    about(&said, &known(&command()))
}

fn about(said: &[String], known: &BTreeSet<String>) -> Vec<String> {
    let is_foreign = |name: &str| HANDED_ON.contains(&name) || name.starts_with(OF_TESTS);
    let unknown = said.iter().filter(|name| !known.contains(name.as_str()) && !is_foreign(name));
    unknown.map(|name| format!("{name} is no variable of pgchaos's{}", hint(name, known))).collect()
}

fn hint(name: &str, known: &BTreeSet<String>) -> String {
    let distance = |other: &String| strsim::damerau_levenshtein(&name.to_uppercase(), other);
    let nearest = known.iter().min_by_key(|other| distance(other));
    let typos_max = (name.len() - PREFIX.len()) / LETTERS_PER_TYPO + 1;
    match nearest.filter(|nearest| distance(nearest) <= typos_max) {
        Some(nearest) => format!("; did you mean {nearest}?"),
        None => ": they are called PGCHAOS_<NAME> after the long options, such as PGCHAOS_RATE"
            .to_owned(),
    }
}

/// The variables of all options of all commands.
fn known(command: &clap::Command) -> BTreeSet<String> {
    let own = command.get_arguments().filter_map(clap::Arg::get_env);
    let own = own.map(|name| name.to_string_lossy().into_owned());
    own.chain(command.get_subcommands().flat_map(known)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str) -> Vec<String> {
        about(&[name.to_owned()], &known(&command()))
    }

    #[test]
    fn a_misspelt_variable_is_told_with_the_nearest() {
        for (said, meant) in [
            ("PGCHAOS_RAT", "PGCHAOS_RATE"),
            ("PGCHAOS_WRITE_TIMOUT", "PGCHAOS_WRITE_TIMEOUT"),
            ("PGCHAOS_rate", "PGCHAOS_RATE"),
            ("PGCHAOS_BASEPORT", "PGCHAOS_BASE_PORT"),
            ("PGCHAOS_MAX_LOSTS", "PGCHAOS_MAX_LOST"),
        ] {
            let words = format!("{said} is no variable of pgchaos's; did you mean {meant}?");
            assert_eq!(told(said), [words]);
        }
        assert!(told("PGCHAOS_NONSENSE")[0].contains("PGCHAOS_<NAME>"));
    }

    #[test]
    fn every_option_has_its_variable_and_it_is_known() {
        fn check(command: &clap::Command) {
            for arg in command.get_arguments() {
                let Some(long) = arg.get_long().filter(|long| !["help", "version"].contains(long))
                else {
                    continue;
                };
                let name = format!("{PREFIX}{}", long.to_uppercase().replace('-', "_"));
                // What is removed is said where it is typed.
                if command.get_name() == "prune" {
                    assert_eq!(arg.get_env(), None);
                    continue;
                }
                assert_eq!(arg.get_env(), Some(name.as_ref()), "{} --{long}", command.get_name());
                assert_eq!(told(&name), Vec::<String>::new());
            }
            command.get_subcommands().for_each(check);
        }
        check(&command());
        for name in HANDED_ON {
            assert_eq!(told(name), Vec::<String>::new());
        }
    }

    #[test]
    fn variables_of_the_tests_are_not_taken_for_misspelt_ones() {
        assert_eq!(told("PGCHAOS_TESTS_SKIP_NOTHING"), Vec::<String>::new());
        assert_eq!(told("PGCHAOS_TEST_SKIP_NOTHING").len(), 1);
    }
}
