//! What the help pages have beside the options: the examples of each command, and the options that
//! ask for help.

use clap::{Arg, ArgAction, Command};

use super::headings::CONNECTION;

/// The widest line of a help page, also where the terminal is wider.
pub(super) const COLUMNS_MAX: usize = 80;

/// The examples of each command, by its path. Each line that begins with `pgchaos` is a command line
/// as it can be typed.
const EXAMPLES: [(&str, &str); 30] = [
    (
        "",
        "  pgchaos gen --port 5500    and stop a server of the cluster meanwhile
  pgchaos demo               all of it on this machine, from nothing
  pgchaos help gen",
    ),
    (
        "gen",
        "  pgchaos gen --port 5500
  pgchaos gen -h node1,node2 -U app -d app --rate 100 -c 4 -T 60
  pgchaos gen postgresql://app@db.example/app --patroni node1:8008 \\
      --max-outage 30s --report result.xml",
    ),
    (
        "verify",
        "  pgchaos verify                       the latest run, where it wrote to
  pgchaos verify 6f2c1a4e              the run with such an id
  pgchaos verify run.jsonl -h node2    that run, on the host that is named

  A password goes to this machine, and to hosts that are named here or by
  one of your own records: to no other machine that only a record names.",
    ),
    (
        "report",
        "  pgchaos report                               the latest run
  pgchaos report run.jsonl -o run.html         by the ending: a page to send
  pgchaos report run.jsonl --format junit > run.xml
  pgchaos report a.jsonl b.jsonl c.jsonl       side by side
  pgchaos report new*.jsonl --against old*.jsonl -o new.html

  --format and -o ask for one report in place of the summary; --report FILE
  writes more of them beside either. --summary says which summary is printed,
  and goes with neither --format nor -o.

  The exit code is the gravest verdict of the runs. Those of --against do not
  count: they are what the others are measured by.",
    ),
    (
        "runs",
        "  pgchaos runs
  pgchaos runs --json | jq -r '.runs[].path'
  pgchaos runs show 6f2c1a4e",
    ),
    (
        "runs show",
        "  pgchaos runs show                the latest run
  pgchaos runs show 6f2c1a4e       the one with such an id",
    ),
    (
        "runs prune",
        "  pgchaos runs prune --keep 100 --dry-run
  pgchaos runs prune --older-than 90d",
    ),
    (
        "init",
        "  pgchaos init --port 5500
  pgchaos init -h db.example -U owner -d app",
    ),
    (
        "clean",
        "  pgchaos clean --port 5500 --schema
  pgchaos clean --run-id 6f2c1a4e-0b1d-4c3e-9a58-2f3b4c5d6e7f -h db.example
  pgchaos clean --run-id 6f2c1a4e              of a run in the state folder",
    ),
    (
        "predict",
        "  pgchaos predict --patroni node1:8008 --haproxy-config haproxy.cfg
  pgchaos predict --lab pgchaos --fault switchover
  pgchaos predict --ttl 20 --loop-wait 5 --retry-timeout 5",
    ),
    (
        "lab",
        "  pgchaos lab up
  pgchaos gen --port 5500          in another terminal
  pgchaos lab kill leader
  pgchaos lab down --wipe",
    ),
    (
        "lab up",
        "  pgchaos lab up --profile quick
  pgchaos lab up --name two --base-port 6500 --sync",
    ),
    ("lab status", "  pgchaos lab status"),
    (
        "lab stop",
        "  pgchaos lab stop leader          it hands over in good order
  pgchaos lab stop etcd1 etcd2     no quorum: the primary steps down",
    ),
    ("lab kill", "  pgchaos lab kill leader          as when its machine fails"),
    ("lab pause", "  pgchaos lab pause leader         it hangs, and its sessions with it"),
    ("lab resume", "  pgchaos lab resume patroni1"),
    ("lab start", "  pgchaos lab start patroni1 etcd1"),
    (
        "lab logs",
        "  pgchaos lab logs leader --follow
  pgchaos lab logs                 of all members",
    ),
    (
        "lab env",
        "  pgchaos lab env
  eval \"$(pgchaos lab env)\"; psql",
    ),
    (
        "lab down",
        "  pgchaos lab down                 the next up goes on with its data
  pgchaos lab down --wipe",
    ),
    ("lab install-deps", "  pgchaos lab install-deps --yes"),
    (
        "drill",
        "  pgchaos drill list
  pgchaos drill run leader-kill",
    ),
    ("drill list", "  pgchaos drill list"),
    (
        "drill show",
        "  pgchaos drill show leader-kill > ours.toml    to begin with
  pgchaos drill show --schema",
    ),
    (
        "drill run",
        "  pgchaos drill run leader-kill
  pgchaos drill run leader-kill etcd-quorum --on compose --report drills.xml
  pgchaos drill run ours.toml -h db.example -d app",
    ),
    (
        "demo",
        "  pgchaos demo
  pgchaos demo --install-deps",
    ),
    (
        "completions",
        "  pgchaos completions bash > ~/.local/share/bash-completion/completions/pgchaos
  pgchaos completions fish > ~/.config/fish/completions/pgchaos.fish",
    ),
    (
        "man",
        "  pgchaos man gen | man -l -
  pgchaos man --dir /usr/local/share/man/man1",
    ),
    (
        "help",
        "  pgchaos help gen
  pgchaos help lab up",
    ),
];

/// The command and its subcommands as they are shown: with examples, and with options for help.
pub(super) fn dressed(command: Command) -> Command {
    dress(command.max_term_width(COLUMNS_MAX), &[])
}

fn dress(command: Command, path: &[&str]) -> Command {
    let names: Vec<String> =
        command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    let mut command = with_examples(with_help(command, path.is_empty()), &path.join(" "));
    // Only gen has main options: elsewhere the port stands with the other connection options.
    if path != ["gen"] && command.get_arguments().any(|arg| arg.get_id() == "port") {
        command = command.mut_arg("port", |port| port.help_heading(CONNECTION));
    }
    for name in &names {
        let path: Vec<&str> = path.iter().copied().chain([name.as_str()]).collect();
        command = command.mut_subcommand(name, |below| dress(below, &path));
    }
    // One line of the help says for all options that each has a variable. A value below zero is a
    // wrong value, not an option.
    command.mut_args(|arg| {
        let takes_values = arg.get_action().takes_values() && !arg.is_positional();
        arg.hide_env(true).allow_negative_numbers(takes_values)
    })
}

/// `-h` is help where it is not the host.
fn with_help(command: Command, is_root: bool) -> Command {
    let has_host = command.get_arguments().any(|arg| arg.get_short() == Some('h'));
    let help = Arg::new("help").long("help").action(ArgAction::HelpShort);
    let help = match has_host {
        true => help.short('?').help("Print help (-h is the host)"),
        false => help.short('h').short_alias('?').help("Print help"),
    };
    command.arg(if is_root { help } else { help.help_heading("Help") })
}

fn with_examples(command: Command, path: &str) -> Command {
    let Some((_, examples)) = EXAMPLES.iter().find(|(of, _)| *of == path) else { return command };
    let heading = if examples.contains('\n') { "Examples:" } else { "Example:" };
    let words = match command.get_after_help() {
        Some(words) => format!("{heading}\n{examples}\n\n{words}"),
        None => format!("{heading}\n{examples}"),
    };
    command.after_help(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each command with its path, but for the root.
    fn commands(command: &Command, path: &str, found: &mut Vec<(String, Command)>) {
        for below in command.get_subcommands() {
            let path = format!("{path} {}", below.get_name()).trim().to_owned();
            found.push((path.clone(), below.clone()));
            commands(below, &path, found);
        }
    }

    fn all() -> Vec<(String, Command)> {
        let mut root = crate::cli::command();
        // With what each has from the one above.
        root.build();
        let mut found = vec![(String::new(), root.clone())];
        commands(&root, "", &mut found);
        found
    }

    #[test]
    fn every_command_has_an_example_and_every_example_can_be_typed() {
        let all = all();
        let root = crate::cli::command();
        for (path, command) in &all {
            let words = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let joined = words.replace("\\\n", "");
            let lines = joined.lines().map(|line| line.trim().trim_start_matches("Example: "));
            let examples: Vec<&str> = lines.filter(|line| line.starts_with("pgchaos ")).collect();
            assert!(!examples.is_empty(), "{path:?} has no example");
            for line in examples {
                // What stands apart is a remark, and what follows is the shell's.
                let typed = line.split("  ").next().unwrap_or(line);
                let typed = if line.contains(" --report") { line } else { typed };
                let typed = typed.split(['>', '|']).next().unwrap_or(typed);
                let read = root.clone().try_get_matches_from(typed.split_whitespace());
                assert!(read.is_ok(), "{typed}: {}", read.unwrap_err());
            }
        }
        for (path, _) in EXAMPLES {
            assert!(all.iter().any(|(of, _)| of == path), "{path:?} is no command");
        }
    }

    /// At 80 columns, and where the terminal's width is unknown.
    #[test]
    fn no_help_page_is_wider_than_80_columns() {
        for (path, command) in all() {
            for text in [command.clone().render_help(), command.clone().render_long_help()] {
                for line in text.to_string().lines() {
                    assert!(line.chars().count() <= COLUMNS_MAX, "{path}: {line}");
                }
            }
        }
    }

    /// A line that is longer than the page would be wrapped in the middle of a sentence.
    #[test]
    fn what_is_wrapped_by_hand_stays_as_it_is() {
        for (path, mut command) in all() {
            let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let page = command.render_help().to_string();
            for line in after.lines() {
                assert!(page.lines().any(|shown| shown == line.trim_end()), "{path}: {line}");
            }
        }
    }

    #[test]
    fn help_is_asked_for_by_h_where_that_is_not_the_host() {
        for (path, command) in all() {
            let has_host = command.get_arguments().any(|arg| arg.get_long() == Some("host"));
            let help = command.get_arguments().find(|arg| arg.get_id() == "help").unwrap();
            let letters = help.get_short_and_visible_aliases();
            let expected = if has_host { '?' } else { 'h' };
            assert_eq!(letters, Some(vec![expected]), "{path}");
            let line = format!("pgchaos {path} -?");
            let asked = crate::cli::command().try_get_matches_from(line.split_whitespace());
            assert_eq!(asked.unwrap_err().kind(), clap::error::ErrorKind::DisplayHelp, "{line}");
        }
    }
}
