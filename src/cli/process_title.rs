//! A process title without secrets.
//!
//! A connection string has its password in the title, where `ps` shows it to every user of the
//! machine for as long as the process runs. Linux can change the title only by writing over the
//! memory that it is in, which takes `unsafe`, or by starting the program anew. So pgchaos executes
//! itself at once, under the same process id, with words in the place of each secret, and hands the
//! real arguments over in a file in memory. Where that cannot be done, the title stays as it is.

/// Takes what may be a secret out of the process title. Call it before anything else: it may begin
/// the program anew.
pub fn hide_secrets() {
    #[cfg(target_os = "linux")]
    title::hide();
}

#[cfg(target_os = "linux")]
mod title {
    use std::env;
    use std::ffi::{OsStr, OsString};
    use std::fs::{self, File};
    use std::io::Write;
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    use nix::sys::memfd::{MFdFlags, memfd_create};

    use crate::cli::arguments::set_own_arguments;
    use crate::pg::settings::may_hold_a_secret;

    /// What the title has in the place of an argument.
    const HIDDEN: &str = "(not-shown)";

    /// The file in memory, and its name in `/proc/self/fd`.
    const NAME: &str = "pgchaos-arguments";
    const LINK: &str = "/memfd:pgchaos-arguments (deleted)";

    pub(super) fn hide() {
        let said: Vec<OsString> = env::args_os().collect();
        let shown = masked(&said);
        if shown != said {
            begin_anew(&said, &shown);
        } else if said.iter().any(|argument| argument == HIDDEN)
            && let Some(real) = handed_over()
        {
            set_own_arguments(real);
        }
    }

    /// Executes the program with `shown` as its title. Returns only where that cannot be done.
    fn begin_anew(said: &[OsString], shown: &[OsString]) {
        let Ok(program) = env::current_exe() else { return };
        // The new process must be able to find the file: without it, it would take the words for
        // arguments.
        if fs::read_link("/proc/self/exe").is_err() {
            return;
        }
        let Ok(memory) = memfd_create(NAME, MFdFlags::empty()) else { return };
        let mut memory = File::from(memory);
        let all: Vec<&[u8]> = said.iter().map(|argument| argument.as_bytes()).collect();
        if memory.write_all(&all.join(&0)).is_err() {
            return;
        }
        let (name, arguments) =
            shown.split_first().map_or((None, shown), |(name, rest)| (Some(name), rest));
        let mut command = Command::new(program);
        if let Some(name) = name {
            command.arg0(name);
        }
        // exec returns only an error: the program goes on with the title that it has.
        let _ = command.args(arguments).exec();
    }

    /// Reads the real arguments and closes their file, so that no child process inherits it.
    fn handed_over() -> Option<Vec<OsString>> {
        let is_ours =
            |path: &std::path::Path| fs::read_link(path).is_ok_and(|to| to == OsStr::new(LINK));
        let descriptor = fs::read_dir("/proc/self/fd")
            .ok()?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| is_ours(path))?;
        let text = fs::read(&descriptor).ok()?;
        let number: i32 = descriptor.file_name()?.to_str()?.parse().ok()?;
        // It was open just now: closing it does not fail.
        let _ = nix::unistd::close(number);
        Some(text.split(|byte| *byte == 0).map(|one| OsString::from_vec(one.to_vec())).collect())
    }

    /// The arguments with words in the place of what may be a secret, and of its rest where the
    /// quotes around it were forgotten.
    fn masked(said: &[OsString]) -> Vec<OsString> {
        let mut goes_on = false;
        let mask = |(at, argument): (usize, &OsString)| {
            let text = argument.to_string_lossy();
            let value = match text.split_once('=') {
                Some((option, value)) if option.starts_with("--") => value,
                _ => &text,
            };
            goes_on = at > 0 && (may_hold_a_secret(value) || (goes_on && !text.starts_with('-')));
            if goes_on { OsString::from(HIDDEN) } else { argument.clone() }
        };
        said.iter().enumerate().map(mask).collect()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn secrets_are_masked_and_the_rest_stays() {
            let shown = |said: &[&str]| -> String {
                let said: Vec<OsString> = said.iter().map(OsString::from).collect();
                masked(&said).join(OsStr::new(" ")).into_string().unwrap()
            };
            assert_eq!(
                shown(&["pgchaos", "gen", "postgresql://u:pw@h/d", "-n", "3"]),
                "pgchaos gen (not-shown) -n 3"
            );
            assert_eq!(
                shown(&[
                    "pgchaos",
                    "gen",
                    "--read-dsn=host=a password=b",
                    "--rate=5",
                    "-dhost=a password=b"
                ]),
                "pgchaos gen (not-shown) --rate=5 (not-shown)"
            );
            assert_eq!(
                shown(&["pgchaos", "gen", "password=my", "own", "-q"]),
                "pgchaos gen (not-shown) (not-shown) -q"
            );
            assert_eq!(
                shown(&["pgchaos", "gen", "--haproxy=u:pw@h:7000", "--haproxy", "http://u:pw@h/"]),
                "pgchaos gen (not-shown) --haproxy (not-shown)"
            );
            let plain =
                ["pgchaos", "gen", "--patroni=http://localhost:8008", "host=a", "-d", "app"];
            assert_eq!(shown(&plain), plain.join(" "));
        }
    }
}
