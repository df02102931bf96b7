//! The Kubernetes side: caches, dynamic watches, apply as a ServiceAccount, events, leases, discovery.
