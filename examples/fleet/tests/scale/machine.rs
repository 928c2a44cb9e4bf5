//! Use of processor and memory by processes, from `/proc`.

use std::collections::BTreeMap;
use std::path::Path;

/// Seconds of processor time of this process.
pub fn cpu_s(pid: u32) -> f64 {
    let stat = Stat::read(pid).expect("it runs");
    stat.own_s
}

/// Seconds of processor time of a process, its children, and those of its children that have ended.
pub fn family_cpu_s(pid: u32) -> f64 {
    let processes = std::fs::read_dir("/proc").unwrap();
    let children = processes.filter_map(|it| it.ok()?.file_name().to_str()?.parse().ok());
    let children = children
        .filter_map(Stat::read)
        .filter(|it| it.parent == pid);
    let parent = Stat::read(pid).expect("it runs");
    parent.own_s + parent.ended_s + children.map(|it| it.own_s).sum::<f64>()
}

/// Resident memory of a process in KB: now, and the most it had.
pub fn memory_kb(pid: u32) -> (f64, f64) {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let fields: BTreeMap<&str, &str> = status
        .lines()
        .filter_map(|line| line.split_once(':'))
        .collect();
    let kb = |name| fields[name].trim().trim_end_matches(" kB").parse().unwrap();
    (kb("VmRSS"), kb("VmHWM"))
}

/// Number of runnable processes over the last minute.
pub fn load() -> f64 {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap();
    load.split(' ').next().unwrap().parse().unwrap()
}

/// Process of the database server whose data is here.
pub fn postmaster(data: &Path) -> u32 {
    let file = std::fs::read_to_string(data.join("postmaster.pid")).unwrap();
    file.lines().next().unwrap().parse().unwrap()
}

struct Stat {
    parent: u32,
    own_s: f64,
    ended_s: f64,
}

impl Stat {
    /// Returns none for a process that has ended.
    fn read(pid: u32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name, in brackets, may hold anything.
        let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
        // Ticks of a hundredth, on every Linux there is.
        let seconds = |place: usize| Some(fields.get(place)?.parse::<f64>().ok()? / 100.0);
        Some(Self {
            parent: fields.get(1)?.parse().ok()?,
            own_s: seconds(11)? + seconds(12)?,
            ended_s: seconds(13)? + seconds(14)?,
        })
    }
}
