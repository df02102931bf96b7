//! The configuration of an image: what the base says, and what we say on top.

use serde_json::{Map, Value, json};

use super::{BaseImage, ImageConfig, ImageSpec, invalid};
use crate::error::Error;
use crate::text::shown;

/// What of a base's configuration describes its system; the rest is about how it was made.
const SYSTEM_KEYS: [&str; 5] = ["architecture", "os", "os.features", "os.version", "variant"];
/// What of a base's run settings is about how it was made: nobody runs its triggers here.
const BUILD_KEYS: [&str; 2] = ["Image", "OnBuild"];

/// The configuration as JSON.
pub(super) fn config(spec: &ImageSpec) -> Result<Value, Error> {
    let created: jiff::Timestamp = spec
        .created
        .parse()
        .map_err(|_| invalid(&format!("`{}` is no time in RFC 3339", shown(&spec.created))))?;
    let created = created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    check(&spec.config)?;
    let mut config = match &spec.base {
        Some(base) => {
            base.check(&spec.platform)?;
            base.config
                .as_object()
                .into_iter()
                .flatten()
                .filter(|(k, _)| SYSTEM_KEYS.contains(&k.as_str()))
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect()
        }
        None => system(spec),
    };
    config.insert("created".into(), json!(created));
    config.insert("config".into(), run_settings(spec));
    let ours = spec.layers.iter().map(|layer| json!(layer.diff_id));
    let diff_ids: Vec<Value> =
        spec.base.iter().flat_map(BaseImage::diff_ids).cloned().chain(ours).collect();
    config.insert("rootfs".into(), json!({"type": "layers", "diff_ids": diff_ids}));
    let mut history = spec.base.as_ref().map(history).unwrap_or_default();
    history.extend(spec.layers.iter().map(
        |layer| json!({"created": created, "created_by": layer.created_by, "comment": "portolan"}),
    ));
    config.insert("history".into(), Value::Array(history));
    Ok(Value::Object(config))
}

fn system(spec: &ImageSpec) -> Map<String, Value> {
    let platform = &spec.platform;
    let mut system = Map::new();
    system.insert("os".into(), json!(platform.os()));
    system.insert("architecture".into(), json!(platform.arch()));
    if let Some(variant) = platform.variant() {
        system.insert("variant".into(), json!(variant));
    }
    system
}

/// The base's history; made up where it does not fit its layers, since readers count them.
fn history(base: &BaseImage) -> Vec<Value> {
    let history = base.config["history"].as_array().cloned().unwrap_or_default();
    let layers = history.iter().filter(|entry| entry["empty_layer"] != json!(true)).count();
    if layers == base.layers.len() {
        return history;
    }
    base.layers.iter().map(|_| json!({"comment": "base image"})).collect()
}

fn run_settings(spec: &ImageSpec) -> Value {
    let ours = &spec.config;
    let inherited = spec.base.as_ref().and_then(|base| base.config["config"].as_object());
    let mut settings = inherited.cloned().unwrap_or_default();
    settings.retain(|key, value| !BUILD_KEYS.contains(&key.as_str()) && !value.is_null());
    if !ours.entrypoint.is_empty() {
        settings.insert("Entrypoint".into(), json!(ours.entrypoint));
        settings.remove("Cmd");
    }
    if !ours.args.is_empty() {
        settings.insert("Cmd".into(), json!(ours.args));
    }
    let named = [("User", &ours.user), ("WorkingDir", &ours.working_dir)];
    for (key, value) in named.into_iter().filter_map(|(key, value)| Some((key, value.as_ref()?))) {
        settings.insert(key.into(), json!(value));
    }
    if !ours.env.is_empty() {
        let env = environment(settings.get("Env"), &ours.env);
        settings.insert("Env".into(), json!(env));
    }
    let ports = ours.ports.iter().map(|port| (format!("{port}/tcp"), json!({})));
    add(&mut settings, "ExposedPorts", ports.collect());
    let labels = ours.labels.iter().map(|(key, value)| (key.clone(), json!(value)));
    add(&mut settings, "Labels", labels.collect());
    Value::Object(settings)
}

/// The base's variables in their order, with our values, then ours in theirs.
fn environment(inherited: Option<&Value>, ours: &[(String, String)]) -> Vec<String> {
    let inherited =
        inherited.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let pairs = inherited.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let mut env: Vec<(&str, &str)> = Vec::new();
    for (name, value) in
        pairs.chain(ours.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    {
        match env.iter_mut().find(|(known, _)| *known == name) {
            Some(known) => known.1 = value,
            None => env.push((name, value)),
        }
    }
    env.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
}

fn add(settings: &mut Map<String, Value>, key: &str, more: Map<String, Value>) {
    if more.is_empty() {
        return;
    }
    match settings.get_mut(key).and_then(Value::as_object_mut) {
        Some(known) => known.extend(more),
        None => {
            settings.insert(key.into(), Value::Object(more));
        }
    }
}

fn check(config: &ImageConfig) -> Result<(), Error> {
    for (name, _) in &config.env {
        if name.is_empty() || name.contains(['=', '\0']) {
            return Err(invalid(&format!(
                "`{}` is no name of an environment variable",
                shown(name)
            )));
        }
    }
    if config.ports.contains(&0) {
        return Err(invalid("0 is no port"));
    }
    match &config.working_dir {
        Some(path) if !path.starts_with('/') => {
            Err(invalid(&format!("the working directory `{}` is not absolute", shown(path))))
        }
        _ => Ok(()),
    }
}
