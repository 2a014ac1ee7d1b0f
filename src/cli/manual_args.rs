//! `pgchaos completions` and `pgchaos man` on the command line.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

use super::file_name::file_name;

/// `pgchaos completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// bash, zsh, fish, powershell or elvish
    #[arg(value_name = "SHELL", value_enum, hide_possible_values = true)]
    pub shell: Shell,
}

/// `pgchaos man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// The command whose page to print, such as gen or lab up [default: all pages]
    #[arg(value_name = "COMMAND", conflicts_with = "dir")]
    pub command: Vec<String>,
    /// Write each page into a file of this folder, which must be there
    #[arg(long, value_name = "DIR", env = "PGCHAOS_DIR",
          value_parser = file_name())]
    pub dir: Option<PathBuf>,
}
