//! Where a model computes: what was asked for, what is there, and why it was taken.
//!
//! A program built with the feature `cuda` starts on machines without a GPU. So the driver and the libraries are looked
//! for before candle touches them (it panics without), and each thing that can be missing has a sentence of its own.

#[cfg(feature = "cuda")]
mod cuda;
mod error;
mod memory;
#[cfg(any(feature = "cuda", feature = "metal", test))]
mod trial;

use std::fmt;
use std::str::FromStr;

use candle_core::{Device, DeviceLocation};
use serde::{Deserialize, Serialize};

use super::config::Config;
use super::network;
pub use error::DeviceError;
pub(crate) use memory::{Room, ensure, free_bytes, told, told_of};

/// Where a model is to compute, as a person names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum DeviceChoice {
    /// A GPU if this program can use one that is there, else the CPU; small models always on the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// NVIDIA's GPU of that number.
    Cuda(usize),
    /// Apple's GPU.
    Metal,
}

/// A name that is no device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is none of auto, cpu, cuda, cuda:N, metal")]
pub struct UnknownDevice(String);

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(0) => f.write_str("cuda"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
            Self::Metal => f.write_str("metal"),
        }
    }
}

impl FromStr for DeviceChoice {
    type Err = UnknownDevice;

    fn from_str(name: &str) -> Result<Self, UnknownDevice> {
        let unknown = || UnknownDevice(name.to_owned());
        let lower = name.to_ascii_lowercase();
        match lower.as_str() {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            "metal" => Ok(Self::Metal),
            other => {
                let number = other.strip_prefix("cuda:").filter(|n| n.bytes().all(|b| b.is_ascii_digit()));
                number.and_then(|n| n.parse().ok()).map(Self::Cuda).ok_or_else(unknown)
            }
        }
    }
}

impl From<DeviceChoice> for String {
    fn from(choice: DeviceChoice) -> Self {
        choice.to_string()
    }
}

impl TryFrom<String> for DeviceChoice {
    type Error = UnknownDevice;

    fn try_from(name: String) -> Result<Self, UnknownDevice> {
        name.parse()
    }
}

/// A device that was taken, and why.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Where to compute.
    pub device: Device,
    /// One line: what it is and why it was taken.
    pub why: String,
}

/// Kinds of devices this program was built for, besides the CPU.
pub const fn built_for() -> &'static [&'static str] {
    match (cfg!(feature = "cuda"), cfg!(feature = "metal")) {
        (true, true) => &["cuda", "metal"],
        (true, false) => &["cuda"],
        (false, true) => &["metal"],
        (false, false) => &[],
    }
}

/// Opens the device that was asked for; `auto` takes the best that works and never fails.
///
/// # Errors
/// [`DeviceError`] says what is missing, unless `auto` was asked for.
pub fn open(choice: DeviceChoice) -> Result<Taken, DeviceError> {
    match choice {
        DeviceChoice::Cpu => Ok(Taken::cpu("as asked")),
        DeviceChoice::Cuda(number) => open_cuda(number),
        DeviceChoice::Metal => open_metal(),
        DeviceChoice::Auto => Ok(best(&[&|| open_cuda(0), &open_metal])),
    }
}

/// As [`open`] for the model of a configuration: one whose matrices fit into a core's cache computes faster there.
///
/// # Errors
/// As [`open`].
pub fn open_for(choice: DeviceChoice, config: &Config) -> Result<Taken, DeviceError> {
    if choice == DeviceChoice::Auto && network::is_small(config) {
        return Ok(Taken::cpu("the model is so small that one core is faster"));
    }
    open(choice)
}

type Opener<'a> = &'a dyn Fn() -> Result<Taken, DeviceError>;

/// The first that opens, else the CPU with the most telling reason.
fn best(openers: &[Opener<'_>]) -> Taken {
    let mut why = None;
    for opener in openers {
        match opener() {
            Ok(taken) => return taken,
            // That a kind was not built says less than what is missing for one that was.
            Err(DeviceError::NotBuilt { .. }) => {}
            Err(error) => why = why.or(Some(error.to_string())),
        }
    }
    Taken::cpu(&why.unwrap_or_else(|| "this program was built without GPU support".to_owned()))
}

impl Taken {
    fn cpu(why: &str) -> Self {
        Self { device: Device::Cpu, why: format!("cpu ({why})") }
    }
}

/// How logs and people call a device.
pub fn name(device: &Device) -> String {
    match device.location() {
        DeviceLocation::Cpu => "cpu".to_owned(),
        DeviceLocation::Cuda { gpu_id } => format!("cuda:{gpu_id}"),
        DeviceLocation::Metal { gpu_id } => format!("metal:{gpu_id}"),
    }
}

#[cfg(feature = "cuda")]
fn open_cuda(number: usize) -> Result<Taken, DeviceError> {
    cuda::open(number)
}

#[cfg(not(feature = "cuda"))]
fn open_cuda(_number: usize) -> Result<Taken, DeviceError> {
    Err(DeviceError::NotBuilt { kind: "cuda" })
}

#[cfg(feature = "metal")]
fn open_metal() -> Result<Taken, DeviceError> {
    let device = error::guarded("metal", || Device::new_metal(0))?;
    error::guarded("metal", || trial::run(&device))?;
    Ok(Taken { device, why: "metal (Apple's GPU; never tried by the authors)".to_owned() })
}

#[cfg(not(feature = "metal"))]
fn open_metal() -> Result<Taken, DeviceError> {
    Err(DeviceError::NotBuilt { kind: "metal" })
}

/// A device as `doctor` lists it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Found {
    /// As it is asked for, such as `cuda:0`.
    pub device: String,
    /// As its maker calls it.
    pub name: Option<String>,
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// Bytes of memory that nobody uses.
    pub free: Option<u64>,
    /// Compute capability, as `9.0`.
    pub capability: Option<String>,
    /// The newest CUDA that the driver understands, as `13.0`.
    pub driver: Option<String>,
}

/// What `doctor` says about devices.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Survey {
    /// Kinds this program was built for, besides the CPU.
    pub built_for: Vec<&'static str>,
    /// GPUs that can be asked for.
    pub found: Vec<Found>,
    /// Why there is none, or not all.
    pub problem: Option<String>,
}

/// Looks for devices; opens none for computing.
pub fn survey() -> Survey {
    let mut survey = Survey { built_for: built_for().to_vec(), ..Survey::default() };
    #[cfg(feature = "cuda")]
    match cuda::list() {
        Ok(found) => survey.found.extend(found),
        Err(error) => survey.problem = Some(error.to_string()),
    }
    if cfg!(feature = "metal") {
        match open_metal() {
            Ok(_) => survey.found.push(Found { device: "metal".to_owned(), ..Found::default() }),
            Err(error) => survey.problem = Some(error.to_string()),
        }
    }
    if survey.built_for.is_empty() {
        survey.problem = Some("this program was built without GPU support".to_owned());
    }
    survey
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back() {
        let all =
            [DeviceChoice::Auto, DeviceChoice::Cpu, DeviceChoice::Cuda(0), DeviceChoice::Cuda(3), DeviceChoice::Metal];
        for choice in all {
            assert_eq!(choice.to_string().parse(), Ok(choice));
            let json = serde_json::to_string(&choice).unwrap();
            assert_eq!(serde_json::from_str::<DeviceChoice>(&json).unwrap(), choice);
        }
        assert_eq!("CUDA:1".parse(), Ok(DeviceChoice::Cuda(1)));
        for wrong in ["", "gpu", "cuda:", "cuda:-1", "cuda:+1", "cuda:1x", "cpu:0"] {
            assert!(wrong.parse::<DeviceChoice>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn auto_takes_the_first_that_opens_and_never_fails() {
        let fine = || Ok(Taken { device: Device::Cpu, why: "first".to_owned() });
        let broken = || Err(DeviceError::NoDriver);
        let unbuilt = || Err(DeviceError::NotBuilt { kind: "cuda" });
        assert_eq!(best(&[&broken, &fine]).why, "first");
        let fallen = best(&[&unbuilt, &broken]);
        assert!(fallen.device.is_cpu() && fallen.why.contains("driver"), "{}", fallen.why);
        assert!(best(&[&unbuilt]).why.contains("without GPU support"));
        assert!(open(DeviceChoice::Auto).is_ok());
    }

    #[cfg(not(any(feature = "cuda", feature = "metal")))]
    #[test]
    fn what_was_not_built_is_refused_with_what_to_do() {
        let why = open(DeviceChoice::Cuda(0)).unwrap_err().to_string();
        assert!(why.contains("scripts/build_cuda.sh") && why.contains("--device cpu"), "{why}");
        let why = open(DeviceChoice::Metal).unwrap_err().to_string();
        assert!(why.contains("--features metal"), "{why}");
        assert_eq!(survey().built_for, [""; 0]);
    }

    #[test]
    fn the_trial_passes_where_arithmetic_works() {
        trial::run(&Device::Cpu).unwrap();
    }
}
