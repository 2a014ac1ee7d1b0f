//! The options of every command, from the definition that is parsed.

use clap::{Arg, Command};

/// A section for each command, a table in each.
pub(crate) fn options() -> String {
    let mut program = pgchaos::cli::command();
    program.build();
    let mut text = String::new();
    add(&mut text, &program, "pgchaos");
    text
}

fn add(text: &mut String, command: &Command, path: &str) {
    let arguments: Vec<&Arg> =
        command.get_arguments().filter(|arg| !is_of_every_command(arg)).collect();
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    text.push_str(&format!("\n## {path}\n\n{}.\n", escaped(about.trim_end_matches('.'))));
    if !arguments.is_empty() {
        text.push_str("\n| option | | variable |\n|---|---|---|\n");
    }
    let mut headings = Vec::new();
    for arg in &arguments {
        if !headings.contains(&arg.get_help_heading()) {
            headings.push(arg.get_help_heading());
        }
    }
    for heading in headings {
        if let Some(heading) = heading {
            text.push_str(&format!("| **{}** | | |\n", escaped(heading)));
        }
        let below = arguments.iter().filter(|arg| arg.get_help_heading() == heading);
        text.extend(below.map(|arg| row(arg)));
    }
    for below in command.get_subcommands() {
        add(text, below, &format!("{path} {}", below.get_name()));
    }
}

fn is_of_every_command(arg: &Arg) -> bool {
    matches!(arg.get_id().as_str(), "help" | "version")
}

fn row(arg: &Arg) -> String {
    let names = arg.to_string();
    let short = arg.get_short().map(|short| format!("-{short}, ")).unwrap_or_default();
    let aliases = arg.get_all_short_aliases().unwrap_or_default();
    let aliases: String = aliases.iter().map(|alias| format!("-{alias}, ")).collect();
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let variable = arg.get_env().map(|name| format!("`{}`", name.to_string_lossy()));
    format!(
        "| `{}` | {}{} | {} |\n",
        format!("{aliases}{short}{names}").replace('|', "\\|"),
        escaped(&help),
        default(arg, &help),
        variable.unwrap_or_default()
    )
}

/// The default, where the words do not say it.
fn default(arg: &Arg, help: &str) -> String {
    let values = arg.get_default_values();
    if values.is_empty() || help.contains("[default:") || !arg.get_action().takes_values() {
        return String::new();
    }
    let values: Vec<_> = values.iter().map(|value| value.to_string_lossy()).collect();
    format!(" \\[default: {}\\]", values.join(", "))
}

/// What Markdown shows as it is.
pub(crate) fn escaped(text: &str) -> String {
    let mut shown = String::new();
    for (number, part) in text.split('`').enumerate() {
        // Every second part stands in code.
        if number > 0 {
            shown.push('`');
        }
        for letter in part.chars() {
            let in_code = number % 2 == 1;
            if letter == '|' || (!in_code && "<>*_[]".contains(letter)) {
                shown.push('\\');
            }
            shown.push(if letter == '\n' { ' ' } else { letter });
        }
    }
    shown
}
