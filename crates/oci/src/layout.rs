//! OCI image layouts: an image as a folder, as containerd, podman, skopeo and crane read it.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::json;

use crate::digest::Digest;
use crate::error::Error;
use crate::image::{Blob, Image};

/// The file that makes a folder a layout.
const MARK: &str = "oci-layout";

impl Image {
    /// Writes the image as a layout into `folder`, which is made; a layout that is there is replaced. `name` is what
    /// readers find the image by, usually its tag.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidImage`] for an image on a base: its layers are elsewhere; [`Error::LayoutUnwritable`] when the
    /// folder has other things in it or cannot be written.
    pub fn write_layout(&self, folder: &Path, name: &str) -> Result<(), Error> {
        if !self.base_layers.is_empty() {
            let problem = "the layers of its base are in a registry: push it instead".into();
            return Err(Error::InvalidImage { problem });
        }
        let written = self.write_into(folder, name);
        written.map_err(|source| Error::LayoutUnwritable { folder: folder.into(), source })
    }

    fn write_into(&self, folder: &Path, name: &str) -> io::Result<()> {
        make_room(folder)?;
        let blobs = folder.join("blobs/sha256");
        fs::create_dir_all(&blobs)?;
        for blob in self.blobs() {
            fs::write(blobs.join(hex(&blob.digest)), &blob.data)?;
        }
        let mut descriptor = self.manifest.descriptor();
        let key = "org.opencontainers.image.ref.name".to_owned();
        descriptor.annotations.insert(key, name.to_owned());
        let index = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [descriptor],
        });
        fs::write(folder.join("index.json"), index.to_string())?;
        fs::write(folder.join(MARK), json!({"imageLayoutVersion": "1.0.0"}).to_string())
    }

    fn blobs(&self) -> impl Iterator<Item = &Blob> {
        self.layers.iter().chain([&self.config, &self.manifest])
    }
}

/// Takes away the blobs of an earlier layout; what is no layout is left alone.
fn make_room(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    if folder.join(MARK).is_file() {
        return match fs::remove_dir_all(folder.join("blobs")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    }
    match fs::read_dir(folder)?.next() {
        Some(_) => Err(io::Error::other("it has other things in it: empty it or name another")),
        None => Ok(()),
    }
}

fn hex(digest: &Digest) -> &str {
    digest.as_str().trim_start_matches("sha256:")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{ImageConfig, ImageSpec, Layer, LayerFile};

    fn image(content: &'static str) -> Image {
        let file = LayerFile { path: "/a".into(), mode: 0o644, data: content.as_bytes().into() };
        let spec = ImageSpec {
            layers: vec![Layer::of_files(vec![file], "a file", 0).unwrap()],
            config: ImageConfig::default(),
            platform: "linux/amd64".parse().unwrap(),
            annotations: BTreeMap::new(),
            created: "1970-01-01T00:00:00Z".into(),
            base: None,
        };
        Image::assemble(spec).unwrap()
    }

    #[test]
    fn every_blob_is_under_its_digest_and_a_second_image_replaces_the_first() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("layout");
        image("first").write_layout(&folder, "1").unwrap();
        let image = image("second");
        image.write_layout(&folder, "2").unwrap();
        let index: serde_json::Value =
            serde_json::from_slice(&fs::read(folder.join("index.json")).unwrap()).unwrap();
        let named = &index["manifests"][0];
        assert_eq!(named["digest"], image.digest().as_str());
        assert_eq!(named["annotations"]["org.opencontainers.image.ref.name"], "2");
        assert!(folder.join("oci-layout").is_file());
        let mut blobs = Vec::new();
        for entry in fs::read_dir(folder.join("blobs/sha256")).unwrap() {
            let entry = entry.unwrap();
            let name = format!("sha256:{}", entry.file_name().to_string_lossy());
            assert_eq!(Digest::of(&fs::read(entry.path()).unwrap()).as_str(), name);
            blobs.push(name);
        }
        assert_eq!(blobs.len(), 3, "manifest, configuration and layer of the second: {blobs:?}");
    }

    #[test]
    fn what_is_no_layout_stays() {
        let scratch = tempfile::tempdir().unwrap();
        fs::write(scratch.path().join("mine"), "mine").unwrap();
        let error = image("a").write_layout(scratch.path(), "1").unwrap_err();
        assert!(matches!(error, Error::LayoutUnwritable { .. }), "{error}");
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 1);
    }
}
