//! Children of this binary: started, stopped, killed, and traced.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

/// The test that is a child.
const CHILD: &str = "faults::child::child";

const ARGUMENTS: [&str; 5] =
    [CHILD, "--exact", "--include-ignored", "--nocapture", "--test-threads=1"];

/// What a child does is told by two variables.
pub const TASK: &str = "SEGMENTRY_CHILD";
pub const FOLDER: &str = "SEGMENTRY_CHILD_FOLDER";

/// A child that does a task in a folder, which tells on a pipe what it has done.
pub fn start(task: &str, folder: &Path) -> (Child, BufReader<ChildStdout>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(ARGUMENTS)
        .env(TASK, task)
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let told = BufReader::new(child.stdout.take().unwrap());
    (child, told)
}

/// A child whose system calls were watched, and perhaps interfered with.
pub struct Traced {
    pub status: ExitStatus,
    /// A line for each call, and what the child told.
    pub calls: String,
    pub output: String,
}

impl Traced {
    pub fn is_killed(&self) -> bool {
        self.status.signal() == Some(9)
    }

    /// Whether it came to the call that was to be interfered with.
    pub fn is_injected(&self) -> bool {
        self.calls.contains("INJECTED") || self.is_killed()
    }

    /// How often each call was made, at most by one thread: strace counts so.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let mut by_thread: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for line in self.calls.lines() {
            let Some((thread, rest)) = line.split_once(' ') else { continue };
            let Some((call, _)) = rest.trim_start().split_once('(') else { continue };
            *by_thread.entry((thread, call)).or_default() += 1;
        }
        let mut counts = BTreeMap::new();
        for ((_, call), count) in by_thread {
            let most: &mut usize = counts.entry(call.to_owned()).or_default();
            *most = count.max(*most);
        }
        counts
    }
}

/// Runs a task under strace, which watches some calls and does something to one of them:
/// `fsync:signal=KILL:when=3`.
pub fn traced(task: &str, folder: &Path, calls: &str, inject: Option<&str>) -> Traced {
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-e", "signal=none", "-e"]).arg(format!("trace={calls}"));
    if let Some(inject) = inject {
        strace.arg("-e").arg(format!("inject={inject}"));
    }
    let output = strace
        .arg("-o")
        .arg(log.path())
        .arg(std::env::current_exe().unwrap())
        .args(ARGUMENTS)
        .env(TASK, task)
        .env(FOLDER, folder)
        .output()
        .expect("these tests need strace, which `make test` sets up");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Traced {
        status: output.status,
        calls: std::fs::read_to_string(log.path()).unwrap(),
        output: text(&output.stdout) + &text(&output.stderr),
    }
}

/// A shell that sends signals, because starting one for each takes too long.
pub struct Signals {
    shell: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Signals {
    pub fn new() -> Signals {
        let mut shell = Command::new("sh")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let input = shell.stdin.take().unwrap();
        let output = BufReader::new(shell.stdout.take().unwrap());
        Signals { shell, input, output }
    }

    fn send(&mut self, signal: &str, process: u32) {
        writeln!(self.input, "kill -{signal} {process}; echo").unwrap();
        self.output.read_line(&mut String::new()).unwrap();
    }

    /// Stops a process: none of its threads goes on.
    pub fn stop(&mut self, process: u32) {
        self.send("STOP", process);
        while !is_stopped(process) {
            std::thread::yield_now();
        }
    }

    pub fn go_on(&mut self, process: u32) {
        self.send("CONT", process);
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

/// Whether every thread of a process is stopped, or it has ended.
fn is_stopped(process: u32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{process}/task")) else { return true };
    threads.flatten().all(|thread| {
        let about = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        // The state comes after the name, which stands in brackets.
        let state = about.rsplit(')').next().and_then(|rest| rest.trim().chars().next());
        !matches!(state, Some('R' | 'S' | 'D'))
    })
}

/// Where SQLite locks the shared memory of a log for the one who writes.
const WRITE_LOCK: u64 = 120;

/// Whether a process has begun a transaction that writes to a catalog, and has not ended it.
pub fn is_writing(process: u32, catalog: &Path) -> bool {
    let mut shared = catalog.as_os_str().to_owned();
    shared.push("-shm");
    let Ok(shared) = std::fs::metadata(shared) else { return false };
    let locks = std::fs::read_to_string("/proc/locks").unwrap();
    locks.lines().any(|lock| {
        // `1: POSIX ADVISORY WRITE 4711 08:01:123456 120 120`
        let parts: Vec<&str> = lock.split_whitespace().collect();
        let [_, "POSIX", _, "WRITE", owner, file, first, last] = parts[..] else { return false };
        let inode = file.rsplit(':').next();
        let bytes = first.parse::<u64>().unwrap()..=last.parse().unwrap_or(u64::MAX);
        owner.parse() == Ok(process)
            && inode == Some(shared.ino().to_string().as_str())
            && bytes.contains(&WRITE_LOCK)
    })
}
