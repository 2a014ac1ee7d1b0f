//! The option that names a lab, in a command for the user to try.

use crate::lab::DEFAULT_NAME;

/// ` --name NAME`; nothing for the lab of the default name.
pub(crate) fn name_option(name: &str) -> String {
    if name == DEFAULT_NAME { String::new() } else { format!(" --name {name}") }
}
