//! How a command on a lab reports its progress.

/// Takes one line of progress at a time, for people.
pub type TellProgress<'a> = &'a mut (dyn FnMut(String) + Send);
