//! Files that are made from code and committed: they must be what the code makes today.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, ensure};
use portolan_api::crd;
use portolan_tests::workspace::root;

#[test]
fn crds_are_up_to_date() -> anyhow::Result<()> {
    let folder = root().join("config/crd");
    let mut expected = vec![("Kustomization".to_owned(), crd::kustomization())];
    for definition in crd::all() {
        let file = format!("{}.yaml", crd::name(&definition));
        let text = crd::yaml(&definition).with_context(|| format!("printing {file}"))?;
        expected.push((file, text));
    }
    let stale: Vec<&str> = expected
        .iter()
        .filter(|(file, text)| {
            std::fs::read(folder.join(file)).ok().as_deref() != Some(text.as_bytes())
        })
        .map(|(file, _)| file.as_str())
        .collect();
    let known: BTreeSet<&str> = expected.iter().map(|(file, _)| file.as_str()).collect();
    let left_over: Vec<String> =
        files(&folder)?.into_iter().filter(|file| !known.contains(file.as_str())).collect();
    ensure!(
        stale.is_empty() && left_over.is_empty(),
        "config/crd is not what crates/api makes: run `make generate` and commit the result. \
         Different: [{}]. Of kinds that are gone: [{}]",
        stale.join(", "),
        left_over.join(", ")
    );
    Ok(())
}

fn files(folder: &Path) -> anyhow::Result<Vec<String>> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))?;
    Ok(entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
}
