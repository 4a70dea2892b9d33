"""JAX functions cut into stages: functions of their own, each with the parameters that it needs."""
