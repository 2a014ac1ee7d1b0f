//! `pgchaos lab logs`: the members' log files on standard output.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::time::Duration;

use super::super::output::printed;
use super::super::problem::Problem;
use crate::cli::exit::Exit;
use crate::cli::lab_args::LogsArgs;
use crate::lab::{Lab, Member};
use crate::model::foreign::printable;

const POLL_EVERY: Duration = Duration::from_millis(200);

/// A log and how far it has been printed.
struct MemberLog {
    member: Member,
    file: BufReader<File>,
    /// A line without its end, which is not written yet.
    begun: Vec<u8>,
}

pub(super) async fn run(lab: &Lab, args: &LogsArgs) -> Result<Exit, Problem> {
    let mut members = Vec::new();
    for selector in &args.members {
        members.push(lab.select(selector).await?);
    }
    if members.is_empty() {
        members = lab.members();
    }
    let named = members.len() > 1;
    let mut logs: Vec<MemberLog> =
        members.into_iter().filter_map(|member| MemberLog::open(lab, member)).collect();
    loop {
        for log in &mut logs {
            // A reader that went away is no problem.
            if let Err(error) = log.print(named) {
                return printed(Err(error)).map(|()| Exit::Pass);
            }
        }
        if !args.follow {
            return Ok(Exit::Pass);
        }
        tokio::time::sleep(POLL_EVERY).await;
    }
}

impl MemberLog {
    /// `None` when nothing was ever written.
    fn open(lab: &Lab, member: Member) -> Option<Self> {
        let file = BufReader::new(File::open(lab.log(member)).ok()?);
        Some(Self { member, file, begun: Vec::new() })
    }

    /// All that has been written since the last time, by whole lines.
    fn print(&mut self, named: bool) -> std::io::Result<()> {
        let mut out = std::io::stdout().lock();
        while self.file.read_until(b'\n', &mut self.begun)? > 0 && self.begun.ends_with(b"\n") {
            if named {
                write!(out, "{:<8} | ", self.member.to_string())?;
            }
            let line = String::from_utf8_lossy(&self.begun);
            out.write_all(printable(&line).as_bytes())?;
            self.begun.clear();
        }
        out.flush()
    }
}
