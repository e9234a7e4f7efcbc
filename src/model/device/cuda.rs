//! NVIDIA's GPUs: looked for, opened, tried.

use std::ffi::c_void;
use std::path::PathBuf;
use std::ptr::from_mut;

use candle_core::cuda_backend::cudarc::driver::{CudaContext, result, sys};
use candle_core::{CudaDevice, Device, Result as CandleResult};

use super::error::{guarded, refuse_old, version_name};
use super::{DeviceError, Found, Taken, told, trial};

/// Memory that the allocator keeps (bytes) instead of giving it back at every synchronisation: all it ever had. The driver
/// counts everything that is reserved, weights too, so that any other number is below what a large model alone takes.
/// [`free_bytes`] counts what is kept and not used.
const KEPT: u64 = u64::MAX;
/// Libraries that opening a device needs besides the driver. Each finds the ones it needs itself.
const LIBRARIES: [&str; 3] = ["cublasLt", "cublas", "curand"];
/// Ends of their names, in the order in which the bindings (cudarc 0.19 `get_lib_name_candidates`) try them.
const ENDS: [&str; 6] = [".so", ".so.13", ".so.12", ".so.11", ".so.10", ".so.1"];

/// Opens the GPU of that number and tries it.
pub(super) fn open(number: usize) -> Result<Taken, DeviceError> {
    let count = count()?;
    if number >= count {
        return Err(DeviceError::NoSuchGpu { asked: number, last: count - 1 });
    }
    // Asked first: cuBLAS says nothing of the driver's age, and the trial's kernels come after it.
    if let Some(version) = driver_version() {
        refuse_old(version, sys::CUDA_VERSION)?;
    }
    let device = guarded("cuda", || {
        // One stream for all threads. candle's default is a stream for each thread, and then nothing orders a model
        // that one thread loads and another asks, nor two threads that share the library's work space.
        let device = Device::new_cuda_with_stream(number)?;
        if let Device::Cuda(device) = &device {
            settle(device);
        }
        Ok(device)
    })?;
    guarded("cuda", || trial::run(&device))?;
    let found = guarded("cuda", || describe(number)).unwrap_or_default();
    let mut words = vec![found.name.unwrap_or_else(|| "NVIDIA".to_owned())];
    words.extend(found.free.zip(found.memory).map(|(free, all)| format!("{} of {} free", told(free), told(all))));
    words.extend(found.capability.map(|capability| format!("compute capability {capability}")));
    Ok(Taken { device, why: format!("cuda:{number} ({})", words.join(", ")) })
}

/// All GPUs, opened for nothing but their names.
pub(super) fn list() -> Result<Vec<Found>, DeviceError> {
    (0..count()?).map(|number| guarded("cuda", || describe(number))).collect()
}

/// Bytes that this process can still allocate: what the driver has left, and what the allocator keeps unused.
pub(super) fn free_bytes(device: &CudaDevice) -> Option<u64> {
    let stream = device.cuda_stream();
    let (free, _) = stream.context().mem_get_info().ok()?;
    let kept = pool(device).map_or(0, |pool| {
        let amount = |what| number_of(pool, what).unwrap_or(0);
        amount(sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT)
            .saturating_sub(amount(sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_USED_MEM_CURRENT))
    });
    Some((free as u64).saturating_add(kept))
}

/// How many GPUs there are; looks for driver and libraries first.
fn count() -> Result<usize, DeviceError> {
    if !loads("libcuda.so.1") && !loads("libcuda.so") {
        return Err(DeviceError::NoDriver);
    }
    if let Some(missing) = LIBRARIES.iter().find(|name| !is_there(name)) {
        return Err(DeviceError::NoLibrary { library: format!("lib{missing}.so") });
    }
    let counted = guarded("cuda", || CudaContext::device_count().map_err(candle_core::Error::wrap));
    match counted {
        Ok(count) if count > 0 => Ok(count as usize),
        Ok(_) => Err(DeviceError::NoGpu { said: "it counts none".to_owned() }),
        Err(DeviceError::Broken { said, .. }) => Err(DeviceError::NoGpu { said }),
        Err(error) => Err(error),
    }
}

/// Whether the loader finds a library under a name that the bindings will try, or one lies where CUDA usually does.
///
/// A library that is loaded from its full path answers to its own name from then on, so what is found in a folder is
/// found by the bindings afterwards.
fn is_there(name: &str) -> bool {
    ENDS.iter().any(|end| loads(&format!("lib{name}{end}")))
        || folders().iter().any(|folder| {
            ENDS.iter().any(|end| {
                let path = folder.join(format!("lib{name}{end}"));
                path.is_file() && path.to_str().is_some_and(loads)
            })
        })
}

/// Folders that hold CUDA's libraries on machines whose loader does not know them.
fn folders() -> Vec<PathBuf> {
    let roots = ["CUDA_HOME", "CUDA_PATH"].iter().filter_map(std::env::var_os).filter(|root| !root.is_empty());
    let roots = roots.map(PathBuf::from).chain(["/usr/local/cuda", "/opt/cuda"].map(PathBuf::from));
    let mut folders: Vec<PathBuf> = roots.flat_map(|root| [root.join("lib64"), root.join("lib")]).collect();
    // Where pip puts them: one folder for all since CUDA 13, one for each before.
    let environments = ["VIRTUAL_ENV", "CONDA_PREFIX"].iter().filter_map(std::env::var_os);
    for libraries in environments.map(|root| PathBuf::from(root).join("lib")) {
        let pythons = entries(&libraries).into_iter().filter(|folder| {
            folder.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("python"))
        });
        for packages in pythons.map(|python| python.join("site-packages/nvidia")) {
            folders.extend(entries(&packages).into_iter().map(|package| package.join("lib")));
        }
    }
    folders
}

fn entries(folder: &std::path::Path) -> Vec<PathBuf> {
    let Ok(listing) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<PathBuf> = listing.flatten().map(|entry| entry.path()).collect();
    found.sort();
    found
}

/// Loads a library for good, if it can be found.
#[allow(unsafe_code, reason = "opening a library has no safe form")]
fn loads(name: &str) -> bool {
    // SAFETY: opening runs the library's initialisers. The names are those of NVIDIA's driver and libraries, which are
    // made to be opened by any program, from any thread, more than once; the bindings would open the same ones later.
    match unsafe { libloading::Library::new(name) } {
        Ok(library) => {
            // Kept open, so that the bindings find it under its own name.
            std::mem::forget(library);
            true
        }
        Err(_) => false,
    }
}

/// What should hold before anything is allocated.
#[allow(unsafe_code, reason = "candle marks it so")]
fn settle(device: &CudaDevice) {
    // SAFETY: the events order streams among each other. This device has one stream, made in `open`; candle launches
    // everything of a device on it, and nothing here makes another. So there is nothing to order.
    unsafe { device.disable_event_tracking() };
    if let Some(pool) = pool(device) {
        keep(pool, KEPT);
    }
}

/// The pool that stream-ordered allocations of a device come from, where the device has them.
#[allow(unsafe_code, reason = "the driver's interface")]
fn pool(device: &CudaDevice) -> Option<sys::CUmemoryPool> {
    let stream = device.cuda_stream();
    let context = stream.context();
    if !context.has_async_alloc() {
        return None;
    }
    // SAFETY: the device is the one of a context that exists.
    unsafe { result::device::get_mem_pool(context.cu_device()) }.ok()
}

#[allow(unsafe_code, reason = "the driver's interface")]
fn keep(pool: sys::CUmemoryPool, mut bytes: u64) {
    let what = sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
    // SAFETY: the pool is the device's own, and the value is of the type the driver documents for this attribute
    // (cuuint64_t); the driver reads it before it returns. A failure leaves the default, which is only slower.
    let _ = unsafe { result::mem_pool::set_attribute(pool, what, from_mut(&mut bytes).cast::<c_void>()) };
}

#[allow(unsafe_code, reason = "the driver's interface")]
fn number_of(pool: sys::CUmemoryPool, what: sys::CUmemPool_attribute) -> Option<u64> {
    let mut bytes = 0_u64;
    // SAFETY: the pool is the device's own, and both attributes asked for are cuuint64_t.
    unsafe { result::mem_pool::get_attribute(pool, what, from_mut(&mut bytes).cast::<c_void>()) }.ok()?;
    Some(bytes)
}

fn describe(number: usize) -> CandleResult<Found> {
    let context = CudaContext::new(number).map_err(candle_core::Error::wrap)?;
    let memory = context.mem_get_info().ok();
    Ok(Found {
        device: format!("cuda:{number}"),
        name: context.name().ok().map(|name| crate::text::one_line(&name).into_owned()),
        memory: memory.map(|(_, all)| all as u64),
        free: memory.map(|(free, _)| free as u64),
        capability: context.compute_capability().ok().map(|(major, minor)| format!("{major}.{minor}")),
        driver: driver(),
    })
}

/// The newest CUDA that the driver understands, in words.
fn driver() -> Option<String> {
    driver_version().map(version_name)
}

/// The newest CUDA that the driver understands: 13000 is 13.0.
#[allow(unsafe_code, reason = "the driver's interface")]
fn driver_version() -> Option<u32> {
    let mut version = 0;
    // SAFETY: the pointer is to a number of the type the driver writes, and it writes before it returns.
    unsafe { sys::cuDriverGetVersion(&raw mut version) }.result().ok()?;
    u32::try_from(version).ok().filter(|version| *version > 0)
}
