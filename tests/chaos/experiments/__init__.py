"""One experiment a file: `run(stack, scale, random)` injects faults and says what came of it."""
