//! Labels and annotations that Portolan puts on objects or reads from them.

/// Name of the Workload that owns a stamped object.
pub const WORKLOAD_NAME: &str = "carto.run/workload-name";
/// Namespace of the Workload that owns a stamped object.
pub const WORKLOAD_NAMESPACE: &str = "carto.run/workload-namespace";
/// Supply chain by which an object was stamped.
pub const SUPPLY_CHAIN_NAME: &str = "carto.run/supply-chain-name";
/// Name of the Deliverable that owns a stamped object.
pub const DELIVERABLE_NAME: &str = "carto.run/deliverable-name";
/// Namespace of the Deliverable that owns a stamped object.
pub const DELIVERABLE_NAMESPACE: &str = "carto.run/deliverable-namespace";
/// Delivery by which an object was stamped.
pub const DELIVERY_NAME: &str = "carto.run/delivery-name";
/// Resource of the blueprint by which an object was stamped.
pub const RESOURCE_NAME: &str = "carto.run/resource-name";
/// Kind of the template by which an object was stamped.
pub const TEMPLATE_KIND: &str = "carto.run/template-kind";
/// Name of the template, empty when it came from `options`.
pub const TEMPLATE_NAME: &str = "carto.run/cluster-template-name";
/// Lifecycle of the template: `mutable`, `immutable` or `tekton`.
pub const TEMPLATE_LIFECYCLE: &str = "carto.run/template-lifecycle";

/// Digest of the desired object as it was last applied; on every stamped object.
pub const APPLIED: &str = "portolan.carto.run/applied";
/// UID of the GitDeployment that applied an object.
pub const DEPLOYMENT: &str = "portolan.carto.run/deployment-uid";
/// UID of the owner of a cluster-scoped stamped object: it cannot have an owner reference.
pub const OWNER_UID: &str = "portolan.carto.run/owner-uid";
/// On a native object: any new value asks for one look now.
pub const REQUESTED_AT: &str = "portolan.carto.run/requestedAt";
/// On a Secret: comma-separated hosts its content may be sent to.
pub const HOSTS: &str = "portolan.carto.run/hosts";
/// On a Namespace, CRD or PersistentVolumeClaim: `"true"` lets a GitDeployment prune it.
pub const PRUNE: &str = "portolan.carto.run/prune";
/// On ClusterRoles: aggregates the rules into what the controllers may read of stamped kinds.
pub const AGGREGATE: &str = "portolan.carto.run/aggregate-to-stamped-kinds";
/// Finalizer of native objects that clean up outside the cluster or prune inside it.
pub const FINALIZER: &str = "portolan.carto.run/cleanup";
