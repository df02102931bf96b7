//! The shell around the plan: gather, plan, execute, report; queues, error policy, metrics, health endpoints.
