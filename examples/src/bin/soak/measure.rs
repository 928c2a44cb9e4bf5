//! Resources of the process. Where there is no `/proc`, nothing is known.

use std::fmt;
use std::time::Duration;

/// Resources in use at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample {
    rss_kib: u64,
    threads: u64,
    files: u64,
}

/// Samples, one a second.
pub(crate) struct Measures {
    length: Duration,
    samples: Vec<(Duration, Sample)>,
}

impl Measures {
    /// Creates the measures of a run of this length.
    pub(crate) const fn new(length: Duration) -> Self {
        Self {
            length,
            samples: Vec::new(),
        }
    }

    pub(crate) fn take(&mut self, at: Duration) {
        if let Some(sample) = sample() {
            self.samples.push((at, sample));
        }
    }

    /// Compares the second quarter with the last: the first one is for warming up. Requests come
    /// and go, so the lowest of each counts: a leak raises it.
    pub(crate) fn verdict(&self) -> Verdict {
        Verdict {
            early: self.lowest(self.length / 4, self.length / 2),
            late: self.lowest(self.length * 3 / 4, self.length),
        }
    }

    fn lowest(&self, from: Duration, to: Duration) -> Option<Sample> {
        let within = self.samples.iter();
        let within = within.filter(|(at, _)| (from..=to).contains(at));
        within
            .map(|(_, sample)| *sample)
            .reduce(|one, other| Sample {
                rss_kib: one.rss_kib.min(other.rss_kib),
                threads: one.threads.min(other.threads),
                files: one.files.min(other.files),
            })
    }
}

impl fmt::Display for Measures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.samples.last() {
            Some((_, sample)) => sample.fmt(f),
            None => f.write_str("nothing can be measured here"),
        }
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = self.rss_kib as f64 / 1024.0;
        let Self { threads, files, .. } = self;
        write!(f, "{mib:.1} MiB, {threads} threads, {files} files")
    }
}

/// Growth of the resources.
pub(crate) struct Verdict {
    early: Option<Sample>,
    late: Option<Sample>,
}

impl Verdict {
    pub(crate) fn is_good(&self) -> bool {
        match (self.early, self.late) {
            (Some(early), Some(late)) => {
                // An allocator keeps some.
                late.rss_kib <= early.rss_kib + early.rss_kib / 10 + 2048
                    && late.threads <= early.threads + 1
                    && late.files <= early.files + 2
            }
            _ => true,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.early, self.late) {
            (Some(early), Some(late)) => {
                let word = if self.is_good() { "steady" } else { "it GREW" };
                write!(
                    f,
                    "{word}: at the least {early} in the second quarter, {late} in the last"
                )
            }
            _ => f.write_str("whether anything grew is not known"),
        }
    }
}

fn sample() -> Option<Sample> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let value = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let files = std::fs::read_dir("/proc/self/fd").ok()?.count();
    Some(Sample {
        rss_kib: value("VmRSS:")?,
        threads: value("Threads:")?,
        // Without the one that was looked through.
        files: u64::try_from(files).ok()?.saturating_sub(1),
    })
}
