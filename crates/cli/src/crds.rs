//! `portolan crds`: the definitions of all kinds as files.

use std::fs;
use std::path::Path;

use anyhow::Context;
use portolan_api::crd;

/// Writes one file a kind and the kustomization that lists them; removes files of former kinds.
pub(crate) fn write(out: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(out).with_context(|| format!("making {}", out.display()))?;
    let mut files = Vec::new();
    for definition in crd::all() {
        let file = format!("{}.yaml", crd::name(&definition));
        let text = crd::yaml(&definition).with_context(|| format!("printing {file}"))?;
        let path = out.join(&file);
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        files.push(file);
    }
    // By this one of its names `kubectl apply -k` finds it, and `kubectl apply -f` of the folder does
    // not take it for an object.
    let path = out.join("Kustomization");
    fs::write(&path, crd::kustomization())
        .with_context(|| format!("writing {}", path.display()))?;
    remove_others(out, &files)
}

fn remove_others(out: &Path, files: &[String]) -> anyhow::Result<()> {
    for entry in fs::read_dir(out).with_context(|| format!("listing {}", out.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".carto.run.yaml") && !files.iter().any(|file| *file == name) {
            fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))?;
        }
    }
    Ok(())
}
