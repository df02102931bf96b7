//! The shared libraries of programs, as the loader of this machine finds them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::tools;

/// What glibc before 2.34 loads at run time to resolve names; later ones have it inside.
const NAME_SERVICES: [&str; 3] = ["libnss_dns.so.2", "libnss_files.so.2", "libresolv.so.2"];
/// A function of `libnss_dns.so.2`.
const NAME_SERVICE: &[u8] = b"_nss_dns_gethostbyname4_r";

/// Where each library and the loader has to stand, and the file that it is here.
pub(super) fn of(programs: &[PathBuf]) -> Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    for program in programs {
        let mut ldd = Command::new("ldd");
        ldd.arg(program).env("LC_ALL", "C");
        let told = tools::output(&mut ldd).context("finding shared libraries")?;
        found.extend(places(&told).with_context(|| format!("libraries of {}", program.display()))?);
    }
    let libc = found.iter().find(|(place, _)| place.ends_with("/libc.so.6"));
    let beside = match libc {
        Some((place, file)) => {
            let bytes =
                std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
            let (there, here) = (folder(Path::new(place)), folder(file));
            let file = |name: &&str| (text(&there.join(name)), here.join(name));
            name_services(&bytes).iter().map(file).collect()
        }
        None => Vec::new(),
    };
    found.extend(beside);
    Ok(found)
}

/// Reads what `ldd` says. Libraries go to the folder of the C library, which every loader searches even
/// without its cache.
fn places(told: &str) -> Result<BTreeMap<String, PathBuf>> {
    let mut found = Vec::new();
    for line in told.lines().map(str::trim).filter(|line| *line != "statically linked") {
        let (name, file) = line.split_once(" => ").unwrap_or((line, line));
        let name = name.split(" (").next().unwrap_or_default();
        let file = file.split(" (").next().unwrap_or_default();
        match file.starts_with('/') {
            true => found.push((name, PathBuf::from(file))),
            // The kernel brings it.
            false if name.starts_with("linux-vdso") || name.starts_with("linux-gate") => {}
            false => bail!("{name} is not on this machine: install the package that has it"),
        }
    }
    let libc = found.iter().find(|(name, _)| name.starts_with("libc."));
    let common = libc.map(|(_, file)| folder(file).to_owned());
    let place = |name: &str, file: &Path| match &common {
        _ if name.starts_with('/') => name.to_owned(),
        Some(common) => text(&common.join(name)),
        None => text(file),
    };
    Ok(found.into_iter().map(|(name, file)| (place(name, &file), file)).collect())
}

/// What a C library needs beside it to resolve names.
fn name_services(libc: &[u8]) -> &'static [&'static str] {
    let inside = libc.windows(NAME_SERVICE.len()).any(|window| window == NAME_SERVICE);
    if inside { &[] } else { &NAME_SERVICES }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn folder(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(text: &str) -> Vec<(String, String)> {
        let found = places(text).unwrap().into_iter();
        found.map(|(place, file)| (place, file.to_string_lossy().into_owned())).collect()
    }

    fn pair(place: &str, file: &str) -> (String, String) {
        (place.into(), file.into())
    }

    #[test]
    fn glibc_tells_libraries_and_its_loader() {
        let text = "\tlinux-vdso.so.1 (0x00007ffd)\n\
            \tlibz.so.1 => /opt/zlib/lib/libz.so.1 (0x00007f01)\n\
            \tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f02)\n\
            \t/lib64/ld-linux-x86-64.so.2 (0x00007f03)\n";
        let expected = [
            pair("/lib/x86_64-linux-gnu/libc.so.6", "/lib/x86_64-linux-gnu/libc.so.6"),
            pair("/lib/x86_64-linux-gnu/libz.so.1", "/opt/zlib/lib/libz.so.1"),
            pair("/lib64/ld-linux-x86-64.so.2", "/lib64/ld-linux-x86-64.so.2"),
        ];
        assert_eq!(listed(text), expected);
    }

    #[test]
    fn a_loader_may_be_a_link() {
        let text = "\t/lib64/ld-linux-x86-64.so.2 => /usr/lib64/ld-linux-x86-64.so.2 (0x1)\n";
        let expected = [pair("/lib64/ld-linux-x86-64.so.2", "/usr/lib64/ld-linux-x86-64.so.2")];
        assert_eq!(listed(text), expected);
        assert_eq!(listed("\tstatically linked\n"), []);
    }

    #[test]
    fn a_missing_library_is_named() {
        let error = places("\tlibz.so.1 => not found\n").unwrap_err().to_string();
        assert!(error.contains("libz.so.1 is not on this machine"), "{error}");
    }

    #[test]
    fn old_glibc_brings_its_name_services() {
        assert_eq!(name_services(b"older"), NAME_SERVICES);
        assert!(name_services(b"\0_nss_dns_gethostbyname4_r\0").is_empty());
    }
}
