//! Programs without their symbols.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use bytes::Bytes;

/// Section type of a symbol table.
const SYMTAB: u32 = 2;

/// A program without symbols; as it is where it has none or where this machine has no `strip`.
pub(super) fn stripped(path: &Path) -> Result<Bytes> {
    let read = |path: &Path| fs::read(path).with_context(|| format!("reading {}", path.display()));
    let whole = read(path)?;
    if !has_symbols(&whole) {
        return Ok(whole.into());
    }
    let scratch = tempfile::tempdir()?;
    let less = scratch.path().join("program");
    let strip = Command::new("strip").arg("--strip-all").arg("-o").arg(&less).arg(path).output();
    match strip {
        Ok(out) if out.status.success() => Ok(read(&less)?.into()),
        _ => Ok(whole.into()),
    }
}

/// Whether a 64-bit little-endian program has a table of symbols.
fn has_symbols(elf: &[u8]) -> bool {
    let table = || -> Option<bool> {
        let at = usize::try_from(number(elf, 0x28, 8)?).ok()?;
        let size = usize::try_from(number(elf, 0x3a, 2)?).ok()?;
        let count = usize::try_from(number(elf, 0x3c, 2)?).ok()?;
        let kind = |section: usize| number(elf, at.checked_add(section * size)?.checked_add(4)?, 4);
        Some((0..count).any(|section| kind(section) == Some(u64::from(SYMTAB))))
    };
    elf.starts_with(b"\x7fELF\x02\x01") && table().unwrap_or(false)
}

fn number(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(length)?)?;
    Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header and two sections, the second of the given type.
    fn program(kind: u8) -> Vec<u8> {
        let mut elf = vec![0; 64 + 2 * 64];
        elf[..6].copy_from_slice(b"\x7fELF\x02\x01");
        (elf[0x28], elf[0x3a], elf[0x3c]) = (64, 64, 2);
        elf[64 + 64 + 4] = kind;
        elf
    }

    #[test]
    fn symbols_are_seen() {
        assert!(has_symbols(&program(2)));
        assert!(!has_symbols(&program(3)));
        assert!(!has_symbols(b"#!/bin/sh"));
        assert!(!has_symbols(&program(2)[..100]));
    }
}
