//! How a process and its rounds are measured.

use std::time::Duration;

/// Whether this is `cargo bench`, and not `cargo test --benches`, which only asks if it starts.
#[must_use]
pub fn under_cargo_bench() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

/// The most memory that this process has held at once, in bytes; nothing where `/proc` is not
/// Linux's.
#[must_use]
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1_024)
}

/// The middle one; of an even number, the later of the two in the middle. Of none, zero.
#[must_use]
pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one() {
        let of = |times: &[u64]| median(times.iter().copied().map(Duration::from_secs).collect());
        assert_eq!(of(&[3, 1, 2]), Duration::from_secs(2));
        assert_eq!(of(&[4, 3, 1, 2]), Duration::from_secs(3));
        assert_eq!(of(&[]), Duration::ZERO);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_peak_is_more_than_nothing() {
        assert!(peak_memory().unwrap() > 100_000);
    }
}
