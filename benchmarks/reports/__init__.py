"""Results as tables and plots: on the terminal, and in docs/benchmarks.md."""
