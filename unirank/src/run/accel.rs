//! Which accelerator runs the ranks, and why.

use std::io;
use std::path::Path;

use kvm_ioctls::Kvm;

use super::options::AccelChoice;
use crate::failure::{Failure, Result};

const DEVICE: &str = "/dev/kvm";

/// How ranks run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accel {
    /// Hardware virtual machines.
    Kvm,
    /// Emulated virtual machines.
    Tcg,
    /// Linux processes.
    Native,
}

impl Accel {
    /// QEMU's and our name for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kvm => "kvm",
            Self::Tcg => "tcg",
            Self::Native => "native",
        }
    }
}

/// Why KVM cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KvmProblem {
    /// What is wrong.
    pub cause: String,
    /// How to put it right.
    pub remedy: String,
}

/// Checks that KVM can make a virtual machine with a processor; returns the host's TSC frequency in Hz if KVM
/// tells it.
pub fn probe_kvm() -> std::result::Result<Option<u64>, KvmProblem> {
    let kvm = match std::fs::OpenOptions::new().read(true).write(true).open(DEVICE) {
        Ok(_) => Kvm::new().map_err(|e| works_not(e.into()))?,
        Err(error) => return Err(cannot_open(&error)),
    };
    let vm = kvm.create_vm().map_err(|e| works_not(e.into()))?;
    let processor = vm.create_vcpu(0).map_err(|e| works_not(e.into()))?;
    Ok(processor.get_tsc_khz().ok().map(|khz| u64::from(khz) * 1000).filter(|&hz| hz > 0))
}

fn cannot_open(error: &io::Error) -> KvmProblem {
    let (cause, remedy) = match error.kind() {
        io::ErrorKind::NotFound => (
            format!("there is no {DEVICE}"),
            "switch virtualization on in the firmware and load the module (`sudo modprobe kvm_intel` or `kvm_amd`); in a \
             virtual machine or container, have its host pass it on",
        ),
        io::ErrorKind::PermissionDenied => (
            format!("no right to open {DEVICE}"),
            "join its group with `sudo usermod -aG kvm $USER` and log in again",
        ),
        _ => (format!("{DEVICE} cannot be opened: {error}"), "see `dmesg | grep kvm`"),
    };
    KvmProblem { cause, remedy: remedy.into() }
}

fn works_not(error: io::Error) -> KvmProblem {
    KvmProblem {
        cause: format!("{DEVICE} opens but makes no virtual machine: {error}"),
        remedy: "another hypervisor may hold the processor's virtualization; stop it".into(),
    }
}

/// The accelerator that was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// How ranks run.
    pub accel: Accel,
    /// Host TSC frequency in Hz, when KVM told it.
    pub tsc_hz: Option<u64>,
    /// One line to tell the user: a slower path was taken, and why.
    pub notice: Option<String>,
}

/// Turns the user's choice into an accelerator.
pub fn choose(choice: AccelChoice) -> Result<Chosen> {
    decide(choice, probe_kvm)
}

fn decide(
    choice: AccelChoice,
    probe: impl FnOnce() -> std::result::Result<Option<u64>, KvmProblem>,
) -> Result<Chosen> {
    let tcg = |notice| Chosen { accel: Accel::Tcg, tsc_hz: None, notice };
    match choice {
        AccelChoice::Native => Ok(Chosen { accel: Accel::Native, tsc_hz: None, notice: None }),
        // KVM is asked even so: it knows the frequency better than a measurement does.
        AccelChoice::Tcg => Ok(Chosen { tsc_hz: probe().ok().flatten(), ..tcg(None) }),
        AccelChoice::Kvm => match probe() {
            Ok(tsc_hz) => Ok(Chosen { accel: Accel::Kvm, tsc_hz, notice: None }),
            Err(problem) => Err(Failure::new(format!("KVM cannot be used: {}", problem.cause)).remedy(
                format!("{}; or run without it: --accel tcg (slower) or --accel native", problem.remedy),
            )),
        },
        AccelChoice::Auto => match probe() {
            Ok(tsc_hz) => Ok(Chosen { accel: Accel::Kvm, tsc_hz, notice: None }),
            Err(problem) => Ok(tcg(Some(format!(
                "running emulated (TCG, slower): {}; {}",
                problem.cause, problem.remedy
            )))),
        },
    }
}

/// Whether this host's processor runs virtual machines itself. Where it does not, KVM may still work in software: ring 3
/// natively, ring 0 emulated, an exit some 40 us.
pub fn hardware_virtualization() -> bool {
    has_virtualization(&std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default())
}

/// From the flags in /proc/cpuinfo: VMX or SVM.
fn has_virtualization(cpuinfo: &str) -> bool {
    let flags = cpuinfo.lines().find_map(|line| line.strip_prefix("flags"));
    flags.is_some_and(|flags| flags.split_whitespace().any(|flag| flag == "vmx" || flag == "svm"))
}

/// Whether the KVM device is there at all, for `unirank doctor`.
pub fn device_exists() -> bool {
    Path::new(DEVICE).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> std::result::Result<Option<u64>, KvmProblem> {
        Err(cannot_open(&io::Error::from(io::ErrorKind::PermissionDenied)))
    }

    #[test]
    fn virtualization_is_a_flag_of_its_own() {
        assert!(has_virtualization("model name : x\nflags\t\t: fpu vmx sse\n"));
        assert!(has_virtualization("flags\t\t: fpu svm\n"));
        assert!(!has_virtualization("flags\t\t: fpu svm_lock hypervisor\nvmx flags : vnmi\n"));
    }

    #[test]
    fn auto_falls_back_and_says_why() {
        let chosen = decide(AccelChoice::Auto, refused).unwrap();
        assert_eq!(chosen.accel, Accel::Tcg);
        let notice = chosen.notice.unwrap();
        assert!(notice.contains("no right to open /dev/kvm") && notice.contains("usermod"), "{notice}");
    }

    #[test]
    fn asking_for_kvm_never_falls_back() {
        let failure = decide(AccelChoice::Kvm, refused).unwrap_err().to_string();
        assert!(failure.contains("usermod") && failure.contains("--accel tcg"), "{failure}");
        let absent = || Err(cannot_open(&io::Error::from(io::ErrorKind::NotFound)));
        assert!(decide(AccelChoice::Kvm, absent).unwrap_err().to_string().contains("no /dev/kvm"));
    }

    #[test]
    fn kvm_is_taken_without_a_word_when_it_works() {
        let chosen = decide(AccelChoice::Auto, || Ok(Some(2_000_000_000))).unwrap();
        assert_eq!(chosen, Chosen { accel: Accel::Kvm, tsc_hz: Some(2_000_000_000), notice: None });
    }
}
