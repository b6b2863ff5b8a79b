//! Finds and checks the program to run.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use unirank_images::elf::{Image, ImageError};

use super::{memory, qemu};
use crate::failure::{Context, Failure, Result};

/// The program's absolute path: as named, or from PATH when the name has no slash and no such file is here.
pub fn find(app: &Path) -> Result<PathBuf> {
    let found = match app.try_exists() {
        Ok(true) => app.to_owned(),
        Err(error) => return Err(Failure::new(format!("{} cannot be reached: {error}", app.display()))),
        Ok(false) => {
            let in_path = app.to_str().filter(|name| !name.contains('/')).and_then(qemu::search);
            in_path.ok_or_else(|| {
                Failure::new(format!("there is no file {}", app.display()))
                    .remedy("check the path of the program")
            })?
        }
    };
    if found.is_dir() {
        return Err(Failure::new(format!("{} is a folder, not a program", app.display())));
    }
    std::path::absolute(&found).context(|| format!("finding {}", app.display()))
}

/// An image as VMs start from it.
#[derive(Debug)]
pub struct Loaded {
    /// What is to be known of it.
    pub image: Image,
    /// Where its content goes.
    pub address: u64,
    content: Vec<u8>,
}

impl Loaded {
    /// Its content as a file that all VMs of a job read.
    pub fn file(&self) -> Result<OwnedFd> {
        memory::with_contents("unirank-image", &self.content)
    }
}

/// Checks that the file is an image of this version, and reads it.
pub fn load(path: &Path) -> Result<Loaded> {
    let data = read(path)?;
    let refused = |error| refusal(path, &error);
    let image = Image::parse(&data).map_err(refused)?;
    check_executable(path)?;
    let (address, content) = Image::flat(&data).map_err(refused)?;
    Ok(Loaded { image, address, content })
}

/// Natively any program runs; a file that is none is refused in the same words as elsewhere. Returns what the user is to
/// be told.
pub fn check_native(path: &Path) -> Result<Option<String>> {
    let image = match Image::parse(&read(path)?) {
        Err(error @ (ImageError::NotExecutable(_) | ImageError::OtherMachine(_))) => {
            return Err(refusal(path, &error));
        }
        image => image.ok(),
    };
    check_executable(path)?;
    let unseen =
        || format!("the files packed into {} are seen by VMs only, not by processes", path.display());
    Ok(image.filter(|image| image.has_files).map(|_| unseen()))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    use io::Read;
    let mut data = Vec::new();
    let result = File::open(path).and_then(|mut file| file.read_to_end(&mut data));
    match result {
        Ok(_) => Ok(data),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(Failure::new(format!("no right to read {}", path.display()))
                .remedy(format!("allow it: chmod u+r {}", path.display())))
        }
        Err(error) => Err(Failure::new(format!("{} cannot be read: {error}", path.display()))),
    }
}

fn check_executable(path: &Path) -> Result<()> {
    if rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok() {
        return Ok(());
    }
    Err(Failure::new(format!("{} is not executable", path.display()))
        .remedy(format!("if it is the program: chmod +x {}", path.display()))
        .status(126))
}

fn refusal(path: &Path, error: &ImageError) -> Failure {
    Failure::new(format!("{} {error}", path.display())).remedy(error.remedy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_name_cause_and_remedy() {
        let text = find(Path::new("/no/such/file")).unwrap_err().to_string();
        assert!(text.contains("there is no file /no/such/file"), "{text}");
        assert!(find(Path::new("/")).unwrap_err().to_string().contains("is a folder"));
        let text = load(Path::new("/bin/sh")).unwrap_err().to_string();
        assert!(text.contains("dynamically") && text.contains("mpicc"), "{text}");
        let failure = check_executable(Path::new("/etc/passwd")).unwrap_err();
        assert!(failure.to_string().contains("is not executable") && failure.status == 126);
    }
}
