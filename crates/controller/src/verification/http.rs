//! A check on a Service: asked at a ready address of its EndpointSlices, so that it works where the
//! cluster's names do not.

use std::net::{IpAddr, SocketAddr};

use futures::StreamExt;
use portolan_api::native::verification::{HttpCheck, HttpService, Scheme};
use portolan_cluster::HeldBy;
use portolan_plan::object::{Gvk, text};
use portolan_plan::outcome::Identity;
use serde_json::Value;

use crate::context::Context;

/// Most bytes of a body that are looked at.
const BODY: usize = 64 << 10;

/// Asks once, as the account as far as the cluster is asked.
pub(super) async fn check(
    cx: &Context,
    identity: &Identity,
    namespace: &str,
    check: &HttpCheck,
) -> Result<String, String> {
    let service = check.service.as_ref().ok_or("the check names no service")?;
    let address = address(cx, identity, namespace, service).await?;
    cx.egress.check_address(address).map_err(|trouble| trouble.message)?;
    let scheme = match service.scheme {
        Scheme::Http => "http",
        Scheme::Https => "https",
    };
    let path = service.path.trim_start_matches('/');
    let url = format!("{scheme}://{address}/{path}");
    // Certificates of pods are made by whom nobody knows, as a kubelet's probes assume.
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .tls_danger_accept_invalid_certs(true)
        .no_proxy()
        .build()
        .map_err(|error| error.to_string())?;
    let host = format!("{}.{namespace}.svc", service.name);
    let answer = client.get(&url).header("host", host).send().await;
    let answer = answer.map_err(|error| format!("{url} does not answer: {}", cause(&error)))?;
    let status = i32::from(answer.status().as_u16());
    if status != check.expect.status {
        return Err(format!("{url} answered {status}, expected {}", check.expect.status));
    }
    let Some(expected) = &check.expect.body else {
        return Ok(format!("{url} answered {status}"));
    };
    let body = beginning(answer).await?;
    if body.contains(&expected.contains) {
        Ok(format!("{url} answered {status} with {:?}", expected.contains))
    } else {
        let shown: String = body.chars().take(100).collect();
        Err(format!("{url} answered {status} without {:?}: {shown:?}", expected.contains))
    }
}

async fn beginning(answer: reqwest::Response) -> Result<String, String> {
    let mut body = Vec::new();
    let mut chunks = answer.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| format!("the body broke off: {}", cause(&error)))?;
        body.extend_from_slice(&chunk);
        if body.len() >= BODY {
            body.truncate(BODY);
            break;
        }
    }
    Ok(String::from_utf8_lossy(&body).into_owned())
}

/// The innermost cause, without the url that our own message has.
fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// A ready address of a Service and the port behind the asked one.
async fn address(
    cx: &Context,
    identity: &Identity,
    namespace: &str,
    service: &HttpService,
) -> Result<SocketAddr, String> {
    let name = &service.name;
    let kind = |version: &str, kind: &str| {
        cx.kinds.get(&Gvk::new(version, kind)).ok_or_else(|| format!("{kind} is not served"))
    };
    let found = cx.cluster.get(identity, &kind("v1", "Service")?, namespace, name).await;
    let object = match found.map_err(|error| error.message)? {
        HeldBy::Object(object) => object,
        HeldBy::Nobody => return Err(format!("Service {name} does not exist")),
    };
    let port = port_name(&object, service)?;
    let slices = kind("discovery.k8s.io/v1", "EndpointSlice")?;
    let labels = format!("kubernetes.io/service-name={name}");
    let slices = cx.cluster.list(identity, &slices, namespace, &labels).await;
    let slices = slices.map_err(|error| error.message)?;
    slices
        .iter()
        .find_map(|slice| ready_address(slice, &port))
        .ok_or_else(|| format!("Service {name} has no ready address"))
}

/// Name of the Service's port that the check asks for; names tie the ports of Services and slices.
fn port_name(object: &Value, service: &HttpService) -> Result<String, String> {
    let name = &service.name;
    let ports =
        object.pointer("/spec/ports").and_then(Value::as_array).cloned().unwrap_or_default();
    let port = match &service.port {
        None if ports.len() == 1 => ports.first(),
        None => return Err(format!("Service {name} has {} ports: name one", ports.len())),
        Some(wanted) => ports
            .iter()
            .find(|port| port.get("port") == Some(wanted) || port.get("name") == Some(wanted)),
    };
    let port = port.ok_or_else(|| {
        let wanted = service.port.clone().unwrap_or_default();
        format!("Service {name} has no port {wanted}")
    })?;
    Ok(text(port, "/name").to_owned())
}

fn ready_address(slice: &Value, port: &str) -> Option<SocketAddr> {
    let ports = slice.get("ports")?.as_array()?;
    let number = ports.iter().find(|found| text(found, "/name") == port)?.get("port")?.as_u64()?;
    let endpoints = slice.get("endpoints")?.as_array()?;
    let ready = endpoints.iter().find(|endpoint| {
        endpoint.pointer("/conditions/ready").is_none_or(|ready| ready != &Value::Bool(false))
    })?;
    let ip: IpAddr = ready.get("addresses")?.as_array()?.first()?.as_str()?.parse().ok()?;
    Some(SocketAddr::new(ip, u16::try_from(number).ok()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_ready_address_behind_the_asked_port() {
        let slice = json!({
            "ports": [{"name": "web", "port": 8080}, {"name": "admin", "port": 9090}],
            "endpoints": [
                {"addresses": ["10.0.0.1"], "conditions": {"ready": false}},
                {"addresses": ["10.0.0.2"], "conditions": {"ready": true}},
            ],
        });
        assert_eq!(ready_address(&slice, "web"), "10.0.0.2:8080".parse().ok());
        assert_eq!(ready_address(&slice, "admin"), "10.0.0.2:9090".parse().ok());
        assert_eq!(ready_address(&slice, "none"), None);
        assert_eq!(ready_address(&json!({"ports": [{"port": 80}], "endpoints": []}), ""), None);
    }

    #[test]
    fn ports_are_found_by_number_name_or_because_there_is_one() {
        let object =
            json!({"spec": {"ports": [{"name": "web", "port": 80}, {"name": "x", "port": 81}]}});
        let service = |port: Value| HttpService {
            name: "app".into(),
            port: Some(port),
            scheme: Scheme::Http,
            path: "/".into(),
        };
        assert_eq!(port_name(&object, &service(json!(80))), Ok("web".into()));
        assert_eq!(port_name(&object, &service(json!("x"))), Ok("x".into()));
        assert!(port_name(&object, &service(json!(82))).is_err());
        let any = HttpService { port: None, ..service(json!(0)) };
        assert_eq!(port_name(&object, &any), Err("Service app has 2 ports: name one".into()));
    }
}
