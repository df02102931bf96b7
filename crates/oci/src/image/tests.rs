use std::str::FromStr as _;

use rstest::rstest;

use super::base::Manifest;
use super::*;
use crate::archive::tests::{file, program, tgz};
use crate::{Archive, Class, Credential, LayerRule, Limits, Repository};

fn layers(rules: &[(&str, &str)]) -> Vec<Layer> {
    let items = [file("README.md", "read me"), program("target/app", "#!/bin/app")];
    let mut archive = Archive::open(tgz(&items), Limits::default()).unwrap();
    let pack =
        |(from, to): &(&str, &str)| archive.pack(&LayerRule::new(from, to, None).unwrap(), 0);
    rules.iter().map(pack).collect::<Result<_, _>>().unwrap()
}

fn spec() -> ImageSpec {
    ImageSpec {
        layers: layers(&[("target/app", "/app")]),
        config: ImageConfig {
            entrypoint: vec!["/app".into()],
            env: vec![("PORT".into(), "8080".into())],
            user: Some("65532".into()),
            working_dir: Some("/".into()),
            ports: vec![8080],
            labels: BTreeMap::from([("team".into(), "a".into())]),
            ..ImageConfig::default()
        },
        platform: Platform::from_str("linux/amd64").unwrap(),
        annotations: BTreeMap::from([("org.opencontainers.image.revision".into(), "4c1d".into())]),
        created: "2026-01-02T05:04:05+02:00".into(),
        base: None,
    }
}

fn base(config: &Value) -> Result<BaseImage, String> {
    let layer = |n: u8| json!({"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "size": 9, "digest": Digest::of(&[n])});
    let manifest = json!({
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "digest": Digest::of(b""), "size": 1},
        "layers": [layer(1), layer(2)],
    });
    let manifest: Manifest = serde_json::from_value(manifest).unwrap();
    let repository = Repository::from_str("registry.example/base").unwrap();
    let origin = Origin { repository, credential: Credential::Anonymous };
    BaseImage::read(Digest::of(b"base"), manifest, config.to_string().as_bytes(), origin)
}

fn base_config() -> Value {
    json!({
        "architecture": "amd64", "os": "linux", "author": "someone", "container": "5", "docker_version": "1",
        "created": "2020-01-01T00:00:00Z",
        "config": {
            "Env": ["PATH=/bin", "LANG=C", "PORT=1"], "Entrypoint": ["/tini", "--"], "Cmd": ["sh"], "User": "root",
            "WorkingDir": "/srv", "Image": "x", "OnBuild": ["RUN rm"], "Volumes": null, "StopSignal": "SIGINT",
            "ExposedPorts": {"53/udp": {}}, "Labels": {"from": "base", "team": "base"},
        },
        "rootfs": {"type": "layers", "diff_ids": ["sha256:1", "sha256:2"]},
        "history": [{"created_by": "one"}, {"created_by": "ENV", "empty_layer": true}, {"created_by": "two"}],
    })
}

fn read(blob: &Blob) -> Value {
    assert_eq!(Digest::of(&blob.data), blob.digest);
    serde_json::from_slice(&blob.data).unwrap()
}

/// Another digest here is another digest for everybody's image: change it only on purpose.
#[test]
fn the_same_spec_is_the_same_image_for_ever() {
    let image = Image::assemble(spec()).unwrap();
    let layer = &image.layers[0].digest;
    let diff_id = &spec().layers[0].diff_id;
    let config = format!(
        concat!(
            r#"{{"architecture":"amd64","config":{{"Entrypoint":["/app"],"Env":["PORT=8080"],"ExposedPorts":{{"8080/tcp":{{}}}},"#,
            r#""Labels":{{"team":"a"}},"User":"65532","WorkingDir":"/"}},"created":"2026-01-02T03:04:05Z","history":[{{"comment":"portolan","#,
            r#""created":"2026-01-02T03:04:05Z","created_by":"COPY target/app /app"}}],"os":"linux","#,
            r#""rootfs":{{"diff_ids":["{}"],"type":"layers"}}}}"#
        ),
        diff_id
    );
    assert_eq!(String::from_utf8_lossy(&image.config.data), config);
    let manifest = format!(
        concat!(
            r#"{{"annotations":{{"org.opencontainers.image.revision":"4c1d"}},"config":{{"digest":"{}","#,
            r#""mediaType":"application/vnd.oci.image.config.v1+json","size":{}}},"layers":[{{"digest":"{}","#,
            r#""mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","size":{}}}],"#,
            r#""mediaType":"application/vnd.oci.image.manifest.v1+json","schemaVersion":2}}"#
        ),
        Digest::of(config.as_bytes()),
        config.len(),
        layer,
        image.layers[0].data.len()
    );
    assert_eq!(String::from_utf8_lossy(&image.manifest.data), manifest);
    assert_eq!(
        image.digest().as_str(),
        "sha256:7acb275d8d088e964cf0a71e131057d193cd1b39fadb8c0a7e7443a3d623626b"
    );
}

#[test]
fn a_base_is_extended() {
    let image =
        Image::assemble(ImageSpec { base: Some(base(&base_config()).unwrap()), ..spec() }).unwrap();
    let config = read(&image.config);
    let run = json!({
        "Env": ["PATH=/bin", "LANG=C", "PORT=8080"], "Entrypoint": ["/app"], "User": "65532", "WorkingDir": "/",
        "StopSignal": "SIGINT", "ExposedPorts": {"53/udp": {}, "8080/tcp": {}}, "Labels": {"from": "base", "team": "a"},
    });
    assert_eq!(config["config"], run);
    let diff_id = spec().layers[0].diff_id.clone();
    assert_eq!(
        config["rootfs"],
        json!({"type": "layers", "diff_ids": ["sha256:1", "sha256:2", diff_id]})
    );
    assert_eq!(config["history"].as_array().unwrap().len(), 4);
    let keys: Vec<&String> = config.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["architecture", "config", "created", "history", "os", "rootfs"]);
    let manifest = read(&image.manifest);
    assert_eq!(manifest["layers"][0]["digest"], json!(Digest::of(&[1])));
    assert_eq!(manifest["layers"][1]["mediaType"], LAYER);
    assert_eq!(manifest["layers"][2]["digest"], json!(image.layers[0].digest));
}

#[test]
fn what_is_not_set_is_the_base_s() {
    let config = ImageConfig { args: vec!["serve".into()], ..ImageConfig::default() };
    let spec = ImageSpec { config, base: Some(base(&base_config()).unwrap()), ..spec() };
    let run = read(&Image::assemble(spec).unwrap().config)["config"].take();
    assert_eq!((&run["Entrypoint"], &run["Cmd"]), (&json!(["/tini", "--"]), &json!(["serve"])));
    assert_eq!((&run["User"], &run["WorkingDir"]), (&json!("root"), &json!("/srv")));
}

#[test]
fn a_history_that_does_not_fit_is_made_up() {
    let mut config = base_config();
    config["history"].as_array_mut().unwrap().pop();
    let spec = ImageSpec { base: Some(base(&config).unwrap()), ..spec() };
    let history = read(&Image::assemble(spec).unwrap().config)["history"].take();
    assert_eq!(history.as_array().unwrap().len(), 3);
}

#[test]
fn a_base_for_another_platform_is_refused() {
    let mut config = base_config();
    config["architecture"] = json!("arm64");
    let spec = ImageSpec { base: Some(base(&config).unwrap()), ..spec() };
    let error = Image::assemble(spec).unwrap_err();
    assert_eq!(
        error.to_string(),
        "assembling the image: the base image is for linux/arm64, not for linux/amd64"
    );
}

#[test]
fn a_base_whose_parts_disagree_is_refused() {
    let mut config = base_config();
    config["rootfs"]["diff_ids"] = json!([]);
    assert!(base(&config).unwrap_err().contains("count layers differently"));
    assert!(base(&json!("x")).is_err());
}

#[rstest]
#[case(|spec: &mut ImageSpec| spec.created = "yesterday".into(), "RFC 3339")]
#[case(|spec: &mut ImageSpec| spec.config.ports = vec![0], "no port")]
#[case(|spec: &mut ImageSpec| spec.config.env = vec![("A=B".into(), String::new())], "environment variable")]
#[case(|spec: &mut ImageSpec| spec.config.working_dir = Some("srv".into()), "not absolute")]
#[case(|spec: &mut ImageSpec| spec.layers = vec![spec.layers[0].clone(); 128], "127 layers")]
#[case(|spec: &mut ImageSpec| { spec.annotations.insert("x".into(), "x".repeat(MANIFEST_BYTES)); }, "annotations")]
fn impossible_images_are_refused(#[case] change: fn(&mut ImageSpec), #[case] problem: &str) {
    let mut spec = spec();
    change(&mut spec);
    let error = Image::assemble(spec).unwrap_err();
    assert!(error.to_string().contains(problem), "{error}");
    assert_eq!((error.reason(), error.class()), ("InvalidSpec", Class::Stalled));
}
